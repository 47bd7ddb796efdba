"""The longest waits, the reliability of rides, when they operate, which dropped out, and their other lines, as rows."""

from datetime import datetime
from typing import Any

from warehouse.history.answers.answer import Answer, Asked, Column, one_decimal, percent, rounded
from warehouse.history.answers.days import clock
from warehouse.history.questions import dropped, lines, longest, ranking, times
from warehouse.history.questions.days import NamedRide

_RIDE = [Column("ride_id"), Column("ride_uuid"), Column("ride_name", "ride", is_text=True)]
_DAY = Column("date", "day", is_text=True)
_AS_OF = Column("as_of")

LONGEST = [
    *_RIDE,
    _DAY,
    Column("from_local", "from", is_text=True),
    Column("to_local", "to", is_text=True),
    Column("wait", "wait"),
    Column("from"),
    Column("to"),
    Column("park_id"),
    Column("park_name"),
    _AS_OF,
]
RANKING = [
    *_RIDE,
    Column("rank", "rank"),
    Column("tier", "tier"),
    Column("down_share", "down", percent),
    Column("hours_down", "down min"),
    Column("hours_operating", "open min"),
    Column("hours_unknown", "unknown"),
    Column("known", "known", percent),
    Column("days", "days"),
    Column("standby_mean", "mean wait", one_decimal),
    _AS_OF,
]
TIERS = [
    *_RIDE,
    Column("tier", "tier"),
    Column("suggested_tier", "suggested"),
    Column("standby_mean", "mean wait", one_decimal),
    Column("days", "days with a wait"),
    _AS_OF,
]
TIMES = [
    *_RIDE,
    _DAY,
    Column("first_operating_local", "first"),
    Column("last_closed_local", "last"),
    Column("first_operating_at"),
    Column("last_closed_at"),
    Column("usual_first", "usually"),
    Column("usual_last", "until"),
    _AS_OF,
]
DROPPED = [
    *_RIDE,
    Column("kind", "kind", is_text=True),
    Column("last_day", "last heard of", is_text=True),
    Column("silent_days", "days ago"),
    Column("has_moved"),
    Column("is_listed"),
    Column("note", "", is_text=True),
    Column("park_id"),
    _AS_OF,
]
PRICES = [
    *_RIDE,
    _DAY,
    Column("price_min", "lowest"),
    Column("price_max", "highest"),
    Column("price_currency", "currency"),
    _AS_OF,
]
RETURN_TIMES = [
    *_RIDE,
    _DAY,
    Column("return_minutes", "minutes given out"),
    Column("return_share", "of its time", percent),
    _AS_OF,
]
BOARDING = [
    *_RIDE,
    Column("at_local", "at", is_text=True),
    Column("status", "status", is_text=True),
    Column("current", "groups", is_text=True),
    Column("at"),
    _AS_OF,
]


def longest_waits(asked: Asked) -> Answer:
    """The highest first."""
    found = longest.longest_waits(asked.known, asked.count, each_ride_once=asked.each_ride_once)
    rows: list[list[Any]] = []
    for of in found:
        park = asked.known.parks[of.park_id]
        local = [clock(at, of.day, park) for at in (of.begins_at, of.ends_at)]
        rows.append(
            [*_ride(of.ride), of.day, *local, of.wait, of.begins_at, of.ends_at, park.pk, park.park_name, asked.now]
        )
    return Answer(LONGEST, rows)


def reliability(asked: Asked) -> Answer:
    """The least reliable first; the park's own figures are remarks."""
    found = ranking.ranking(asked.known)
    rows = [
        [
            *_ride(of.ride),
            of.rank,
            of.ride.tier,
            rounded(of.sums.down_share, 4),
            of.sums.hours_down,
            of.sums.hours_operating,
            of.sums.hours_unknown,
            rounded(of.sums.known, 4),
            of.sums.ride_days,
            rounded(of.sums.standby_mean),
            asked.now,
        ]
        for of in found.rides
    ]
    answer = Answer(RANKING, rows)
    if found.down_share is not None and found.down_share_unweighted is not None:
        weights = ", ".join(f"tier {tier} x {weight}" for tier, weight in ranking.WEIGHTS.items())
        answer.remarks.append(
            f"All rides together were down {percent(found.down_share_unweighted)} of the time in which they were to "
            f"operate; weighed by tier ({weights}, none as tier 3) {percent(found.down_share)}."
        )
    return answer


def suggested_tiers(asked: Asked) -> Answer:
    """Nothing is set."""
    rows = [
        [*_ride(of.ride), of.ride.tier, of.tier, rounded(of.standby_mean), of.days, asked.now]
        for of in ranking.suggested_tiers(asked.known)
    ]
    return Answer(TIERS, rows, remarks=["Suggested by mean wait alone, and not set: a ride's page in the admin does."])


def operating_times(asked: Asked) -> Answer:
    """One row a ride and day; what is usual is of all days that are asked for."""
    rows: list[list[Any]] = []
    for of in times.operating_times(asked.known):
        usual = [f"{at:%H:%M}" if at else None for at in (of.usual_first, of.usual_last)]
        for day in of.days:
            instants = (day.first_operating_at, day.last_closed_at)
            local = [clock(at, day.day, asked.known.park) for at in instants]
            rows.append([*_ride(of.ride), day.day, *local, *instants, *usual, asked.now])
    return Answer(TIMES, rows)


def dropped_out(asked: Asked) -> Answer:
    """Of the whole record, whatever days are asked for."""
    found = dropped.dropped_out(asked.parks, asked.now, kinds=asked.kinds)
    rows: list[list[Any]] = []
    for of in found:
        note = "moved to another park" if of.has_moved else "" if of.ride.is_listed else "gone from the catalogue"
        rows.append(
            [
                *_ride(of.ride),
                of.ride.kind,
                of.last_day,
                of.silent_days,
                of.has_moved,
                of.ride.is_listed,
                note,
                of.park_id,
                asked.now,
            ]
        )
    return Answer(DROPPED, rows)


def prices(asked: Asked) -> Answer:
    """One row a ride and day on which a price was told."""
    rows = [
        [*_ride(of.ride), of.day, of.lowest, of.highest, of.currency, asked.now] for of in lines.prices(asked.known)
    ]
    return Answer(PRICES, rows)


def return_times(asked: Asked) -> Answer:
    """One row a ride and day on which return times were given out."""
    rows = [
        [*_ride(of.ride), of.day, of.return_minutes, rounded(of.share, 4), asked.now]
        for of in lines.return_times(asked.known)
    ]
    return Answer(RETURN_TIMES, rows)


def boarding_groups(asked: Asked) -> Answer:
    """Of the last day that is asked for."""
    day = min(asked.last, asked.known.today)
    rows = [
        [*_ride(of.ride), _local(of.at, asked), of.status, of.current, of.at, asked.now]
        for of in lines.boarding_groups(asked.known.over([(day, day)]))
    ]
    return Answer(BOARDING, rows, remarks=[f"Boarding groups of {day}."])


def _ride(ride: NamedRide) -> list[Any]:
    return [ride.ride_id, ride.uuid, ride.name]


def _local(at: datetime, asked: Asked) -> str:
    return f"{at.astimezone(asked.known.zone):%Y-%m-%d %H:%M:%S}"
