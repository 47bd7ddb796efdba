"""What is known of the days that a question asks about: the one place that knows where figures come from.

Days without a mark, counted by the rules of today, are read from ride_days, and from park_days where all rides together
are asked for. Days whose sums are stale (stale_days: rows came, changed or went since, or the day is not over) or were
counted by older rules are computed from the rows, then and there, and kept for further questions of the same KnownDays.
So are days that somebody wrote past us, without a mark, where few days are asked for (`manage.py rebuild_days` finds
all of them). Days of which there is nothing are unknown: they are no zeros, and no question adds them.
"""

from collections.abc import Callable, Collection, Hashable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from functools import cached_property
from typing import Any
from zoneinfo import ZoneInfo

from django.db import connection
from django.db.models import Q

from warehouse.days import ONE_DAY
from warehouse.history import reading
from warehouse.history.questions import ride_on_day, sums
from warehouse.history.questions.ride_on_day import RideOnDay
from warehouse.history.questions.sums import Sums, SumsInFull
from warehouse.history.questions.unsummed import runs_of, with_rows
from warehouse.history.rule import RULES_VERSION, DayOfPark
from warehouse.models import Park, Ride, RideStay
from warehouse.zones import local_day

#: entity_metadata.entity_type; '' is a ride whose kind nobody has told
ATTRACTIONS = frozenset({"ATTRACTION", ""})
Kinds = Collection[str] | None  # None: all of them

Range = tuple[date, date]  # both included

LOOKED_AT_MAX = 62  # days without sums and marks of which rows are looked for; in years there are closed days enough

_OF_PARKS = "ride_days FORCE INDEX (PRIMARY) WHERE park_id IN %s"
_PARK_DAYS = "park_days FORCE INDEX (PRIMARY) WHERE park_id IN %s"
_OF_RIDE = "ride_days FORCE INDEX (idx_ride_days_ride) WHERE ride_id = %s"


@dataclass(frozen=True, slots=True)
class NamedRide:
    """Which ride an answer speaks of. `kind`: ATTRACTION, SHOW, RESTAURANT, ...; '' where nobody has told."""

    ride_id: int
    name: str
    uuid: str | None
    tier: int | None  # 1 to 3
    kind: str
    park_id: int  # where it stands now
    is_listed: bool  # False: it has vanished from the catalogue


class KnownDays:
    """The days `first` to `last` (both included, the parks' own) of parks or of one ride, as known at `now`.

    Made by `of_park`, `of_parks`, `of_ride` and `over`. Nothing is read until it is asked for, and then once. With
    `days_from_rows` no more than so many stale days of a park are computed, the newest first; the others are in
    `left_out`, and unknown.
    """

    def __init__(
        self,
        parks: Sequence[Park],
        ranges: Iterable[Range],
        now: datetime,
        *,
        ride: Ride | None = None,
        kinds: Kinds = ATTRACTIONS,
        days_from_rows: int | None = None,
    ):
        self.parks = {park.pk: park for park in parks}
        self.ranges, self.now = _merged(ranges), now
        self.first, self.last = self.ranges[0][0], self.ranges[-1][1]
        self.ride = ride
        self.kinds = None if ride else kinds
        self._days_from_rows = days_from_rows
        self._sums: dict[tuple[str, type[Sums]], dict[Any, Sums]] = {}
        # other days of the same rides share both: what was computed from rows, and what was looked up of which ranges
        self._computed: dict[tuple[int, date], DayOfPark | None] = {}
        self._looked_up: list[tuple[list[Range], list[tuple]]] = []

    # --- whose, and when ------------------------------------------------------------------------------------------
    @property
    def park(self) -> Park:
        """The only one, or the first."""
        return next(iter(self.parks.values()))

    @property
    def zone(self) -> ZoneInfo:
        """Of the only park; UTC where it is not known."""
        return self.park.zone

    @cached_property
    def days(self) -> list[date]:
        """All that are asked for, in order, without those that are still to come."""
        return [
            first + timedelta(days=n)
            for first, last in self.ranges
            for n in range((min(last, self.today) - first).days + 1)
        ]

    @property
    def today(self) -> date:
        """The parks' own; of several in different zones the one that is ahead."""
        return max(self.now.astimezone(park.zone).date() for park in self.parks.values())

    @cached_property
    def rides(self) -> dict[int, NamedRide]:
        """Those that are, or ever were, in the parks, of the kinds asked for; or the one ride. By ride_id."""
        where = "r.ride_id = %s"
        parameters: list[Any] = [self.ride.pk if self.ride else None]
        if not self.ride:
            where = "r.park_id IN %s OR r.ride_id IN (SELECT ride_id FROM ride_stays WHERE park_id IN %s)"
            parameters = [list(self.parks)] * 2
        rows = fetched(
            "SELECT r.ride_id, r.ride_name, r.themeparks_wiki_id, r.tier, COALESCE(m.entity_type, ''), r.park_id, "
            "COALESCE(m.listed, 1) FROM rides r LEFT JOIN entity_metadata m ON m.ride_id = r.ride_id "
            f"WHERE {where} ORDER BY r.ride_name, r.ride_id",
            parameters,
        )
        found = (NamedRide(*(*row[:6], bool(row[6]))) for row in rows)
        return {ride.ride_id: ride for ride in found if self.kinds is None or ride.kind in self.kinds}

    def over(self, ranges: Iterable[Range]) -> "KnownDays":
        """Other days of the same rides."""
        other = KnownDays(
            list(self.parks.values()),
            ranges,
            self.now,
            ride=self.ride,
            kinds=self.kinds,
            days_from_rows=self._days_from_rows,
        )
        other.rides = self.rides
        other._computed, other._looked_up = self._computed, self._looked_up
        return other

    # --- days whose sums are stale ----------------------------------------------------------------------------------
    @cached_property
    def stale(self) -> set[tuple[int, date]]:
        """(park_id, day) whose sums are not to be read: marked, or counted by other rules; or with rows and no sums."""
        rows = self._spoken_of()
        unsummed = {(park_id, day) for park_id in self.parks for day in self.days} - {row[:2] for row in rows}
        stale = {row[:2] for row in rows if row[2] != RULES_VERSION}
        if len(unsummed) <= LOOKED_AT_MAX:
            stale |= with_rows(self.parks, unsummed)
        return stale

    def _spoken_of(self) -> list[tuple]:
        """(park_id, day, by what rules) of days with sums, and of those with marks, by rules 0."""
        for ranges, rows in self._looked_up:
            if _merged([*ranges, *self.ranges]) == ranges:  # as of these days beside those of years before
                return [row for row in rows if any(first <= row[1] <= last for first, last in self.ranges)]
        days, values = self._in_ranges()
        of_parks = [list(self.parks), *values]
        rows = fetched(
            f"SELECT park_id, day, 0 FROM stale_days WHERE park_id IN %s AND {days} UNION ALL "
            f"SELECT park_id, day, rules_version FROM park_days FORCE INDEX (PRIMARY) WHERE park_id IN %s AND {days}",
            [*of_parks, *of_parks],
        )
        self._looked_up.append((self.ranges, rows))
        return rows

    @cached_property
    def left_out(self) -> set[tuple[int, date]]:
        """(park_id, day) that are stale and too many to be computed now."""
        if self._days_from_rows is None:
            return set()
        newest_first = sorted(self.stale, key=lambda key: key[1], reverse=True)
        return {key for park_id in self.parks for key in _of(park_id, newest_first)[self._days_from_rows :]}

    @cached_property
    def from_rows(self) -> dict[tuple[int, date], DayOfPark]:
        """The stale days of which there are rows, computed from these."""
        wanted = self.stale - self.left_out
        missing = wanted - self._computed.keys()
        for park_id, begin, end in runs_of(missing):
            for day in reading.park_days(self.parks[park_id], begin, end, self.now):
                self._computed[park_id, day.day] = day
        for key in missing:
            self._computed.setdefault(key, None)  # nothing was heard
        return {key: found for key in sorted(wanted) if (found := self._computed[key]) is not None}

    # --- what is known ------------------------------------------------------------------------------------------------
    def by_day(self, kind: type[Sums] = Sums) -> dict[date, Any]:
        """All rides together, of days of which anything is known: Sums, or SumsInFull."""
        return self._grouped("day", lambda row: row.day, kind)

    def by_park_and_day(self, kind: type[Sums] = Sums) -> dict[tuple[int, date], Any]:
        """The same for several parks: by (park_id, day)."""
        return self._grouped("park_id, day", lambda row: (row.park_id, row.day), kind)

    def by_ride(self) -> dict[int, Sums]:
        """All days together, by ride_id."""
        return self._grouped("ride_id", lambda row: row.ride_id)

    def ride_days(self, where: str = "", parameters: Sequence[Any] = ()) -> Iterator[RideOnDay]:
        """One a ride and day, in no order. `where` narrows what is read of ride_days (" AND standby_max > %s")."""
        for row in self.columns(*ride_on_day.COLUMNS, where=where, parameters=parameters, computed=False):
            yield ride_on_day.of_row(row)
        yield from self.computed()

    def columns(
        self, *names: str, where: str = "", parameters: Sequence[Any] = (), computed: bool = True
    ) -> Iterator[Sequence[Any]]:
        """Some columns of `ride_days`, for questions that read many rows; those from rows come last."""
        if self.rides:
            tables, values = self._read()
            yield from fetched(f"SELECT {', '.join(names)} FROM {tables}{where}", [*values, *parameters])
        if computed:
            for row in self.computed():
                yield [getattr(row, name) for name in names]

    def computed(self) -> Iterator[RideOnDay]:
        """Of the stale days alone."""
        for (park_id, day), of_park in self.from_rows.items():
            for ride_id, figures in of_park.rides.items():
                if ride_id in self.rides:
                    yield ride_on_day.of_figures(park_id, day, ride_id, of_park.told_by, figures)

    def until(self, day: date, clock: time) -> Sums | None:
        """A day as it was known when the clocks there said so: computed from the rows. None: nothing was known."""
        found = Sums()
        for park in self.parks.values():
            now = datetime.combine(day, clock, tzinfo=park.zone)
            for of_park in reading.park_days(park, day, day, now):
                for ride_id in of_park.rides.keys() & self.rides.keys():
                    found.add(of_park.rides[ride_id])
        return found if found.is_known else None

    def _grouped(self, key: str, key_of: Callable[[RideOnDay], Hashable], kind: type[Sums] = Sums) -> dict[Any, Any]:
        for known in (kind, SumsInFull):
            if (key, known) in self._sums:
                return self._sums[key, known]
        found: dict[Any, Sums] = {}
        width = key.count(",") + 1
        if self.ride or "ride_id" in key:
            for row in self.columns(key, *kind.SELECTED, where=f" GROUP BY {key}", computed=False):
                found[row[0] if width == 1 else tuple(row[:width])] = sums.of_row(kind, row[width:])
        else:
            for row in self._of_whole_parks(key, kind):
                of, of_kind = row[0] if width == 1 else row[:width], kind(*row[width:])
                if of in found:
                    found[of].add(of_kind)
                else:
                    found[of] = of_kind
        for of_ride in self.computed():
            found.setdefault(key_of(of_ride), kind()).add(of_ride)
        self._sums[key, kind] = {each: of for each, of in found.items() if of.is_known}
        return self._sums[key, kind]

    def _of_whole_parks(self, key: str, kind: type[Sums]) -> Sequence[tuple]:
        """Rows of park_days, one a park, day and kind of ride: what the rides come to is kept beside them."""
        where, values = self._conditions(list(self.parks))
        if self.kinds is not None:
            where += " AND kind IN %s"
            values.append(list(self.kinds))
        return fetched(f"SELECT {key}, {', '.join(kind.KEPT)} FROM {_PARK_DAYS} AND {where}", values)

    def _read(self) -> tuple[str, list[Any]]:
        """Tables and conditions of the days that are read from ride_days."""
        where, values = self._conditions(self.ride.pk if self.ride else list(self.parks))
        if not self.ride and self.kinds is not None:
            where += " AND ride_id IN %s"
            values.append(list(self.rides))
        return f"{_OF_RIDE if self.ride else _OF_PARKS} AND {where}", values

    def _conditions(self, of: Any) -> tuple[str, list[Any]]:
        """Of the days whose sums are up to date; the first value is of whom."""
        where, days = self._in_ranges()
        values = [of, *days]
        for park_id, begin, end in runs_of(self.stale):
            where += " AND NOT (park_id = %s AND day BETWEEN %s AND %s)"
            values += [park_id, begin, end]
        return where, values

    def _in_ranges(self) -> tuple[str, list[date]]:
        """As conditions that the server reads as ranges of a key."""
        days = " OR ".join(["day BETWEEN %s AND %s"] * len(self.ranges))
        return f"({days})", [day for each in self.ranges for day in each]


# --- making them -----------------------------------------------------------------------------------------------------
def of_park(
    park: Park, first: date, last: date, now: datetime, *, kinds: Kinds = ATTRACTIONS, days_from_rows: int | None = None
) -> KnownDays:
    """Days of a park, of the rides of these kinds."""
    return KnownDays([park], [(first, last)], now, kinds=kinds, days_from_rows=days_from_rows)


def of_parks(
    parks: Sequence[Park],
    first: date,
    last: date,
    now: datetime,
    *,
    kinds: Kinds = ATTRACTIONS,
    days_from_rows: int | None = None,
) -> KnownDays:
    """Days of parks that are to be held beside each other; `days_from_rows` is of each."""
    return KnownDays(parks, [(first, last)], now, kinds=kinds, days_from_rows=days_from_rows)


def parks_of(ride: Ride) -> list[Park]:
    """In which a ride is or ever was; the first is the one in which it stands now."""
    stood = RideStay.objects.filter(ride=ride).values("park_id")
    return sorted(
        Park.objects.filter(Q(pk=ride.park_id) | Q(pk__in=stood)), key=lambda park: (park.pk != ride.park_id, park.pk)
    )


def of_ride(
    ride: Ride,
    first: date,
    last: date,
    now: datetime,
    *,
    parks: Sequence[Park] | None = None,
    days_from_rows: int | None = None,
) -> KnownDays:
    """Days of a ride, in whatever parks it was (`parks_of`, where they are at hand)."""
    return KnownDays(parks or parks_of(ride), [(first, last)], now, ride=ride, days_from_rows=days_from_rows)


# --- small things ----------------------------------------------------------------------------------------------------
def length_of(day: date, zone: ZoneInfo, now: datetime) -> int:
    """Full minutes of a local day: 1,380, 1,440, 1,500 or the like; of today those up to `now`."""
    begin, end = local_day(day, zone)
    return max(0, int((min(end, now) - begin).total_seconds() // 60))


def fetched(statement: str, parameters: Sequence[Any]) -> list[tuple]:
    """All rows of one statement."""
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)
        return list(cursor.fetchall())


def _merged(ranges: Iterable[Range]) -> list[Range]:
    """In order and apart from each other; an empty range stays as it is."""
    found: list[Range] = []
    for first, last in sorted(ranges):
        if found and first <= found[-1][1] + ONE_DAY:
            found[-1] = (found[-1][0], max(last, found[-1][1]))
        else:
            found.append((first, last))
    return found


def _of(park_id: int, keys: Sequence[tuple[int, date]]) -> list[tuple[int, date]]:
    return [key for key in keys if key[0] == park_id]
