"""One writer of a park's rows at a time: two feeds that tell of one change at the same moment would each find it new.

The lock is on the parks' own rows, which an import and the live collector would lock shared later anyway, by the
foreign keys of what they write. Taken first and by park_id, by everybody, so that no two wait for each other; before
checkpoints and rides, in the order of a claim (ImportCheckpoint.lock_out_others) and of the metadata sync.
"""

from collections.abc import Iterable

from django.db import connection


def wait_for_turn(park_ids: Iterable[int]) -> None:
    """Be the only writer of these parks' rows until the caller's transaction ends; what others have committed by then
    is there to be read (READ COMMITTED)."""
    keys = sorted(park_ids)
    if keys:
        with connection.cursor() as cursor:
            # through the key and not all rows, which a small table would be read by: each row that is seen is locked
            cursor.execute(
                "SELECT park_id FROM parks FORCE INDEX (PRIMARY) WHERE park_id IN %s ORDER BY park_id FOR UPDATE",
                [keys],
            )
