"""What keeps a process from beginning is one line that says what to do, by whatever door: manage.py, gunicorn, workers.

Nothing of the settings is loaded here before it is asked for: they may be what is wrong.
"""

import logging
import os
import sys
from collections.abc import Callable
from typing import TypeVar

#: gunicorn's APP_LOAD_ERROR: with it a worker's start is not tried again and again
CANNOT_BEGIN = 4
OURS = {"config", "imports", "quality", "warehouse"}
T = TypeVar("T")
logger = logging.getLogger(__name__)


def in_one_line(error: BaseException) -> str | None:
    """What an operator can do something about. None: it is a fault of ours, whose traceback is wanted."""
    if isinstance(error, ModuleNotFoundError):
        return None if error.name is None or error.name.split(".")[0] in OURS else _lacking(error)
    try:
        from django.core.exceptions import ImproperlyConfigured
        from django.db import DatabaseError

        from warehouse.outside import shown
        from warehouse.server import errors
        from warehouse.server.readiness import NotReady
    except ModuleNotFoundError as lacking:
        return _lacking(lacking)
    if isinstance(error, (NotReady, ImproperlyConfigured)):
        return shown(str(error), errors.TEXT_MAX)
    if isinstance(error, TypeError) and "keyword argument for" in str(error) and "connect" in str(error):
        return f"DATABASE_URL has an option that the driver does not know, behind its ?: {error}"
    if isinstance(error, DatabaseError) and not errors.is_ours(error):
        return errors.in_words(error)
    return None


def _lacking(error: ModuleNotFoundError) -> str:
    package = (error.name or "").split(".")[0]
    return f"The package {package} is missing in {sys.executable}. ./bin/setup installs what this version needs"


def begin(application: Callable[[], T]) -> T:
    """What `application` makes, where the database is ready for it (warehouse.server.readiness); of one that is away it
    tells, since its pages do, too, until it is back. Else this process ends, with one line that says why."""
    try:
        begun = application()
        _ready()
        return begun
    except Exception as error:
        said = in_one_line(error)
        if said is None:
            raise
        say(said)
        sys.exit(CANNOT_BEGIN)


def _ready() -> None:
    from django.db import DatabaseError

    from warehouse.server import errors
    from warehouse.server.readiness import ready

    try:
        ready()
    except DatabaseError as error:
        if not errors.is_away(error):
            raise
        logger.warning("%s. Begun all the same: pages say so until it is back", errors.what_is_away(error))


def say(line: str) -> None:
    """Of what runs for long: on stderr as it is, or as a record where machines read the log (LOG_FORMAT=json)."""
    if os.environ.get("LOG_FORMAT") == "json":  # also as .env has it; the settings may be what cannot be loaded
        from warehouse.log_lines import OneObject

        record = logging.LogRecord(__name__, logging.CRITICAL, "", 0, line, None, None)
        line = OneObject().format(record)
    sys.stderr.write(f"{line}\n")
