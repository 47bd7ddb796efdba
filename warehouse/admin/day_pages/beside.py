"""Rides of a park beside each other, and parks beside each other."""

from datetime import time, timedelta

from django.db.models import Exists, OuterRef

from warehouse.admin.charts import bars
from warehouse.admin.charts.scale import Tick
from warehouse.admin.day_pages import links, section
from warehouse.admin.day_pages.asking import choice
from warehouse.admin.day_pages.scope import Scope
from warehouse.admin.day_pages.section import Column, Csv, Figure, Linked, Section, Table
from warehouse.history.answers.answer import percent
from warehouse.history.questions.days import KnownDays, of_parks
from warehouse.history.questions.dropped import SILENT_DAYS, dropped_out
from warehouse.history.questions.longest import longest_waits
from warehouse.history.questions.parks import beside
from warehouse.history.questions.ranking import ranking, suggested_tiers
from warehouse.history.questions.times import operating_times
from warehouse.models import Park, RideDay, StaleDay

BARS_AT_MOST = 40
LONGEST_OPTIONS = {
    "count": lambda: choice("How many", [("", "25"), ("100", "100"), ("400", "400")]),
    "once": lambda: choice("Each ride", [("", "As often as it comes"), ("yes", "Once")]),
}
PARKS_AT_MOST = 8
DAYS_OF_TIMES = 92
TIMES = (
    "Medians, by the clock there, of the first time that a ride opens on a day and of the end of its last run that "
    "began that day."
)
CLOCK_FIRST, CLOCK_LAST = 5, 28  # hours: from five in the morning to four of the next


# --- how reliable rides are -------------------------------------------------------------------------------------------
def reliability(scope: Scope) -> list[Section]:
    """Rides by the share of park hours in which they were down, and what tiers their waits suggest."""
    found = ranking(scope.known)
    suggested = {each.ride.ride_id: each for each in suggested_tiers(scope.known)}
    columns = [
        Column("rank", "Rank", section.count),
        Column("ride_id", "id", wide=True),
        Column("ride_name", "Ride", is_number=False),
        Column("down_share", "down", percent),
        Column("down_hours", "down for", section.hours, wide=True),
        Column("operating_hours", "open for", section.hours, wide=True),
        Column("known", "known", percent, wide=True),
        Column("standby_mean", "mean wait", section.minutes),
        Column("tier", "tier", section.count),
        Column("suggested_tier", "suggested", section.count),
    ]
    rows, shown = [], []
    highest = max((each.sums.down_share or 0 for each in found.rides), default=0) or 1
    for each in found.rides:
        sums, url = each.sums, scope.ride(each.ride.ride_id)
        suggestion = suggested.get(each.ride.ride_id)
        rows.append(
            [
                each.rank,
                each.ride.ride_id,
                Linked(each.ride.name, url),
                sums.down_share,
                sums.hours_down,
                sums.hours_operating,
                sums.known,
                sums.standby_mean,
                each.ride.tier,
                suggestion.tier if suggestion else None,
            ]
        )
        if sums.down_share is not None and len(shown) < BARS_AT_MOST:
            piece = bars.Piece(0, sums.down_share / highest, "s2", f"{each.ride.name}: {percent(sums.down_share)} down")
            shown.append(bars.Lying(each.ride.name, [piece], percent(sums.down_share), url))
    to_set = [
        (each.ride, each.tier) for each in suggested.values() if each.tier is not None and each.tier != each.ride.tier
    ]
    figures = [
        Figure("Down", _percents(found.down_share), "a ride of tier 1 counts three times, of tier 2 twice"),
        Figure("Down, all rides alike", _percents(found.down_share_unweighted)),
        Figure(
            "Rides without a tier", f"{sum(each.ride.tier is None for each in found.rides)}", "they count as of tier 3"
        ),
    ]
    about = (
        "Down within park hours, of the time in which a ride was to operate; closed rides, refurbishment and what "
        "nobody knows are no part of it. The least reliable come first."
    )
    picture = bars.lying(shown, f"Down share of the rides of {scope.known_in_words()}") if shown else None
    return [
        Section(
            "reliability", "Rides by downtime", Table(columns, rows), picture, about, figures,
            csvs=[Csv("ranking", "CSV of the ranking", "ranking"), Csv("tiers", "of suggested tiers", "tiers")],
            template="warehouse/_tiers.html", more=to_set,
        )
    ]  # fmt: skip


def _percents(share: float | None) -> str:
    return "-" if share is None else percent(share)


# --- longest waits ----------------------------------------------------------------------------------------------------
def longest(scope: Scope) -> list[Section]:
    """Which ride, when, for how long."""
    count = int(scope.asked.options.get("count") or 25)
    found = longest_waits(scope.known, count, each_ride_once=bool(scope.asked.options.get("once")))
    columns = [
        Column("standby_max", "Wait", section.minutes),
        Column("ride_id", "id", wide=True),
        Column("ride_name", "Ride", is_number=False),
        Column("date", "day", section.day_of_week, is_number=False),
        Column("begins_at", "from", section.clock),
        Column("ends_at", "to", section.clock),
        Column("shown_minutes", "minutes", section.count, wide=True),
    ]
    rows, shown = [], []
    for each in found:
        zone = scope.known.parks[each.park_id].zone
        begins, ends = (at and at.astimezone(zone) for at in (each.begins_at, each.ends_at))
        url = links.day(each.park_id, each.day, ride=each.ride.ride_id)
        for_minutes = (ends - begins).total_seconds() / 60 if begins and ends else None
        rows.append(
            [
                each.wait,
                each.ride.ride_id,
                Linked(each.ride.name, scope.ride(each.ride.ride_id)),
                Linked(each.day, url),
                begins,
                ends,
                for_minutes,
            ]
        )
        if len(shown) < BARS_AT_MOST:
            piece = bars.Piece(0, each.wait / (found[0].wait or 1), "s1", f"{each.wait} min on {each.day}")
            shown.append(bars.Lying(f"{each.ride.name}, {each.day}", [piece], f"{each.wait} min", url))
    picture = bars.lying(shown, f"Longest waits of {scope.known_in_words()}") if shown else None
    about = "The highest wait of each ride and day, and when it was shown first that day, by the clock there."
    further = {"count": count, "each_ride_once": bool(scope.asked.options.get("once"))}
    csvs = [Csv("longest", question="longest", further=further)]
    return [Section("longest", "Longest waits", Table(columns, rows), picture, about, csvs=csvs)]


# --- first and last operating -----------------------------------------------------------------------------------------
def times(scope: Scope) -> list[Section]:
    """When rides usually operate first and last; of one ride each day."""
    known, about = scope.known, TIMES
    if not scope.of_ride and scope.asked.days > DAYS_OF_TIMES:  # each day of each ride is read for the medians
        known = known.over([(scope.asked.last - timedelta(days=DAYS_OF_TIMES - 1), scope.asked.last)])
        about += f" Of the last {DAYS_OF_TIMES} days that are asked for; of a ride all can be."
    found = operating_times(known)
    columns = [
        Column("ride_id", "id", wide=True),
        Column("ride_name", "Ride", is_number=False),
        Column("usual_first", "usually from", section.clock),
        Column("usual_last", "to", section.clock),
        Column("days", "days", section.count),
    ]
    rows, shown = [], []
    for each in found:
        rows.append(
            [
                each.ride.ride_id,
                Linked(each.ride.name, scope.ride(each.ride.ride_id, "times")),
                each.usual_first,
                each.usual_last,
                len(each.days),
            ]
        )
        if each.usual_first and each.usual_last:
            said = f"{each.usual_first:%H:%M} to {each.usual_last:%H:%M}"
            begin, end = _clock_share(each.usual_first), _clock_share(each.usual_last)
            if end <= begin:
                end = 1.0
            shown.append(
                bars.Lying(
                    each.ride.name, [bars.Piece(begin, end, "s1", said)], said, scope.ride(each.ride.ride_id, "times")
                )
            )
    label = f"Usual hours of the rides of {scope.known_in_words()}"
    picture = bars.lying(shown[: BARS_AT_MOST * 2], label, ticks=clock_ticks()) if shown else None
    csvs = [Csv("times", "CSV of each day", "times"), Csv("usual", "of this table")]
    usual = Section("times", "First and last operating", Table(columns, rows), picture, about, csvs=csvs)
    if not scope.of_ride or not found:
        return [usual]
    zone = scope.known.zone
    days = [
        [
            Linked(each.day, scope.days()(each.day)),
            *(at and at.astimezone(zone) for at in (each.first_operating_at, each.last_closed_at)),
        ]
        for each in reversed(found[0].days)
    ]
    of_days = [
        Column("date", "Day", section.day_of_week, is_number=False),
        Column("first_operating_at", "from", section.clock),
        Column("last_closed_at", "to", section.clock),
    ]
    return [usual, Section("times-by-day", "By day", Table(of_days, days))]


def clock_ticks() -> list[Tick]:
    """Every three hours."""
    hours = CLOCK_LAST - CLOCK_FIRST
    return [Tick(100 * (hour - CLOCK_FIRST) / hours, f"{hour % 24}:00") for hour in range(6, CLOCK_LAST, 3)]


def _clock_share(at: time) -> float:
    """Of the hours that are shown; half past midnight comes after eleven at night."""
    hour = at.hour + at.minute / 60
    if hour < CLOCK_FIRST:
        hour += 24
    return min(1.0, max(0.0, (hour - CLOCK_FIRST) / (CLOCK_LAST - CLOCK_FIRST)))


# --- parks beside each other ------------------------------------------------------------------------------------------
def other_parks(scope: Scope) -> list[Section]:
    """The park beside those that were chosen, or the others of its destination."""
    park, asked = scope.known.park, scope.asked
    chosen = list(asked.options.get("with") or ())
    if not chosen and park.destination_wiki_id:
        chosen = list(Park.objects.filter(destination_wiki_id=park.destination_wiki_id).exclude(pk=park.pk))
    parks = [park, *(each for each in chosen if each.pk != park.pk)][:PARKS_AT_MOST]
    heard = _with_days(scope, parks)  # else there would be no day that is known of all
    without = [each.park_name for each in parks if each.pk not in heard]
    parks = [each for each in parks if each.pk in heard]
    known = _of_parks(scope, parks)
    found = beside(known) if heard else []
    columns = [
        Column("park_id", "id", wide=True),
        Column("park_name", "Park", is_number=False),
        Column("standby_mean", "mean wait", section.minutes),
        Column("standby_max", "highest", section.minutes),
        Column("down_share", "down", percent),
        Column("known", "known", percent, wide=True),
        Column("days_of_all", "days added", section.count),
        Column("days_known", "days known", section.count, wide=True),
        Column("days", "of", section.count, wide=True),
    ]
    rows, shown = [], []
    highest = max((each.sums.standby_mean or 0 for each in found), default=0) or 1
    for each in found:
        sums, url = each.sums, links.park(each.park.pk, **asked.address())
        rows.append(
            [
                each.park.pk,
                Linked(each.park.park_name, url),
                sums.standby_mean,
                sums.standby_max,
                sums.down_share,
                sums.known,
                each.days_of_all,
                each.days_known,
                each.days,
            ]
        )
        if sums.standby_mean is not None:
            value = f"{section.minutes(sums.standby_mean)} min"
            shown.append(
                bars.Lying(each.park.park_name, [bars.Piece(0, sums.standby_mean / highest, "s1", value)], value, url)
            )
    about = "Only days of which something is known of every one of them are added."
    if without:
        about += f" Nothing is known in these days of {', '.join(without)}."
    nothing = "No day is known of all of them."
    csvs = [Csv("beside", question="beside", further={"parks": parks})]
    picture = bars.lying(shown, "Mean wait of parks") if shown else None
    return [
        Section(
            "parks",
            "Parks beside each other, mean wait in minutes",
            Table(columns, rows),
            picture,
            about,
            nothing=nothing,
            csvs=csvs,
        )
    ]


def _with_days(scope: Scope, parks: list[Park]) -> set[int]:
    """Those of which there are sums or marks in these days: a step on a key each."""
    days = {"park": OuterRef("pk"), "day__range": (scope.asked.first, scope.asked.last)}
    some = Exists(RideDay.objects.filter(**days)) | Exists(StaleDay.objects.filter(**days))
    return set(Park.objects.filter(some, pk__in=[each.pk for each in parks]).values_list("pk", flat=True))


def _of_parks(scope: Scope, parks: list[Park]) -> KnownDays:
    asked = scope.asked
    return of_parks(
        parks, asked.first, asked.last, scope.known.now, kinds=asked.kinds_asked(), days_from_rows=scope.days_from_rows
    )


# --- rides that dropped out -------------------------------------------------------------------------------------------
def dropped(scope: Scope) -> list[Section]:
    """Rides of which nothing is heard any more, whatever days are asked for."""
    found = dropped_out(list(scope.known.parks.values()), scope.known.now, kinds=scope.asked.kinds_asked())
    columns = [
        Column("ride_id", "id", wide=True),
        Column("ride_name", "Ride", is_number=False),
        Column("last_day", "last heard of", section.day_of_week, is_number=False),
        Column("silent_days", "days ago", section.count),
        Column("state", "what is known", is_number=False, wide=True),
    ]
    rows, shown = [], []
    longest_silence = max((each.silent_days for each in found), default=1)
    for each in found:
        last = each.last_day
        period = {"from": last - timedelta(days=364), "to": last}
        state = (
            "stands in another park now" if each.has_moved else "" if each.ride.is_listed else "gone from the catalogue"
        )
        rows.append(
            [
                each.ride.ride_id,
                Linked(each.ride.name, links.ride(each.ride.ride_id, **period)),
                Linked(last, links.day(each.park_id, last, ride=each.ride.ride_id)),
                each.silent_days,
                state or None,
            ]
        )
        if len(shown) < BARS_AT_MOST:
            piece = bars.Piece(0, each.silent_days / longest_silence, "s4", f"{each.silent_days} days")
            shown.append(
                bars.Lying(
                    each.ride.name, [piece], f"{each.silent_days:,} days", links.ride(each.ride.ride_id, **period)
                )
            )
    about = (
        f"Nothing was heard of them for {SILENT_DAYS} days and more while their park went on; days are counted to the "
        "park's newest."
    )
    picture = bars.lying(shown, f"Rides of {scope.name} that dropped out") if shown else None
    csvs = [Csv("dropped-out", question="dropped-out")]
    return [
        Section(
            "dropped",
            "Rides that dropped out",
            Table(columns, rows),
            picture,
            about,
            nothing="None has dropped out.",
            csvs=csvs,
        )
    ]
