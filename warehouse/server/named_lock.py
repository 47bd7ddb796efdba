"""A lock by name for as long as something is done, so that it is not done twice at once. A courtesy: the session that
holds it may be lost, and what keeps data whole must be another thing.
"""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from django.db import DatabaseError, connection


@contextmanager
def named_lock(what: str, wait_seconds: int = 0) -> Iterator[bool]:
    """Whether this session has the lock, which it then holds until the end; False: another one has, and still had it
    after `wait_seconds`."""
    # locks are the whole server's, and their names end at 64 characters
    name = f"{what[:30]} {hashlib.md5(connection.settings_dict['NAME'].encode()).hexdigest()}"
    with connection.cursor() as cursor:
        cursor.execute("SELECT GET_LOCK(%s, %s)", [name, wait_seconds])
        mine = cursor.fetchone()[0] == 1
    try:
        yield mine
    finally:
        if mine:
            with suppress(DatabaseError), connection.cursor() as cursor:  # a session that is gone holds none
                cursor.execute("DO RELEASE_LOCK(%s)", [name])
