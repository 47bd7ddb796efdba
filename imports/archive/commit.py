"""One transaction, tried until it holds: what may be tried again, and what a lost connection may have committed."""

import logging
import random
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import date

from django.db import DatabaseError, IntegrityError, OperationalError, connection, transaction

from imports.archive.checkpoint import ClaimLost, ImportCheckpoint
from imports.archive.run import ImportRun, Totals
from imports.loading.loader import RowsRefused
from imports.loading.retry import ATTEMPTS
from warehouse.server import errors

logger = logging.getLogger(__name__)

SERVER_AWAY_PATIENCE_SECONDS = 60
# A worker that is frozen or cut off inside a transaction holds its locks for ever, and whoever takes over stands
# before them. Between two statements of one of our transactions lie milliseconds, so the server may end it early.
IDLE_TRANSACTION_SECONDS = 20


@dataclass
class Written:
    """What one transaction held, to be believed once it is committed."""

    day: date
    key: str
    totals: Totals
    joined: list[ImportCheckpoint] = field(default_factory=list)


def in_one_transaction(
    run: ImportRun,
    concerned: Callable[[], list[ImportCheckpoint]],
    write: Callable[[list[ImportCheckpoint]], Written],
) -> None:
    """Commit what `write` does for the parks that `concerned` names, and let the run believe it afterwards.

    A park whose claim is lost leaves the run, and the file is done again for the rest. Another writer's row, ride or
    lock in the way, and a server that went away, are tried again; what keeps failing is raised.
    """
    attempt = 0
    away_since: float | None = None
    while True:
        parks = concerned()
        if not parks and not run.may_be_joined:
            return
        written = None
        try:
            with _never_idle_for_long(), transaction.atomic():
                written = write(parks)
        except ClaimLost as lost:
            run.resolver.forget()
            run.leave(lost.checkpoints)
            logger.warning("%s left the run: paused, given up or taken over", lost)
            continue
        except (RowsRefused, IntegrityError, OperationalError) as error:
            run.resolver.forget()
            if errors.is_away(error):
                away_since = away_since or time.monotonic()
                if time.monotonic() - away_since > SERVER_AWAY_PATIENCE_SECONDS:
                    raise
                logger.warning("the database server is away (%s); trying again", error)
                connection.close()
                time.sleep(random.uniform(0.5, 1.5))
                if written is None or not _was_committed(parks, written):
                    continue
            else:
                attempt += 1
                if attempt >= ATTEMPTS or (isinstance(error, OperationalError) and not errors.is_locked(error)):
                    raise
                logger.info("%s; trying the file again", error)
                time.sleep(random.uniform(0.02, 0.1) * 2**attempt)
                continue
        run.resolver.keep()
        run.join(written.joined)
        run.totals.add(written.totals)
        for checkpoint in [*parks, *written.joined]:
            checkpoint.last_processed_date = written.day
            checkpoint.last_processed_file = written.key
        return


@contextmanager
def _never_idle_for_long() -> Iterator[None]:
    """The server ends a transaction, or a LOAD DATA, in which nothing happens. Two statements a file, 0.1 ms."""
    # MySQL has no limit for transactions alone: its limit for sessions must not last until the next file has come
    limits = "idle_transaction_timeout" if connection.mysql_is_mariadb else "wait_timeout", "net_read_timeout"
    with connection.cursor() as cursor:
        cursor.execute("SET SESSION " + ", ".join(f"{limit} = {IDLE_TRANSACTION_SECONDS}" for limit in limits))
    try:
        yield
    finally:
        with suppress(DatabaseError), connection.cursor() as cursor:  # a session that is gone needs none
            cursor.execute("SET SESSION " + ", ".join(f"{limit} = DEFAULT" for limit in limits))


def _was_committed(parks: list[ImportCheckpoint], written: Written) -> bool:
    """Whether a COMMIT whose answer was lost reached the server: the checkpoints moved in the same transaction."""
    try:
        return any(
            ImportCheckpoint.objects.filter(
                pk=checkpoint.pk, generation=checkpoint.generation, last_processed_file=written.key
            ).exists()
            for checkpoint in [*parks, *written.joined]
        )
    except OperationalError:
        connection.close()
        return False
