"""The layout of a snapshot_id: which ride was observed, and when, in one signed 64-bit integer.

    snapshot_id = (milliseconds since 1970 UTC << 20) | ride_id

So ids lie in the order of time, the id of a queue row names its ride and the one partition to look in, and both are
known before anything is stored (docs/decisions/snapshot-identity.md). ride_id takes the lower 20 bits, 1 to
1,048,575; the milliseconds fill the rest until the year 2248, below 0 before 1970.
"""

from datetime import datetime

from warehouse.instants import instant_at, milliseconds_of

RIDE_ID_BITS = 20
RIDE_ID_LIMIT = 1 << RIDE_ID_BITS  # 1,048,576 rides: the world has some 5,000
RIDE_ID_MASK = RIDE_ID_LIMIT - 1
SNAPSHOT_ID_MAX = (1 << 63) - 1  # BIGINT

#: SQL, true for a row of ride_status_snapshots whose snapshot_id does not follow from its ride_id and recorded_at.
IS_MISNUMBERED_SQL = (
    # a literal and a product, which are exact as well: a string and a DIV take 0.3 us a row more of the server
    f"((snapshot_id >> {RIDE_ID_BITS}) * 1000 "
    "<> TIMESTAMPDIFF(MICROSECOND, TIMESTAMP'1970-01-01 00:00:00', recorded_at) "
    f"OR snapshot_id & {RIDE_ID_MASK} <> ride_id)"
)


def snapshot_id_of(ride_id: int, milliseconds: int) -> int:
    """The identity of the observation of `ride_id` at `milliseconds` since 1970 UTC.

    ValueError: the ride_id does not fit its bits.
    """
    if not 0 < ride_id < RIDE_ID_LIMIT:
        raise ValueError(f"ride_id {ride_id} does not fit the {RIDE_ID_BITS} bits a snapshot_id has for it")
    return (milliseconds << RIDE_ID_BITS) | ride_id


def ride_id_of(snapshot_id: int) -> int:
    """The ride that was observed; it may be in `rides` or not."""
    return snapshot_id & RIDE_ID_MASK


def recorded_ms_of(snapshot_id: int) -> int:
    """When it was observed, in milliseconds since 1970 UTC."""
    return snapshot_id >> RIDE_ID_BITS


def instant_of(snapshot_id: int) -> datetime:
    """When it was observed (UTC, whole milliseconds): from a queue row this names the partition to look in.

    OverflowError: an id that nobody made, of an instant beyond the calendar.
    """
    return instant_at(snapshot_id >> RIDE_ID_BITS)


def first_id_at(instant: datetime) -> int:
    """A bound for ranges of ids: every snapshot at or after the (aware) instant has an id above it, others below."""
    return milliseconds_of(instant) << RIDE_ID_BITS
