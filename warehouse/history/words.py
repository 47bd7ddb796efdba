"""Words of rides as the rule of a day takes them: rows as small as the database gives them, and one day's of a park.

A month of a big park is 750,000 rows, so a word is a plain tuple of numbers: (snapshot_id, code, wait). `code` is the
status, below, and what else is known of the row as bits above it; `CODE_SQL` has the database make it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import NamedTuple

#: (snapshot_id, code, minutes in the standby line)
Word = tuple[int, int, int | None]

UNKNOWN, OPERATING, DOWN, CLOSED, REFURBISHMENT = range(5)
STATUS = 7  # code & STATUS
ARCHIVE = 8  # else LIVE
SILENT = 16  # of the archive, and says nothing about the standby line
STATUS_CODES = {"OPERATING": OPERATING, "DOWN": DOWN, "CLOSED": CLOSED, "REFURBISHMENT": REFURBISHMENT}
# An ENUM's number is there already: to compare texts took the server 0.8 us a row, a third of reading it. A cast, since
# an ENUM + 0 is a floating point number on MySQL.
CODE_SQL = (
    "CAST(status AS UNSIGNED)"
    " + (CAST(data_source AS UNSIGNED) = 2) * (8 + 16 * (wait_time IS NULL AND wait_told <=> 0))"
)

SINGLE_RIDER, RETURN_TIME, PAID_RETURN_TIME, PAID_STANDBY = 1, 2, 4, 8  # kinds of queues, as bits

HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS
#: Nothing is carried for longer after a ride's last word: a quarter of a year, in which every park opens or says so.
CARRIED_DAYS = 92
CARRIED_MS = CARRIED_DAYS * DAY_MS


class Queue(NamedTuple):
    """What a snapshot says of a further queue."""

    kind: int
    wait: int | None  # minutes, of SINGLE_RIDER
    is_available: bool  # of return times
    price: Decimal | None  # major units
    currency: str | None


class State(NamedTuple):
    """How a ride stands when a day ends: what goes into the next one."""

    status: int
    heard_ms: int  # its last word; of an opening, when it was seen to be so
    wait: int | None = None  # shown while OPERATING
    single: int | None = None
    available: int = 0  # kinds of return times that are given out, as bits


@dataclass(slots=True)
class ParkWords:
    """What was said in a park on one of its days, of the rides that were in it; what lies after `now` is not there."""

    day: date
    begin_ms: int
    end_ms: int
    words: dict[int, list[Word]] = field(default_factory=dict)  # by ride_id, ascending; none empty
    queues: Mapping[int, list[Queue]] = field(default_factory=dict)  # by snapshot_id
    leaves: Mapping[int, int] = field(default_factory=dict)  # by ride_id, when it went to another park that day
