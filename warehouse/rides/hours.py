"""When parks were open: park_hours, read for the rule of a day, and written as a schedule or an operator says.

A day's hours are by one source: an operator's word goes before the schedule's, and what was inferred counts only where
neither spoke. Every change marks the park's days around it as stale, in the same transaction.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, tzinfo

from warehouse.days import ONE_DAY
from warehouse.instants import instant_at, milliseconds_of
from warehouse.models import HoursSource, HoursType, Park, ParkHours
from warehouse.rides import stale_days
from warehouse.text import label_of
from warehouse.zones import known_zone, local_date

#: what a park is open for; INFO tells guests something, CLOSED that it does not open
OPEN_FOR = frozenset({HoursType.OPERATING, HoursType.EXTRA_HOURS, HoursType.TICKETED_EVENT})
_GOES_BEFORE = (HoursSource.OPERATOR, HoursSource.SCHEDULE, HoursSource.INFERRED)


@dataclass(frozen=True, slots=True)
class Hours:
    """What is said of a park's day. Instants are milliseconds since 1970 UTC; None: it tells no times, as CLOSED."""

    type: str  # of HoursType
    opens_ms: int | None
    closes_ms: int | None  # after opens_ms; perhaps on the next calendar day
    source: str = HoursSource.SCHEDULE
    description: str = ""


def hours_of(park_ids: Collection[int], first: date, last: date) -> dict[tuple[int, date], list[Hours]]:
    """What is said of the days `first` to `last` (the parks' own) of these parks, by (park_id, day); one statement.

    Of a day only what the source says that goes before the others, so `source` is one for all of it: OPERATOR,
    SCHEDULE, INFERRED. Days of which nothing is said are not there. In the order of opening.
    """
    rows = ParkHours.objects.filter(park_id__in=park_ids, day__range=(first, last))
    found: dict[tuple[int, date], list[Hours]] = {}
    for row in rows.order_by("park_id", "day", "opens_at", "closes_at", "hours_id") if park_ids else ():
        found.setdefault((row.park_id, row.day), []).append(_said(row))
    return {key: _that_count(said) for key, said in found.items()}


def open_ms(said: Iterable[Hours]) -> tuple[tuple[int, int], ...]:
    """When the park is open by what is said of a day: (opens_ms, closes_ms), half-open, in order, none touching."""
    merged: list[tuple[int, int]] = []
    for hours in sorted(
        (each.opens_ms, each.closes_ms)
        for each in said
        if each.type in OPEN_FOR and each.opens_ms is not None and each.closes_ms is not None
    ):
        if merged and hours[0] <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(merged[-1][1], hours[1]))
        else:
            merged.append(hours)
    return tuple(merged)


def replace(park_id: int, covered: Iterable[date], said: Mapping[date, Collection[Hours]], now: datetime) -> set[date]:
    """The schedule as it is told now, of the days it covers: what it said of them before gives way. In the caller's
    transaction, which holds the park from here on. Returns the days that are other than before.

    A covered day of which nothing is `said` has no hours of the schedule any more; what was inferred of it stays. A day
    of which an operator spoke is left alone. What is as it was is only read anew.
    """
    zone = known_zone(Park.objects.select_for_update().get(pk=park_id).timezone)
    days = {day: frozenset(said.get(day, ())) for day in covered}
    known: dict[date, list[ParkHours]] = {day: [] for day in days}
    for row in ParkHours.objects.filter(park_id=park_id, day__in=days):
        known[row.day].append(row)
    gone, new, heard, changed = [], [], [], set()
    for day, wanted in days.items():
        if any(row.source == HoursSource.OPERATOR for row in known[day]):
            continue
        kept = {hours for row in known[day] if (hours := _said(row)) in wanted}
        passed = [row for row in known[day] if _said(row) not in wanted and (wanted or _is_of_schedule(row))]
        gone += [row.pk for row in passed]
        heard += [row.pk for row in known[day] if _said(row) in wanted]
        new += [_row(park_id, day, hours, now) for hours in wanted - kept]
        if passed or wanted - kept:
            changed.add(day)
    ParkHours.objects.filter(pk__in=gone).delete()
    ParkHours.objects.filter(pk__in=heard).update(read_at=now)
    ParkHours.objects.bulk_create(new)
    _mark(park_id, changed, local_date(now, zone))
    return changed


# --- an operator's word ----------------------------------------------------------------------------------------------
def set_by_operator(row: ParkHours, now: datetime) -> None:
    """Save what an operator says of a park's day (a new row, or one that is there), in the caller's transaction.

    The day is the operator's from then on. What else the schedule has of it is taken over as it is, but for what is
    contradicted: hours of the kind that is added, hours of a day that is CLOSED, and CLOSED where there are hours.
    """
    park = Park.objects.select_for_update().get(pk=row.park_id)
    others = list(ParkHours.objects.filter(park=park, day=row.day).exclude(pk=row.pk))
    gone = [
        other.pk
        for other in others
        if other.source == HoursSource.INFERRED
        or HoursType.CLOSED in (row.type, other.type)
        or (row.pk is None and other.type == row.type and other.source == HoursSource.SCHEDULE)
    ]
    ParkHours.objects.filter(pk__in=gone).delete()
    ParkHours.objects.filter(park=park, day=row.day).update(source=HoursSource.OPERATOR)
    row.source, row.read_at = HoursSource.OPERATOR, now
    row.save()
    _mark(park.pk, [row.day], local_date(now, known_zone(park.timezone)))


def give_back(park_id: int, days: Collection[date], now: datetime) -> set[date]:
    """What an operator said of these days goes: they are the schedule's again, when it is read next. In the caller's
    transaction. Returns the days of which an operator had said something."""
    park = Park.objects.select_for_update().get(pk=park_id)
    rows = ParkHours.objects.filter(park=park, day__in=days, source=HoursSource.OPERATOR)
    found = set(rows.values_list("day", flat=True))
    rows.delete()
    _mark(park_id, found, local_date(now, known_zone(park.timezone)))
    return found


# --- in words --------------------------------------------------------------------------------------------------------
def in_words(said: Iterable[Hours], zone: tzinfo | None) -> str:
    """Hours of a day by the park's clock: 09:00 to 01:00, Early Entry 08:30 to 09:00. `said` as of `hours_of`."""
    told = sorted(said, key=lambda hours: hours.type != HoursType.OPERATING)  # the usual ones first
    parts = [_in_words(hours, zone) for hours in told if hours.type in OPEN_FOR and hours.opens_ms is not None]
    if not told:
        return "not known"
    if not parts:
        parts = ["closed" if any(hours.type == HoursType.CLOSED for hours in told) else "none"]
    by = {HoursSource.INFERRED: " (inferred)", HoursSource.OPERATOR: " (set by hand)"}.get(
        HoursSource(told[0].source), ""
    )
    return ", ".join(parts) + by


def _in_words(hours: Hours, zone: tzinfo | None) -> str:
    opens, closes = (clock_at(ms, zone) for ms in (hours.opens_ms, hours.closes_ms))
    kind = "" if hours.type == HoursType.OPERATING else (hours.description or label_of(HoursType.choices, hours.type))
    return f"{kind} {opens} to {closes}".strip()


def clock_at(milliseconds: int | None, zone: tzinfo | None) -> str:
    """HH:MM by the clock of a zone; UTC's where it is not known."""
    return "-" if milliseconds is None else f"{instant_at(milliseconds).astimezone(zone or UTC):%H:%M}"


def _that_count(said: list[Hours]) -> list[Hours]:
    told = {hours.source for hours in said}
    source = next(source for source in _GOES_BEFORE if source in told)
    return [hours for hours in said if hours.source == source]


def _mark(park_id: int, days: Iterable[date], today: date) -> None:
    """Days to come have no sums: their rows mark them when they come."""
    around = {day + n * ONE_DAY for day in days for n in (-1, 0, 1)}
    stale_days.mark((park_id, day) for day in around if day <= today + ONE_DAY)


def _is_of_schedule(row: ParkHours) -> bool:
    return row.source == HoursSource.SCHEDULE


def _said(row: ParkHours) -> Hours:
    return Hours(row.type, _ms(row.opens_at), _ms(row.closes_at), row.source, row.description)


def _row(park_id: int, day: date, hours: Hours, now: datetime) -> ParkHours:
    opens, closes = (None if ms is None else instant_at(ms) for ms in (hours.opens_ms, hours.closes_ms))
    return ParkHours(
        park_id=park_id,
        day=day,
        type=hours.type,
        opens_at=opens,
        closes_at=closes,
        source=hours.source,
        description=hours.description,
        read_at=now,
    )


def _ms(instant: datetime | None) -> int | None:
    return None if instant is None else milliseconds_of(instant)
