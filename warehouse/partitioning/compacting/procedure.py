"""Compact months of a fact table that is in use: the procedure behind `manage.py maintain_partitions --compact`.

Month by month: copy its rows into a shadow table in the order of their key -> build the indexes -> compare -> exchange
month and shadow table -> compare what came out -> drop it. Readers and writers go on all the time but for the exchange,
which never waits for a lock (warehouse.server.ddl).

No row is lost, whoever writes meanwhile. Each transaction of ours that touches a row of a month gives the month another
token (warehouse.rides.stale_days): these are compared when the table is locked and nobody can write any more, and the
month is copied anew where they differ. So is, where the server shows it, the number of rows changed, since others may
write past us. What neither shows is found behind the exchange: the old rows lie in the shadow table then, and are
dropped only once they are summed up and are what was copied.

Killed at any instant, the next call finds the shadow table and a row that says how far it was (MonthCompaction). A copy
is dropped. Where it may have been exchanged or not, month and shadow table hold the same rows: it is dropped once its
checksum is that of the copy, and nothing need be known of what became of the exchange.
"""

import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import date
from threading import Event

from django.db import DatabaseError
from django.utils import timezone

from warehouse.models import CompactionStep, MonthCompaction, PartitionMetrics
from warehouse.partitioning import page_compression, partitions
from warehouse.partitioning.compacting import months, shadow
from warehouse.partitioning.compacting.months import Month
from warehouse.partitioning.compacting.shadow import SHADOW, Digest
from warehouse.partitioning.compacting.signs import Watch
from warehouse.partitioning.online import state
from warehouse.partitioning.online.procedure import TURN
from warehouse.partitioning.partitions import TABLE
from warehouse.server import catalog, ddl, dialect, errors
from warehouse.server.away import patience, patiently
from warehouse.server.catalog import Scheme
from warehouse.server.named_lock import named_lock
from warehouse.text import count_of, size_in_words

PATIENCE_SECONDS = 120.0
LONGEST_WAIT_SECONDS = 0.25  # for which others may have to wait for an exchange
TRIES = 3  # of a month that is written to
# The copy, and beside it the sorted rows of both indexes in the server's temporary files.
ROOM_FACTOR = 1.5
OTHER_OPERATOR_WAIT_SECONDS = 5  # a session whose process was killed may still be ending its statement
# On an idle machine. A month that would take longer even so is not copied in vain.
VALIDATED_ROWS_PER_SECOND = 3_000_000
VALIDATION_FACTOR, EXCHANGE_SECONDS = 1.2, 0.03
QUIET_TRIES, QUIET_PAUSE_SECONDS = 20, 1.0
_NOT_ALIKE = {1731, 1736}  # another option, another definition

Report = Callable[[str, int, int], None]  # (what, rows so far, all of them; 0: not countable)


class CompactionError(Exception):
    """Months cannot be compacted; the message says what to do."""


class Stopped(Exception):
    """The caller asked to stop, or its time is over. What is done stays, the month in hand is as it was."""


@dataclass(slots=True)
class Done:
    """What a run did: the months with what they took and take now (bytes), and why others were left alone."""

    months: dict[str, tuple[int, int]] = field(default_factory=dict)
    left: dict[str, str] = field(default_factory=dict)

    def add(self, record: MonthCompaction) -> None:
        self.months[record.partition_name] = record.bytes_before, record.bytes_after

    @property
    def saved(self) -> int:
        """Bytes."""
        return sum(before - after for before, after in self.months.values())


def candidates(today: date, first: date | None = None, last: date | None = None) -> list[Month]:
    """The closed months that there is something to gain from, in order. CompactionError, CatalogError."""
    _refuse()
    found = months.closed(catalog.partitions(TABLE), today, first, last)
    return [
        month for month in months.weighed(found, months.figures_now(found), page_compression.is_on()) if month.saves
    ]


def unfinished() -> list[MonthCompaction]:
    """What a run that was killed has left behind."""
    return list(MonthCompaction.objects.exclude(step=CompactionStep.DONE))


def run(
    today: date,
    report: Report,
    *,
    first: date | None = None,
    last: date | None = None,
    longest_wait_seconds: float = LONGEST_WAIT_SECONDS,
    patience_seconds: float = PATIENCE_SECONDS,
    throttle_percent: int = 0,
    stop: Event | None = None,
    seconds: float | None = None,
) -> Done:
    """Compact the closed months from first's to last's that there is something to gain from.

    Others wait for an exchange for `longest_wait_seconds` at most, as far as that can be told before: a month that
    would take longer is left alone. `seconds`: begin and go on with no month after that. Stopped; CompactionError: what
    is done stays, the month in hand is as it was. CatalogError.
    """
    deadline = None if seconds is None else time.monotonic() + seconds

    def check() -> None:
        if (stop is not None and stop.is_set()) or (deadline is not None and time.monotonic() > deadline):
            raise Stopped

    done = Done()

    def go_on() -> None:
        with named_lock(TURN, OTHER_OPERATOR_WAIT_SECONDS) as alone:
            if not alone:
                raise CompactionError(f"Another session makes {TABLE} over, or compacts it: wait until it has finished")
            _refuse()
            for record in unfinished():
                if _settle(record, report, patience_seconds):
                    done.add(record)
            if catalog.table_exists(SHADOW):
                raise CompactionError(
                    f"There is a table {SHADOW}, and nothing says what it holds. See that all its rows are in {TABLE}, "
                    f"then DROP TABLE {SHADOW}"
                )
            for month in candidates(today, first, last):
                check()
                job = _Job(month, report, check, patience_seconds, longest_wait_seconds, throttle_percent)
                if why_not := job.compact():
                    done.left[month.name] = why_not
                    report(f"{month.name}: left alone: {why_not}", 0, 0)
                else:
                    record = MonthCompaction.objects.get(pk=month.name)
                    done.add(record)
                    report(f"{month.name}: {in_words(record)}", 0, 0)

    try:
        with patience(stop=stop):
            patiently(go_on)  # where the server went away, as after a kill: the month in hand is settled, or done again
    except Stopped:
        if not done.months:
            raise
        raise Stopped(_so_far(done)) from None
    return done


def in_words(record: MonthCompaction) -> str:
    """What compacting it came to."""
    before, after = record.bytes_before / 1e6, record.bytes_after / 1e6
    return f"{count_of(record.row_count, 'row')}, {size_in_words(before)} before, {size_in_words(after)} now"


def _so_far(done: Done) -> str:
    return f"{count_of(len(done.months), 'month')} compacted, {size_in_words(done.saved / 1e6)} saved"


# --- one month ------------------------------------------------------------------------------------------------------
@dataclass(frozen=True, slots=True)
class _Job:
    month: Month
    report: Report
    check: Callable[[], None]
    patience_seconds: float
    longest_wait_seconds: float
    throttle_percent: int

    def compact(self) -> str:
        """Do it; "" when it is done, else why it was left alone. Errors as `run`."""
        if self._hopeless():
            return self._too_long(_stall(self.month.rows / VALIDATED_ROWS_PER_SECOND))
        _refuse_a_small_disk(self.month)
        before = MonthCompaction.objects.filter(pk=self.month.name).first()
        try:
            with Watch(self.month.name, self.month.begin) as watch:
                why_not = next((why for why in (self._once(watch) for _ in range(TRIES)) if why is not None), None)
            if why_not is None:
                why_not = "it is being written to: call again later"
        except DatabaseError as error:
            if not errors.is_disk_full(error):
                raise
            self._take_back(before)
            raise CompactionError(
                f"The disk of the database is full: the copy was dropped, and {self.month.name} is as it was. It takes "
                f"about {size_in_words(self.month.bytes * ROOM_FACTOR / 1e6)}"
            ) from error
        except (Stopped, KeyboardInterrupt, ddl.DdlError) as error:
            self._take_back(before)
            if isinstance(error, ddl.DdlError):
                raise CompactionError(f"{error}. {self.month.name} is as it was; call again to go on") from error
            raise
        if why_not:
            self._take_back(before)
        return why_not

    def _once(self, watch: Watch) -> str | None:
        """None: the month was written to meanwhile, and is to be copied anew."""
        name = self.month.name
        record, _ = MonthCompaction.objects.update_or_create(
            partition_name=name,
            defaults={
                "step": CompactionStep.COPYING,
                "began_at": timezone.now(),
                "done_at": None,
                "bytes_before": self.month.bytes,
                "page_compressed": page_compression.is_on(),
            },
        )
        signs = watch.signs()
        keys = shadow.make(self.patience_seconds)
        for copied in shadow.fill(name, self.check, self.throttle_percent):
            self._report("copy", copied)
        self._report("build the indexes", 0)
        self.check()
        shadow.index(keys, self.patience_seconds)
        self._report("compare", 0)
        copy = shadow.compare(name, self.check)
        if copy is None or watch.signs() != signs:
            return None
        after = months.taken(catalog.total(catalog.sizes(SHADOW)))
        if after >= self.month.bytes:
            return self._nothing_to_gain(record, copy)
        record.row_count, record.checksum, record.bytes_after = copy.rows, copy.checksum, after
        stall = self._stall_in_a_quiet_moment()
        if stall > self.longest_wait_seconds:
            return self._too_long(stall)
        self.check()
        record.step = CompactionStep.EXCHANGING
        record.save()
        self._report(f"exchange, which takes about {stall:.2f} s", 0)
        exchanged = False
        try:
            exchanged = shadow.exchange(name, lambda: watch.signs() == signs, self.patience_seconds)
        except DatabaseError as error:
            if error.args[0] not in _NOT_ALIKE:
                raise  # whether it was done is for the next run to find out
            self._copying_again(record)
            raise ddl.DdlError(
                f"The server does not exchange {name} ({error.args[-1]}). MySQL does not after a column was added at "
                "once: manage.py partition_snapshots rollback, and then apply, makes the table anew"
            ) from error
        except ddl.DdlError:
            self._copying_again(record)
            raise
        if not exchanged:
            self._copying_again(record)
            return None
        self._report("compare what came out", 0)
        return "" if _settle(record, self.report, self.patience_seconds, exchanged=True) else None

    def _copying_again(self, record: MonthCompaction) -> None:
        """It was not exchanged: what lies in the shadow table is a copy."""
        record.step = CompactionStep.COPYING
        record.save()

    def _nothing_to_gain(self, record: MonthCompaction, copy: Digest) -> str:
        """So that it is not tried again before rows have come."""
        shadow.drop(self.patience_seconds)
        record.step, record.done_at = CompactionStep.DONE, timezone.now()
        record.row_count, record.bytes_after = copy.rows, self.month.bytes
        record.save()
        return "a copy takes as much"

    def _hopeless(self) -> bool:
        """Whether its exchange would take too long on an idle machine too, so that there is no use in a copy."""
        if dialect.exchanges_without_validation():
            return False
        return _stall(self.month.rows / VALIDATED_ROWS_PER_SECOND) > self.longest_wait_seconds

    def _stall_in_a_quiet_moment(self) -> float:
        """Wait for a moment in which the exchange is short enough; for how long it would keep others waiting now, or
        where no such moment came, at the least."""
        shortest = float("inf")
        for number in range(QUIET_TRIES):
            self.check()
            if number:
                time.sleep(QUIET_PAUSE_SECONDS)
            shortest = min(shortest, _stall(shadow.seconds_to_validate()))
            if shortest <= self.longest_wait_seconds:
                break
        return shortest

    def _too_long(self, seconds: float) -> str:
        return (
            f"its exchange would keep others waiting for about {seconds:.2f} s, "
            f"since this server looks at each of its rows (MariaDB 11.4 and MySQL do not): "
            f"--longest-wait allows more than {self.longest_wait_seconds:g} s"
        )

    def _take_back(self, before: MonthCompaction | None) -> None:
        """Drop the copy, and let the table of compactions say what it said before."""
        if MonthCompaction.objects.filter(pk=self.month.name, step=CompactionStep.COPYING).exists():
            with suppress(ddl.DdlError):  # somebody is at it: the next run drops it
                shadow.drop(self.patience_seconds)
                _forget(self.month.name, before)

    def _report(self, what: str, rows: int) -> None:
        self.report(f"{self.month.name}: {what}", rows, max(rows, self.month.rows) if rows else 0)


def _stall(seconds_to_validate: float) -> float:
    return seconds_to_validate * VALIDATION_FACTOR + EXCHANGE_SECONDS


# --- what a run finds, and what it leaves -----------------------------------------------------------------------------
def _settle(record: MonthCompaction, report: Report, patience_seconds: float, *, exchanged: bool = False) -> bool:
    """Finish what `record` says: drop the shadow table, once nothing is in it that is not in the month. Whether the
    month is compact now. `exchanged`: it is known that it was. CompactionError.
    """
    name = record.partition_name
    try:
        if catalog.table_exists(SHADOW):
            if record.step == CompactionStep.EXCHANGING:
                old = shadow.digest(SHADOW, lambda: None)
                if (old.rows, old.checksum) != (record.row_count, record.checksum):
                    _take_the_old_one_back(record, old, report, patience_seconds)
            shadow.drop(patience_seconds)
    except ddl.DdlError as error:
        raise CompactionError(f"{error}. Call again to finish with {name}") from error
    if record.step == CompactionStep.COPYING:
        report(f"{name}: a copy was dropped", 0, 0)
        _forget(name, None)
        return False
    with suppress(catalog.CatalogError):
        catalog.analyze(TABLE, [name])
    size = catalog.sizes(TABLE).get(name)
    now = record.bytes_after if size is None else months.taken(size)
    if not exchanged and now - record.bytes_after > months.LEAST_SAVED_BYTES:
        report(f"{name}: a copy was dropped", 0, 0)
        _forget(name, None)
        return False
    if size is not None:
        PartitionMetrics.objects.filter(table_name=TABLE, partition_name=name).update(
            rows_estimate=size.rows_estimate,
            data_bytes=size.data_bytes,
            index_bytes=size.index_bytes,
            file_bytes=size.file_bytes,
        )
    record.bytes_after, record.step, record.done_at = now, CompactionStep.DONE, timezone.now()
    record.save()
    return True


def _forget(name: str, before: MonthCompaction | None) -> None:
    MonthCompaction.objects.filter(pk=name).delete()
    if before is not None and before.done_at is not None:
        before.save(force_insert=True)


def _take_the_old_one_back(record: MonthCompaction, old: Digest, report: Report, patience_seconds: float) -> None:
    """Somebody wrote to the month past all marks, after the comparison: its old rows become the month again.

    Where the month has changed since the exchange, too, nobody can tell which rows are to be: CompactionError.
    """
    name = record.partition_name
    begin = bounds[0] if (bounds := partitions.bounds_of(name)) else None
    with Watch(name, begin or date.min) as watch:
        signs = watch.signs()
        now = shadow.digest(shadow.of_partition(name), lambda: None)
        is_back = (now.rows, now.checksum) == (record.row_count, record.checksum) and shadow.exchange(
            name, lambda: watch.signs() == signs, patience_seconds
        )
    if not is_back:
        raise CompactionError(
            f"{name} was written to past the imports, before it was exchanged and after it. {SHADOW} holds its "
            f"{count_of(old.rows, 'row')} of before: bring over what {TABLE} lacks, then DROP TABLE {SHADOW} and "
            f"DELETE FROM month_compactions WHERE partition_name = '{name}'"
        )
    record.step = CompactionStep.COPYING  # the copy lies in the shadow table again
    record.save()
    report(f"{name}: was written to past the imports at the last moment, and is as it was", 0, 0)


def _refuse() -> None:
    """Say why no month can be compacted, if none can."""
    found = catalog.partitioning(TABLE)
    if found.scheme is not Scheme.COLUMN:
        raise CompactionError(f"{TABLE} is {found.description}: manage.py partition_snapshots apply gives it months")
    if state.look().unfinished:
        raise CompactionError(
            f"manage.py partition_snapshots has left a copy of {TABLE}: let it finish, or take it back by "
            "manage.py partition_snapshots cleanup"
        )


def bytes_needed(month: Month) -> int:
    """Of the disk, while it is compacted."""
    return round(month.bytes * ROOM_FACTOR)


def _refuse_a_small_disk(month: Month) -> None:
    free = catalog.disk_free_bytes()
    if free is not None and free < bytes_needed(month):
        raise CompactionError(
            f"{month.name} needs about {size_in_words(bytes_needed(month) / 1e6)} of disk while it is compacted, and "
            f"the disk of the database has {size_in_words(free / 1e6)} free. Make room, or leave it out by --from or "
            "--to"
        )
