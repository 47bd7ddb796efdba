"""Which days a question about history is of, and why it may be refused."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

from tests.history_figures import iso
from tests.history_truth import ONE_DAY, Entity, midnight


class Refused(Exception):
    """The API says no: an HTTP status and its words."""

    def __init__(self, status: int, kind: str, message: str, **more: Any):
        self.status, self.wait = status, more.get("retryAfter")
        self.body = {"error": {"type": kind, "message": message, **more}}


def asked_range(
    e: Entity, query: dict, now: datetime, back: int | None, most: int | None
) -> tuple[datetime, datetime, dict]:
    """The half-open instants that are asked for, and the range as it is said back.

    A key reaches `back` days, today included (None: all); an answer covers `most` of them (None: any). Refused.
    """
    today = now.astimezone(e.tz).date()

    def bad(name: str) -> Refused:
        return Refused(400, "INVALID_DATE", f"{name} must be a calendar day (YYYY-MM-DD) or an RFC 3339 instant.")

    def read(name: str, value: str) -> date | datetime:
        try:
            if len(value) == 10:
                return date.fromisoformat(value)
            instant = datetime.fromisoformat(value)
        except ValueError:
            raise bad(name) from None
        if instant.tzinfo is None:
            raise bad(name)
        return instant.astimezone(UTC).replace(microsecond=0)

    if ("date" in query and ("from" in query or "to" in query)) or ("to" in query and "from" not in query):
        raise bad("date")
    first = read("from", query.get("date") or query.get("from") or str(today))
    is_day = not isinstance(first, datetime)
    last = first if "date" in query or not query else today if is_day else now
    if "to" in query:
        last = read("to", query["to"])
    if isinstance(last, datetime) is is_day:
        raise bad("to")
    if last < first or (not is_day and last == first):
        raise Refused(400, "INVALID_RANGE", "to must not be before from.")
    if is_day:
        begin_day, end_day, echo = first, last, {"from": str(first), "to": str(last)}
        begin, end = midnight(first, e.tz), midnight(last + ONE_DAY, e.tz)
    else:
        begin, end, echo = first, last, {"from": iso(first), "to": iso(last)}
        begin_day, end_day = (t.astimezone(e.tz).date() for t in (begin, end - timedelta(seconds=1)))
    if most and (end_day - begin_day).days + 1 > most:
        raise Refused(400, "RANGE_TOO_LONG", f"A history call covers at most {most} park-local days.")
    floor = today - timedelta(days=back - 1) if back else date.min
    if begin_day < floor:
        message = f"This key can see history back to {floor} ({back} days)."
        raise Refused(403, "HISTORY_WINDOW_EXCEEDED", message, earliestAllowedDate=str(floor))
    return begin, end, echo
