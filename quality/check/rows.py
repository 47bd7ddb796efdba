"""A row of the fact table as the check reads it: (snapshot_id, key), two whole numbers.

The key says all that the detectors ask of a row, so that whether a ride says the same again is one comparison; the
driver takes 0.7 us over five columns of a row and 0.4 us over these two. From the top: the wait, the status, and in the
lowest byte of which queues it speaks.
"""

from dataclasses import dataclass

from warehouse.models import QueueType, RideStatus
from warehouse.snapshot_id import IS_MISNUMBERED_SQL

Row = tuple[int, int]

#: Of which queues an event speaks, as bits of one byte; STANDBY is 1, as wait_told says it.
QUEUE_BITS = {queue_type.value: 1 << number for number, queue_type in enumerate(QueueType)}
NOT_TOLD = 128  # it is not known, or the row is a live one, which is whole
QUEUES = 255  # key & QUEUES
STATE_SHIFT = 8  # key >> STATE_SHIFT: status and wait
STATUS_BITS = 3
WAIT_SHIFT = 32_769  # the wait is a SMALLINT, and 0 is none
MISNUMBERED = -1  # the key of a row whose id does not follow from its ride and instant: nothing else is said of it

# "": what a server without strict mode makes of a word it does not know
STATUSES = [*(status.value for status in RideStatus), ""]
OPERATING = RideStatus.OPERATING.value

# What a byte says of a ride's day.
HEARD, OPEN, WAITED = 1, 2, 4
LAST_STATUS_SHIFT = 4

_STATUS_SQL = "FIELD(status, {})".format(", ".join(f"'{status.value}'" for status in RideStatus))  # 0: another
KEY_SQL = (
    f"IF({IS_MISNUMBERED_SQL}, {MISNUMBERED}, ("
    f"IFNULL(wait_time + {WAIT_SHIFT}, 0) * {1 << STATUS_BITS} + {_STATUS_SQL}) * {1 << STATE_SHIFT}"
    f" + IF(data_source = 'ARCHIVE', IFNULL(wait_told <> 0, {NOT_TOLD}), {NOT_TOLD}))"
)


@dataclass(frozen=True, slots=True)
class State:
    """What a ride said of itself, and what follows from it."""

    status: str  # of STATUSES
    wait: int | None  # minutes in the standby line
    is_open: bool
    last_status: int  # where a day's byte has it
    flags: int  # HEARD, OPEN, WAITED


class States(dict[int, State]):
    """By key >> STATE_SHIFT; some hundreds."""

    def __missing__(self, code: int) -> State:
        number = (code & (1 << STATUS_BITS) - 1) - 1  # -1: the last of STATUSES
        status, wait_code = STATUSES[number], code >> STATUS_BITS
        wait = wait_code - WAIT_SHIFT if wait_code else None
        is_open = status == OPERATING
        flags = HEARD | (OPEN if is_open else 0) | (0 if wait is None else WAITED)
        self[code] = state = State(status, wait, is_open, STATUSES.index(status) << LAST_STATUS_SHIFT, flags)
        return state


STATES = States()
