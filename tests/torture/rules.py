"""The values of a day file -> what each of them says, for the oracle: the rules as they are written down, in own code.

docs/data-model.md, docs/quality.md, docs/sample-archive.md.
"""

import re
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, NamedTuple

STATUSES = {"OPERATING", "DOWN", "CLOSED", "REFURBISHMENT"}
RETURN_STATES = {"AVAILABLE", "TEMP_FULL", "FINISHED"}
STANDBY_MAX, FURTHER_MAX = 300, 32_767
CENTS = {"USD": 2, "EUR": 2, "JPY": 0, "GBP": 2, "CNY": 2, "HKD": 2}  # those that the archives here have
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
EARLIEST = datetime(2015, 1, 1, tzinfo=UTC)
AHEAD = timedelta(minutes=5)
_UUID = re.compile("[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")


def kept(text: str, limit: int = 255) -> str:
    """A name as its column holds it: docs/decisions/text-from-outside.md."""
    text = re.sub("[\x00\ud800-\udfff]", lambda sign: "\\x00" if sign[0] == "\x00" else f"\\u{ord(sign[0]):04x}", text)
    if len(text) <= limit:
        return text
    more = len(text) - limit
    more += len(f"…({more:,} more characters)")
    note = f"…({more:,} more characters)"
    return text[: limit - len(note)] + note


class Queue(NamedTuple):
    """A row of queue_data, as the table gives it back but for its ids."""

    kind: str
    wait: int | None = None
    start: datetime | None = None  # naive, UTC
    end: datetime | None = None
    amount: Decimal | None = None
    currency: str | None = None
    group_status: str | None = None
    group_current: str | None = None
    state: str | None = None


class State(NamedTuple):
    """What a snapshot says beside of whom and when."""

    status: str
    wait: int | None
    told: int | None
    queues: tuple[Queue, ...]


@dataclass
class Seen:
    """One event that can be stored."""

    ride: str
    park: str | None  # None: the park of the known ride
    ms: int
    state: State
    name: str
    slug: str
    zone: str


@dataclass
class Rejected:
    """One that cannot, and names no park that is known of its file; `ride`: of whose park it may be."""

    ride: str
    reason: str


@dataclass
class FileSays:
    """All that the values of one file amount to."""

    seen: list[Seen] = field(default_factory=list)
    rejected: Counter = field(default_factory=Counter)  # by park; None: nobody's
    issues: Counter = field(default_factory=Counter)  # by (park or None, reason)
    parkless: list[Rejected] = field(default_factory=list)
    parks: dict[str, tuple[str, str]] = field(default_factory=dict)  # named by any event: slug, zone


class _No(Exception):
    def __init__(self, reason: str):
        self.reason = reason


def uuid(value: Any) -> str | None:
    if not isinstance(value, str) or not value.isascii():
        return None
    lower = value.lower()
    return lower if _UUID.fullmatch(lower) else None


def text(value: Any) -> str:
    """What the database can take of it."""
    if not isinstance(value, str):
        return ""
    return "".join("?" if "\ud800" <= sign <= "\udfff" else sign for sign in value)


def say(values: list[Any], now: datetime) -> FileSays:
    says = FileSays()
    home: dict[str | None, str] = {}  # in which park the file says an entity is, first
    for value in values:
        if isinstance(value, dict) and (park := uuid(value.get("parkId"))):
            home.setdefault(uuid(value.get("entityId")), park)
    for value in values:
        if not isinstance(value, dict):
            says.rejected[None] += 1
            says.issues[None, "malformed_event"] += 1
            continue
        park = ride = None
        try:
            if value.get("parkId") is not None:
                park = uuid(value["parkId"])
                if park is None:
                    raise _No("malformed_id")
                says.parks.setdefault(park, (text(value.get("parkSlug")), text(value.get("timezone"))))
            if value.get("entityId") is None:
                raise _No("missing_entity_id")
            ride = uuid(value["entityId"])
            if ride is None:
                raise _No("malformed_id")
            ms = _instant(value.get("eventTime"), now)
            data = value.get("data")
            status = data.get("status") if isinstance(data, dict) else None
            if status is None:
                raise _No("missing_status")
            if not isinstance(status, str) or status not in STATUSES:
                raise _No("unknown_status")
        except _No as no:
            entity = uuid(value.get("entityId"))
            if park is None and entity is not None:
                park = home.get(entity)
                if park is None:
                    says.parkless.append(Rejected(entity, no.reason))
                    continue
            says.rejected[park] += 1
            says.issues[park, no.reason] += 1
            continue
        if park is None:
            park = home.get(ride)
        wait, told, queues, issues = _queues(data.get("queue"))
        for reason in issues:
            says.issues[park, reason] += 1
        said = [text(value.get(key)).strip() for key in ("name", "parkSlug", "timezone")]
        says.seen.append(Seen(ride, park, ms, State(status, wait, told, queues), *said))
    return says


def _instant(value: Any, now: datetime) -> int:
    if value is None:
        raise _No("missing_event_time")
    at = _aware(value)
    if at is None or at < EARLIEST:
        raise _No("malformed_time")
    ms = (at - EPOCH) // timedelta(milliseconds=1)
    if ms > (now + AHEAD - EPOCH) // timedelta(milliseconds=1):
        raise _No("future_time")
    return ms


def _aware(value: Any) -> datetime | None:
    if not isinstance(value, str):
        return None
    try:
        at = datetime.fromisoformat(value)
        return at.astimezone(UTC) if at.tzinfo is not None else None
    except (ValueError, OverflowError):
        return None


# --- queues ----------------------------------------------------------------------------------------------------------
def _queues(queue: Any) -> tuple[int | None, int | None, tuple[Queue, ...], list[str]]:
    issues: list[str] = []
    if not queue:
        return None, 0, (), issues
    if not isinstance(queue, dict):
        return None, None, (), ["malformed_queue"]
    wait, rows = None, []
    for kind, value in queue.items():
        if kind != "STANDBY" and kind not in _FURTHER:
            issues.append("unknown_queue_type")
        elif value is None or value == {}:
            continue
        elif not isinstance(value, dict):
            issues.append("malformed_queue")
        elif kind == "STANDBY":
            wait = _wait(value.get("waitTime"), STANDBY_MAX, issues)
        else:
            try:
                rows.append(_FURTHER[kind](kind, value, issues))
            except _No as no:
                issues.append(no.reason)
    return wait, int("STANDBY" in queue), tuple(sorted(rows, key=lambda row: row.kind)), issues


def _whole(value: Any) -> int | None:
    if isinstance(value, bool):
        return None
    if isinstance(value, int):
        return value
    return int(value) if isinstance(value, float) and value.is_integer() else None


def _wait(value: Any, most: int, issues: list[str]) -> int | None:
    if value is None:
        return None
    minutes = _whole(value)
    if minutes is None or not 0 <= minutes <= most:
        issues.append("wait_out_of_range")
        return None
    return minutes


def _line(kind: str, value: dict, issues: list[str]) -> Queue:
    return Queue(kind, _wait(value.get("waitTime"), FURTHER_MAX, issues))


def _returns(kind: str, value: dict, issues: list[str]) -> Queue:
    state = value.get("state")
    if state is not None and (not isinstance(state, str) or state not in RETURN_STATES):
        raise _No("malformed_queue")
    start, end = (_return(value.get(key)) for key in ("returnStart", "returnEnd"))
    amount, currency = _price(value.get("price"))
    return Queue(kind, start=start, end=end, amount=amount, currency=currency, state=state)


def _return(value: Any) -> datetime | None:
    if value is None:
        return None
    at = _aware(value)
    if at is None or datetime.fromisoformat(value).year < 1971:
        raise _No("malformed_return_time")
    at = at.replace(tzinfo=None)
    return at.replace(microsecond=at.microsecond // 1000 * 1000)


def _price(value: Any) -> tuple[Decimal | None, str | None]:
    if value is None:
        return None, None
    if not isinstance(value, dict):
        raise _No("invalid_price")
    given, currency = value.get("amount"), value.get("currency")
    if given is None and currency is None:
        return None, None
    amount = _whole(given)
    if (given is not None and amount is None) or not isinstance(currency, str) or currency not in CENTS:
        raise _No("invalid_price")
    in_words = value.get("formatted")
    if amount == 0 and isinstance(in_words, str) and in_words.strip() and not any(map(str.isdigit, in_words)):
        amount = None
    if amount is None:
        return None, currency
    if not 0 <= amount <= 99_999_999_99 * 10 ** CENTS[currency]:
        raise _No("invalid_price")
    major = (Decimal(amount) / 10 ** CENTS[currency]).quantize(Decimal("0.01"))
    if major > Decimal("99999999.99"):
        raise _No("invalid_price")
    return major, currency


def _groups(kind: str, value: dict, issues: list[str]) -> Queue:
    begin, end = (_group(value.get(key)) for key in ("currentGroupStart", "currentGroupEnd"))
    current = f"{begin}-{end}" if begin and end else begin or end
    status = value.get("allocationStatus")
    if (current is not None and len(current) > 50) or (
        status is not None and (not isinstance(status, str) or len(status) > 50)
    ):
        raise _No("malformed_queue")
    wait = _wait(value.get("estimatedWait"), FURTHER_MAX, issues)
    return Queue(kind, wait, group_status=None if status is None else text(status), group_current=current)


def _group(value: Any) -> str | None:
    if value is None or value == "":
        return None
    if isinstance(value, str):
        return text(value)
    number = _whole(value)
    if number is None:
        raise _No("malformed_queue")
    return str(number)


_FURTHER = {
    "SINGLE_RIDER": _line,
    "PAID_STANDBY": _line,
    "RETURN_TIME": _returns,
    "PAID_RETURN_TIME": _returns,
    "BOARDING_GROUP": _groups,
}
