"""The sections of a day's page: bands of all rides, the waits of one, boarding groups."""

from datetime import date, datetime, time
from zoneinfo import ZoneInfo

from warehouse.admin.charts import bars, lines, svg
from warehouse.admin.charts.scale import Tick
from warehouse.admin.day_pages import section
from warehouse.admin.day_pages.scope import Scope
from warehouse.admin.day_pages.section import Column, Csv, Linked, Section, Table
from warehouse.history.questions.days import NamedRide
from warehouse.history.questions.lines import boarding_groups
from warehouse.history.rule import Figures
from warehouse.history.segments import FullDay, Segment, states_alone
from warehouse.zones import local_day

KINDS_OF_BAND = ("unknown", "operating", "down", "closed", "refurbishment")  # by number of warehouse.history.words
LEGEND = (
    ("state operating", "operating"),
    ("state down", "down"),
    ("state refurbishment", "refurbishment"),
    ("state closed", "closed"),
    ("state unknown", "unknown"),
    ("park-hours", "hours of the park"),
)


def sections(scope: Scope, full: FullDay, ride_id: int | None) -> list[Section]:
    """Of a day on which something was heard of the park; `ride_id`: whose waits are shown, else of the longest wait."""
    assert full.of is not None
    rides = [ride for ride_id, ride in scope.known.rides.items() if ride_id in full.rides]
    if not rides:
        return [Section("bands", "How rides stood", nothing="Nothing is known of rides of these kinds on this day.")]
    figures = full.of.rides
    chosen = scope.known.rides.get(ride_id) if ride_id in full.rides else None
    chosen = chosen or max(rides, key=lambda ride: (figures[ride.ride_id].standby_max or 0, -ride.ride_id))
    found = [_bands(scope, full, rides), _waits(scope, full, chosen)]
    groups = _groups(scope)
    return [*found, groups] if groups.table and groups.table.rows else found


def _bands(scope: Scope, full: FullDay, rides: list[NamedRide]) -> Section:
    assert full.of is not None
    zone = scope.known.zone
    begin, end = local_day(full.day, zone)
    length = int((end - begin).total_seconds() // 60)
    behind = "".join(
        svg.rect(svg.percent(first, length), svg.percent(last - first, length), 0, bars.BAND, "park-hours")
        for first, last in full.hours
    )
    shown = [
        bars.Lying(
            ride.name,
            _pieces(full, ride.ride_id, length, zone),
            _wait(full.of.rides[ride.ride_id]),
            scope.ride_on(ride),
        )
        for ride in rides
    ]
    columns = [
        Column("ride_id", "id", wide=True),
        Column("ride_name", "Ride", is_number=False),
        Column("operating_minutes", "operating", section.hours),
        Column("down_minutes", "down", section.hours),
        Column("closed_minutes", "closed", section.hours, wide=True),
        Column("refurbishment_minutes", "refurbish.", section.hours, wide=True),
        Column("unknown_minutes", "unknown", section.hours, wide=True),
        Column("first_operating_at", "first open", section.clock, wide=True),
        Column("last_closed_at", "closed for good", section.clock, wide=True),
        Column("standby_mean", "mean wait", section.minutes),
        Column("standby_max", "highest", section.minutes),
        Column("observations", "observations", section.count, wide=True),
    ]
    rows = []
    for ride in rides:
        of = full.of.rides[ride.ride_id]
        rows.append(
            [
                ride.ride_id,
                Linked(ride.name, scope.ride_on(ride)),
                *(
                    of.operating_minutes,
                    of.down_minutes,
                    of.closed_minutes,
                    of.refurbishment_minutes,
                    of.unknown_minutes,
                ),
                *(at and at.astimezone(zone) for at in (of.first_operating_at, of.last_closed_at)),
                of.standby_sum / of.standby_minutes if of.standby_minutes else None,
                of.standby_max,
                of.observations,
            ]
        )
    label = f"How the rides of {scope.name} stood on {full.day}"
    picture = bars.lying(shown, label, ticks=_ticks(full.day, zone), legend=svg.legend(LEGEND), behind=behind)
    about = "At the right the highest wait, in minutes. A name shows the waits of its ride below."
    csvs = [
        Csv("ride-days", "CSV of the rides", "ride-days"),
        Csv("stretches", "of all stretches", table=_stretches(scope, full, rides)),
    ]
    return Section("bands", "How rides stood", Table(columns, rows), picture, about, csvs=csvs)


def _pieces(full: FullDay, ride_id: int, length: int, zone: ZoneInfo) -> list[bars.Piece]:
    return [
        bars.Piece(
            segment.begin / length,
            segment.end / length,
            f"state {KINDS_OF_BAND[segment.status]}",
            f"{KINDS_OF_BAND[segment.status]} {_span(full, segment, zone)}",
        )
        for segment in states_alone(full.rides[ride_id])
    ]


def _stretches(scope: Scope, full: FullDay, rides: list[NamedRide]) -> Table:
    """All of them, for a CSV."""
    zone = scope.known.zone
    columns = [Column(name, name) for name in ("ride_id", "ride_name", "status", "from", "to", "minutes", "wait")]
    rows = [
        [
            ride.ride_id,
            ride.name,
            KINDS_OF_BAND[segment.status].upper(),
            *(full.at(minute).astimezone(zone) for minute in (segment.begin, segment.end)),
            segment.minutes,
            segment.wait,
        ]
        for ride in rides
        for segment in full.rides[ride.ride_id]
    ]
    return Table(columns, rows)


def _waits(scope: Scope, full: FullDay, ride: NamedRide) -> Section:
    assert full.of is not None
    zone = scope.known.zone
    begin, end = local_day(full.day, zone)
    length = (end - begin).total_seconds() / 60
    segments = full.rides[ride.ride_id]
    columns = [
        Column("from", "From", section.clock, is_number=False),
        Column("to", "to", section.clock, is_number=False),
        Column("status", "state", is_number=False),
        Column("wait", "wait", section.minutes),
        Column("minutes", "for minutes", section.count),
    ]
    rows = [
        [
            *(full.at(minute).astimezone(zone) for minute in (segment.begin, segment.end)),
            KINDS_OF_BAND[segment.status],
            segment.wait,
            segment.minutes,
        ]
        for segment in segments
    ]
    steps = [(segment.begin / length, segment.end / length, segment.wait) for segment in segments]
    titles = [
        f"{_span(full, each, zone)}: {KINDS_OF_BAND[each.status]}{'' if each.wait is None else f', {each.wait} min'}"
        for each in segments
    ]
    picture = lines.steps(steps, titles, _ticks(full.day, zone), f"Waits of {ride.name} on {full.day}, minutes")
    return Section(
        "waits", f"Waits of {ride.name}, minutes", Table(columns, rows), picture, csvs=[Csv("waits")],
        template="warehouse/_waits_of.html", more=[(ride.name, scope.ride(ride.ride_id))],
    )  # fmt: skip


def _groups(scope: Scope) -> Section:
    zone = scope.known.zone
    columns = [
        Column("at", "At", section.clock, is_number=False),
        Column("ride_name", "Ride", is_number=False),
        Column("status", "boarding groups", is_number=False),
        Column("current", "now boarding", is_number=False),
    ]
    rows = [
        [each.at.astimezone(zone), each.ride.name, each.status, each.current] for each in boarding_groups(scope.known)
    ]
    csvs = [Csv("boarding-groups", question="boarding-groups")]
    return Section("boarding-groups", "Boarding groups", Table(columns, rows), csvs=csvs)


def _ticks(day: date, zone: ZoneInfo) -> list[Tick]:
    """Every three hours of the clock there, where they lie on a day whose clock may be changed."""
    begin, end = local_day(day, zone)
    length = end - begin
    found = []
    for hour in range(0, 24, 3):
        at = datetime.combine(day, time(hour), tzinfo=zone) - begin
        found.append(Tick(100 * (at / length), f"{hour}:00"))
    return found


def _span(full: FullDay, segment: Segment, zone: ZoneInfo) -> str:
    return " to ".join(f"{full.at(minute).astimezone(zone):%H:%M}" for minute in (segment.begin, segment.end))


def _wait(of: Figures) -> str:
    return "" if of.standby_max is None else f"{of.standby_max}"
