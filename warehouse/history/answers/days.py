"""The days of rides and parks, and the months of parks, as rows."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any

from warehouse.history.answers.answer import Answer, Asked, Column, one_decimal, percent, rounded
from warehouse.history.questions import hours, parks, rides
from warehouse.history.questions.days import length_of
from warehouse.history.questions.ride_on_day import RideOnDay
from warehouse.history.questions.sums import SumsInFull
from warehouse.models import Park

_STATES = [
    Column("operating_minutes", "open min"),
    Column("down_minutes", "down min"),
    Column("closed_minutes"),
    Column("refurbishment_minutes"),
    Column("unknown_minutes", "unknown"),
]
_WAITS = [
    Column("standby_min", "min"),
    Column("standby_p50", "median"),
    Column("standby_mean", "mean", one_decimal),
    Column("standby_p90", "p90"),
    Column("standby_max", "max"),
]
_IN_HOURS = [
    Column("hours_minutes"),
    Column("hours_operating"),
    Column("hours_down"),
    Column("hours_closed"),
    Column("hours_refurbishment"),
    Column("hours_unknown"),
]
_SHARES = [Column("down_share", "down", percent), Column("known", "known", percent)]
_FURTHER = [
    Column("standby_minutes"),
    Column("return_minutes"),
]
_PARK = [Column("park_id"), Column("park_uuid"), Column("park_name", "park", is_text=True)]
_AS_OF = [Column("from_rows"), Column("as_of")]

RIDE_DAY = [
    Column("ride_id"),
    Column("ride_uuid"),
    Column("ride_name", "ride", is_text=True),
    Column("date", "day", is_text=True),
    *_STATES,
    *_WAITS,
    Column("observations"),
    *_SHARES,
    *_IN_HOURS,
    *_FURTHER,
    Column("single_minutes"),
    Column("single_min"),
    Column("single_p50"),
    Column("single_mean"),
    Column("single_p90"),
    Column("single_max"),
    Column("first_operating_at"),
    Column("first_operating_local", "first"),
    Column("last_closed_at"),
    Column("last_closed_local", "last"),
    Column("price_min"),
    Column("price_max"),
    Column("price_currency"),
    Column("told_by"),
    Column("park_id"),
    Column("park_name"),
    *_AS_OF,
]
PARK_DAY = [
    *_PARK,
    Column("date", "day", is_text=True),
    *_STATES,
    *_WAITS,
    Column("observations"),
    *_SHARES,
    Column("rides", "rides"),
    *_IN_HOURS,
    *_FURTHER,
    *_AS_OF,
]
PARK_MONTH = [
    *_PARK,
    Column("month", "month", is_text=True),
    Column("days"),
    Column("days_known", "days known"),
    *_STATES,
    Column("standby_min"),
    Column("standby_mean", "mean", one_decimal),
    Column("standby_max", "max"),
    Column("observations"),
    *_SHARES,
    Column("rides_a_day", "rides a day", one_decimal),
    *_IN_HOURS,
    *_FURTHER,
    Column("as_of"),
]


def ride_days(asked: Asked) -> Answer:
    """Of a ride every day, also those of which nothing is known; of a park's rides those of which anything is."""
    known = asked.known
    found = rides.ride_days(known)
    of_rides = sorted({ride_id for _, ride_id in found} | ({asked.ride.pk} if asked.ride else set()))
    order = sorted(of_rides, key=lambda ride_id: (known.rides[ride_id].name, ride_id))
    rows = []
    for ride_id in order:
        ride = known.rides[ride_id]
        for day in known.days:
            row = found.get((day, ride_id))
            park = known.parks[row.park_id] if row else known.park
            figures = _figures(row) if row else {}
            if row is None or not row.is_known:
                figures = {
                    "unknown_minutes": row.minutes if row else length_of(day, park.zone, known.now),
                    "observations": row.observations if row else None,
                }
            if row:
                figures |= _of_ride(row, park)
            figures |= {
                "ride_id": ride_id,
                "ride_uuid": ride.uuid,
                "ride_name": ride.name,
                "date": day,
                "park_id": park.pk,
                "park_name": park.park_name,
                "from_rows": (park.pk, day) in known.stale,
                "as_of": known.now,
            }
            rows.append(_in_order(RIDE_DAY, figures))
    return Answer(RIDE_DAY, rows)


def park_days(asked: Asked) -> Answer:
    """Every day of each park, also those of which nothing is known."""
    known = asked.known
    found = known.by_park_and_day(SumsInFull)
    percentiles = hours.percentiles(known)
    rows = []
    for park in known.parks.values():
        for day in known.days:
            key = (park.pk, day)
            if key in found:
                figures = _figures(found[key])
                figures["rides"] = found[key].operated
                figures["standby_p50"], figures["standby_p90"] = percentiles.get(key, (None, None))
            else:
                figures = {"unknown_minutes": length_of(day, park.zone, known.now)}
            figures |= {"date": day, "from_rows": key in known.stale, "as_of": known.now, **_of_park(park)}
            rows.append(_in_order(PARK_DAY, figures))
    return Answer(PARK_DAY, rows)


def park_months(asked: Asked) -> Answer:
    """Months, of the first and last as many days as are asked for."""
    known = asked.known
    rows = []
    for period in parks.by_month(known, SumsInFull):
        figures: dict[str, Any] = _figures(period.sums) if period.days_known else {}
        if period.days_known:
            figures["rides_a_day"] = rounded(period.sums.operated / period.days_known)
        figures |= {"month": f"{period.key:%Y-%m}", "days": period.days, "days_known": period.days_known}
        rows.append(_in_order(PARK_MONTH, figures | {"as_of": known.now, **_of_park(known.park)}))
    return Answer(PARK_MONTH, rows)


def _figures(of: RideOnDay | SumsInFull) -> dict[str, Any]:
    names = [column.name for column in (*_STATES, *_WAITS, *_IN_HOURS, *_FURTHER)]
    return {name: getattr(of, name, None) for name in (*names, "observations")} | {
        "standby_mean": rounded(of.standby_mean),
        "down_share": rounded(of.down_share, 4),
        "known": rounded(of.known, 4),
    }


def _of_ride(row: RideOnDay, park: Park) -> dict[str, Any]:
    further = ("single_minutes", "single_min", "single_p50", "single_p90", "single_max")
    prices = ("price_min", "price_max", "price_currency")
    return {name: getattr(row, name) for name in (*further, *prices)} | {
        "told_by": row.told_by,
        "single_mean": rounded(row.single_mean),
        "first_operating_at": row.first_operating_at,
        "first_operating_local": clock(row.first_operating_at, row.day, park),
        "last_closed_at": row.last_closed_at,
        "last_closed_local": clock(row.last_closed_at, row.day, park),
    }


def clock(instant: datetime | None, day: date, park: Park) -> str | None:
    """The park's clock, 14:05; of the day after, 00:30+1."""
    if instant is None:
        return None
    local = instant.astimezone(park.zone)
    later = (local.date() - day).days
    return f"{local:%H:%M}{f'+{later}' if later else ''}"


def _of_park(park: Park) -> dict[str, Any]:
    return {"park_id": park.pk, "park_uuid": park.themeparks_wiki_id, "park_name": park.park_name}


def _in_order(columns: Sequence[Column], figures: dict[str, Any]) -> list[Any]:
    return [figures.get(column.name) for column in columns]
