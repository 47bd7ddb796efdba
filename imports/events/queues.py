"""The queues of a ride: what an event's `queue` says of the standby line and of each further queue. No database.

Shapes as in archive and live API alike (docs/data-model.md). A queue that cannot be read is skipped and reported, and
the rest is kept.
"""

import functools
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from iso4217 import Currency

from imports.events.load_format import NULL, row_text, text_of
from warehouse.ride_status import QueueType, ReturnTimeState

FURTHER_WAIT_MAX_MINUTES = 32_767  # of the queues beside the standby line: SMALLINT. A boarding group waits for hours
TEXT_MAX = 50  # boarding_group_status, boarding_group_current
PRICE_MAX = Decimal("99999999.99")  # DECIMAL(10,2)

_RETURN_STATES = {state.value for state in ReturnTimeState}


class QueueSkipped(Exception):
    """This queue cannot be read, for a reason of quality.reasons."""

    def __init__(self, reason: str):
        self.reason = reason


#: reason, raw value, and of a value that is counted by itself (see Issue.values) the queue it is of
QueueIssues = list[tuple[str, Any, str | None]]


def read_queue(
    queue: Any, issues: QueueIssues, wait_max_minutes: int
) -> tuple[int | None, bool | None, tuple[str, ...]]:
    """The standby wait in minutes, whether the standby line was spoken of (None: that cannot be read), and a row
    (QUEUE_COLUMNS, see `row_text`) for every other queue, by its type.

    What is skipped is appended to `issues`, a standby wait over `wait_max_minutes` among it.
    """
    if type(queue) is not dict:
        issues.append(("malformed_queue", queue, None))
        return None, None, ()
    wait_time = None
    rows = []
    for queue_type, value in queue.items():
        read = _READERS.get(queue_type)
        if read is None and queue_type != "STANDBY":
            issues.append(("unknown_queue_type", {queue_type: value}, None))
        elif not value and (value is None or value == {}):
            continue  # nothing is said of this queue
        elif type(value) is not dict:
            issues.append(("malformed_queue", {queue_type: value}, None))
        elif read is None:
            wait_time = _minutes(queue_type, value.get("waitTime"), wait_max_minutes, issues)
        else:
            try:
                rows.append(read(queue_type, value, issues))
            except QueueSkipped as skipped:
                issues.append((skipped.reason, {queue_type: value}, None))
    if len(rows) > 1:
        rows.sort()
    return wait_time, "STANDBY" in queue, tuple(rows)


def whole_number(value: Any) -> int | None:
    """45 of 45 and of 45.0, as the official SDK writes it; None for what is no whole number."""
    if type(value) is int:
        return value
    return int(value) if type(value) is float and value.is_integer() else None


def _minutes(queue_type: str, value: Any, most: int, issues: QueueIssues) -> int | None:
    if value is None:
        return None
    minutes = whole_number(value)
    if minutes is not None and 0 <= minutes <= most:
        return minutes
    issues.append(("wait_out_of_range", value, queue_type))
    return None


@functools.lru_cache(maxsize=2048)  # two types, some 300 waits
def _waiting_row(queue_type: str, minutes: int | None) -> str:
    return row_text((queue_type, minutes, None, None, None, None, None, None, None))


def _waiting_queue(queue_type: str, value: dict, issues: QueueIssues) -> str:
    minutes = _minutes(queue_type, value.get("waitTime"), FURTHER_WAIT_MAX_MINUTES, issues)
    return _waiting_row(queue_type, minutes)


def _return_time(queue_type: str, value: dict, issues: QueueIssues) -> str:
    state = value.get("state")
    if state is None:
        state = NULL
    elif type(state) is not str or state not in _RETURN_STATES:
        raise QueueSkipped("malformed_queue")
    start, end = _return_instant(value.get("returnStart")), _return_instant(value.get("returnEnd"))
    price = value.get("price")
    amount, currency = (NULL, NULL) if price is None else _price(price)
    return f"{queue_type}\t{NULL}\t{start}\t{end}\t{amount}\t{currency}\t{NULL}\t{NULL}\t{state}"


def _boarding_group(queue_type: str, value: dict, issues: QueueIssues) -> str:
    start, end = _group(value.get("currentGroupStart")), _group(value.get("currentGroupEnd"))
    current = f"{start}-{end}" if start and end else start or end
    if current is not None and len(current) > TEXT_MAX:
        raise QueueSkipped("malformed_queue")
    status = value.get("allocationStatus")
    if status is not None and (type(status) is not str or len(status) > TEXT_MAX):
        raise QueueSkipped("malformed_queue")
    minutes = _minutes(queue_type, value.get("estimatedWait"), FURTHER_WAIT_MAX_MINUTES, issues)
    return row_text(
        (queue_type, minutes, None, None, None, None, None if status is None else text_of(status), current, None)
    )


_READERS: dict[str, Callable[[str, dict, QueueIssues], str]] = {
    QueueType.SINGLE_RIDER.value: _waiting_queue,
    QueueType.PAID_STANDBY.value: _waiting_queue,
    QueueType.RETURN_TIME.value: _return_time,
    QueueType.PAID_RETURN_TIME.value: _return_time,
    QueueType.BOARDING_GROUP.value: _boarding_group,
}


def _group(value: Any) -> str | None:
    """A boarding group: a number, in old records a text; None where it is not set."""
    if value is None or value == "":
        return None
    if type(value) is str:
        return text_of(value)
    number = whole_number(value)
    if number is None:
        raise QueueSkipped("malformed_queue")
    return str(number)


@functools.lru_cache(maxsize=65536)  # a return window is repeated by ride after ride
def _return_instant_text(value: str) -> str:
    try:
        instant = datetime.fromisoformat(value)
        if instant.tzinfo is None or instant.year < 1971:
            raise ValueError("no time zone, or no year a park was open in")
        return instant.astimezone(UTC).isoformat(" ", "milliseconds")[:23]
    except (ValueError, OverflowError):
        raise QueueSkipped("malformed_return_time") from None


def _return_instant(value: Any) -> str:
    if type(value) is str:
        return _return_instant_text(value)
    if value is None:
        return NULL
    raise QueueSkipped("malformed_return_time")


def _price(value: Any) -> tuple[str, str]:
    """Amount and currency of a price object, either NULL where it is not given."""
    if type(value) is not dict:
        raise QueueSkipped("invalid_price")
    given, code = value.get("amount"), value.get("currency")
    if given is None and code is None:
        return NULL, NULL
    amount = whole_number(given)
    if (given is not None and amount is None) or type(code) is not str:
        raise QueueSkipped("invalid_price")
    if amount == 0 and _is_in_words(value.get("formatted")):
        amount = None
    return _amount_text(amount, code), code


def _is_in_words(formatted: Any) -> bool:
    """{"amount": 0, "formatted": "Unknown"}: none of the zeros so served was free (ThemeParks/parksapi#531), and since
    September 2026 the amount of such a price is null."""
    return type(formatted) is str and bool(formatted.strip()) and not any(map(str.isdigit, formatted))


@functools.lru_cache(maxsize=65536)
def _amount_text(minor_units: int | None, code: str) -> str:
    """Major units by the currency's ISO 4217 exponent: 2100 USD is 21.00, 1800 EUR 18.00, 1000 JPY 1000.00."""
    try:
        exponent = Currency(code).exponent
    except ValueError:
        exponent = None
    if exponent is None:
        raise QueueSkipped("invalid_price")
    if minor_units is None:
        return NULL
    major = Decimal(minor_units).scaleb(-exponent)
    cents = major.quantize(Decimal("0.01")) if 0 <= minor_units < 10**15 else None
    if cents is None or cents != major or cents > PRICE_MAX:
        raise QueueSkipped("invalid_price")
    return str(cents)
