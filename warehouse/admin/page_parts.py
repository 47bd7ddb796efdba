"""What a page says in the place of a part that failed: the rest of the page stands, and the log has the traceback."""

import logging

from django.db import connection

logger = logging.getLogger(__name__)


def failure(part: str, error: Exception) -> str:
    """Log the error that is being handled as that of `part`, and return what to say after the part's name.

    Afterwards the next part can ask the database again: a connection that was lost is closed, so that it is opened
    anew, unless it is in a transaction, which would be lost with it. (A statement that fails by itself leaves a
    transaction of MariaDB usable; there is nothing to roll back after reading.)
    """
    logger.error("%s could not be worked out", part, exc_info=error)
    if not connection.in_atomic_block:
        connection.close_if_unusable_or_obsolete()
    return f"could not be worked out: {type(error).__name__}: {error}"
