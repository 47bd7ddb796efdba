"""A check's scan that goes ahead while rows still come in behind it, so that at the end only the last ones are read.

Whoever brings rows in, in the order of time, says up to which day they are there (`advance`), on a connection that has
nothing else to do. What was read is believed at the end if nobody has written to it since (`begun`): each transaction
that stores, alters or deletes rows leaves other tokens at their months and days (warehouse.rides.stale_days). Of a
month that was read to its end the month's token is asked; of one in which rows still come in those of its days, and
where a day has rows and no token, since its sums were made anew, it is not read ahead. After each month what was found
so far is kept, so that a row that comes late costs its own month again, and those behind it.

Whatever does not fit is read again by the check itself, which without any of this reads all.
"""

import pickle
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import date, timedelta

from django.db import connection

from quality.check import duplicates
from quality.check.reading import rows_between
from quality.check.scan import Scan, without_collections
from quality.check.window import Window, window
from warehouse.days import ONE_DAY
from warehouse.models import Park

#: A file of a day brings no rows of the third day before it, nor marks of it (a row marks the days beside its own).
DAYS_BEHIND = 3
# A SELECT keeps partitions from being changed while it runs: so many rows take some 20 ms, and 2 MB.
ROWS_AT_ONCE = 15_000
PORTION_DAYS = 3  # that are waited for, though days before had few rows: a month may be all there is
MONTHS_KEPT = 3
SETBACKS_MAX = 5  # where rows come in no order nothing is gained

Tokens = dict[int, int]  # by park_id


@dataclass(frozen=True, slots=True)
class _Month:
    """One that was read to its end: its tokens, and what was found up to there."""

    month: date
    end: date
    tokens: Tokens
    scan: bytes  # empty where it is long ago


class ScanAhead:
    """Of these parks, for a check of `first` to `last` (days as `quality.check.run.check` takes them)."""

    def __init__(self, park_ids: Collection[int], first: date, last: date, *, rows_at_once: int = ROWS_AT_ONCE):
        self.park_ids, self.first, self.last = frozenset(park_ids), first, last
        self._rows_at_once = rows_at_once
        self._setbacks = 0
        self._days_at_once = 1
        self._scan: Scan | None = None
        self._months: list[_Month] = []
        self._forget_the_part(date.min)

    def _forget_the_part(self, read_to: date) -> None:
        self.read_to = read_to  # the first day that was not read
        self._part: date | None = None  # the month that is read in part
        self._tokens: Tokens = {}  # of the month that is read in part, when its reading began
        self._days: dict[tuple[int, date], int] = {}  # tokens of its days, by park_id and the park's own day

    def advance(self, processed: date, go_on: Callable[[], bool] = lambda: True) -> None:
        """The days up to `processed` (UTC) have come in: read what will hardly change any more. `go_on` is asked every
        20 ms. Not inside a transaction."""
        until = processed - timedelta(days=DAYS_BEHIND)
        if until <= self.read_to or self._setbacks > SETBACKS_MAX:
            return
        scan = self._scan
        if scan is None or until > scan.window.read_to:  # some 10 ms, once a month
            now = window(self.first, self.last, processed)
            if now.read_to <= now.read_from:
                return  # nothing is stored
            scan = self._scan_as_it_holds(now)
        for month, end in scan.window.months[scan.months :]:
            while self.read_to < min(end, until):
                portion = timedelta(days=min(self._days_at_once, PORTION_DAYS))
                if until < end and until < max(month, self.read_to) + portion:
                    return  # some rows more are as quickly read
                if not go_on() or not self._read(scan, month, max(month, self.read_to), min(end, until), end):
                    return
            if self.read_to < end or not self._end_month(scan, month, end):
                return

    def begun(self, now: Window, parks: Iterable[Park]) -> tuple[Scan, date] | None:
        """What was read of a window and is so still, and the first day that is left to be read: as
        `quality.check.scan.scan` goes on with it. None where there is nothing. To be asked once."""
        by_id = {park.pk: park for park in parks}
        if self._scan is None or by_id.keys() != self.park_ids:
            return None
        with without_collections():
            scan = self._scan_as_it_holds(now, with_the_part=True)
        self._scan = None
        if self.read_to == date.min:
            return None
        if any(profile.park.timezone != by_id[park_id].timezone for park_id, profile in scan.parks.items()):
            return None
        for park_id, profile in scan.parks.items():
            profile.park = by_id[park_id]
        return scan, self.read_to

    # --- reading ------------------------------------------------------------------------------------------------------
    def _read(self, scan: Scan, month: date, begin: date, until: date, month_end: date) -> bool:
        """Some days from `begin` on. False: nothing would tell whether they change while rows come into their month.

        Tokens come first, then the rides, then the rows: whatever is written behind the first of them is told by it.
        """
        end = min(until, begin + timedelta(days=self._days_at_once))
        tokens, days = self._tokens_of(month), self._tokens_of_days(begin - ONE_DAY, end)
        if until < month_end and any(key not in days for key in self._keys(tokens, begin - ONE_DAY, end)):
            return False
        if self._highest_ride_id() > scan.highest_ride_id and not scan.name_rides():
            self._go_back_to(0)
            return False
        if begin == month:
            self._part, self._tokens = month, tokens
        self._days = days | self._days  # of a day that was asked for twice the first one
        rows = rows_between(scan.window, begin, end, scan.ride_ids)
        scan.take(month, rows)
        self.read_to = end
        at_once = self._days_at_once * self._rows_at_once // max(len(rows), self._rows_at_once // 4, 1)
        self._days_at_once = max(1, min(31, at_once))
        return True

    def _end_month(self, scan: Scan, month: date, end: date) -> bool:
        """False: something of it has changed since it was read."""
        tokens = self._tokens_of(month)
        if not self._part_holds(month, tokens):
            self._go_back_to(len(self._months))
            return False
        scan.end_month(month, duplicates.near_duplicates_of_the_month)
        for index, long_ago in enumerate(self._months[: 1 - MONTHS_KEPT]):
            self._months[index] = replace(long_ago, scan=b"")
        self._months.append(_Month(month, end, tokens, pickle.dumps(scan, pickle.HIGHEST_PROTOCOL)))
        self._forget_the_part(end)
        return True

    # --- what holds ---------------------------------------------------------------------------------------------------
    def _scan_as_it_holds(self, now: Window, *, with_the_part: bool = False) -> Scan:
        """In the window as it is now, with its rides as they are now, from its beginning or as far as nothing of it has
        changed. Of a month that was read in part this is asked when it ends, or here."""
        if self._scan is not None:
            held = self._months_that_hold(now)
            if (
                held < len(self._months)
                or self._scan.window.read_from != now.read_from
                or (with_the_part and self._part is not None and not self._part_is_of(now, self._part))
            ):
                self._go_back_to(held)
        if self._scan is not None:
            self._scan.cover(now)
            if not self._scan.name_rides():
                self._go_back_to(0)
        if self._scan is None:
            self._scan = Scan(now, Park.objects.filter(pk__in=self.park_ids), whole=False)
            self._scan.name_rides()
        return self._scan

    def _part_is_of(self, now: Window, part: date) -> bool:
        in_window = [month for month, _ in now.months[len(self._months) :][:1]] == [part]
        return in_window and self._part_holds(part, self._tokens_of(part))

    def _part_holds(self, month: date, tokens: Tokens) -> bool:
        """`tokens`: the month's as they are now."""
        written = {park_id: token for park_id, token in tokens.items() if self._tokens.get(park_id) != token}
        if not written:
            return True
        days = self._tokens_of_days(month - ONE_DAY, self.read_to)
        keys = self._keys(written, month - ONE_DAY, self.read_to)
        return all(key in days and days[key] == self._days.get(key) for key in keys)

    def _months_that_hold(self, now: Window) -> int:
        """How many of the months that were read, from the first one on, are the window's and have not changed."""
        if not self._months:
            return 0
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT month, park_id, token FROM park_months WHERE park_id IN %s AND month BETWEEN %s AND %s",
                [list(self.park_ids), self._months[0].month, self._months[-1].month],
            )
            tokens: dict[date, Tokens] = {}
            for month, park_id, token in cursor.fetchall():
                tokens.setdefault(month, {})[park_id] = token
        held = 0
        for each, in_window in zip(self._months, now.months, strict=False):
            if (each.month, each.end) != in_window or tokens.get(each.month, {}) != each.tokens:
                break
            held += 1
        return held

    def _go_back_to(self, months: int) -> None:
        """What was found of the months behind these is forgotten, and all of it where nothing was kept of them."""
        self._setbacks += 1
        del self._months[months:]
        if self._months and self._months[-1].scan:
            self._scan = pickle.loads(self._months[-1].scan)
            self._forget_the_part(self._months[-1].end)
        else:
            self._scan, self._months = None, []
            self._forget_the_part(date.min)

    def _highest_ride_id(self) -> int:
        """New rides get higher ones (warehouse.rides.numbering)."""
        with connection.cursor() as cursor:
            cursor.execute("SELECT COALESCE(MAX(ride_id), 0) FROM rides")
            return cursor.fetchone()[0]

    # --- tokens -------------------------------------------------------------------------------------------------------
    def _tokens_of(self, month: date) -> Tokens:
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT park_id, token FROM park_months WHERE park_id IN %s AND month = %s",
                [list(self.park_ids), month],
            )
            return dict(cursor.fetchall())

    def _tokens_of_days(self, first: date, last: date) -> dict[tuple[int, date], int]:
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT park_id, day, token FROM stale_days WHERE park_id IN %s AND day BETWEEN %s AND %s",
                [list(self.park_ids), first, last],
            )
            return {(park_id, day): token for park_id, day, token in cursor.fetchall()}

    def _keys(self, park_ids: Iterable[int], first: date, last: date) -> Iterator[tuple[int, date]]:
        days = [first + timedelta(days=n) for n in range((last - first).days + 1)]
        return ((park_id, day) for park_id in park_ids for day in days)
