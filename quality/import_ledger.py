"""What the import ledger says, read by SQL: quality must not import `imports`, which imports it.

Plain SELECTs on import_files and import_checkpoints, because their names and columns are a contract like those of
the facts (docs/data-model.md). Having every caller hand in a query would move the import arrow to where a command of
`quality` could not follow it: check_quality would have to live in `imports`. tests/quality/test_import_ledger.py
holds these statements against the models.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

from django.db import connection

from warehouse.days import ONE_DAY

IMPORTED, MISSING, UNREADABLE, NO_EVENTS = "IMPORTED", "MISSING", "UNREADABLE", "NO_EVENTS"

#: A park may have a row of several destinations' files for one day: what is known of the day is what the first of
#: these says. A park that was sold has NO_EVENTS in the old resort's file and IMPORTED in the new one's; where the new
#: one's is missing, the day is.
BEST_FIRST = (IMPORTED, UNREADABLE, MISSING, NO_EVENTS)
READ = (IMPORTED, NO_EVENTS)
#: What may speak for a whole day of a park, by how much it is to be believed where both do.
ARCHIVE, HISTORY = "ARCHIVE", "HISTORY"
FEEDS_OF_DAYS = (ARCHIVE, HISTORY)
OF_DAYS = "feed IN ({})".format(", ".join(f"'{feed}'" for feed in FEEDS_OF_DAYS))
_RANKS = ", ".join(f"'{outcome}'" for outcome in BEST_FIRST)


def park_days(where: str = "TRUE") -> str:
    """SQL of a row a park and day, over all destinations: park_id, file_date, outcome, events_read, observations (that
    are in the table), rejected. Whoever asks what is known of a day asks this.

    The files of several destinations add up. Two feeds tell the same day, and what the fuller of them says is taken.
    """
    return (
        f"SELECT park_id, file_date, ELT(MIN(best), {_RANKS}) AS outcome, "
        "CAST(MAX(events_read) AS SIGNED) AS events_read, CAST(MAX(observations) AS SIGNED) AS observations, "
        f"CAST(MAX(rejected) AS SIGNED) AS rejected FROM ({_days_by_feed(where)}) AS by_feed "
        "GROUP BY park_id, file_date"
    )


def _days_by_feed(where: str) -> str:
    """The same by feed, with `best`: the rank of the outcome, the first of BEST_FIRST being 1."""
    return (
        f"SELECT park_id, file_date, feed, MIN(FIELD(outcome, {_RANKS})) AS best, SUM(events_read) AS events_read, "
        "SUM(`stored` + already_known) AS observations, "  # a reserved word on MySQL
        f"SUM(rejected) AS rejected FROM import_files WHERE {OF_DAYS} AND {where} GROUP BY park_id, file_date, feed"
    )


@dataclass(frozen=True, slots=True)
class FeedDay:
    """What one feed's last reading of a park's day gave, over all destinations. What a day is, is the feed's matter."""

    day: date
    feed: str
    outcome: str
    has_events: bool = True

    @property
    def was_read(self) -> bool:
        """Whether the feed spoke for the day, be it by saying nothing of the park."""
        return self.outcome in READ


@dataclass(frozen=True, slots=True)
class MissingRun:
    """Successive days without a file: the source has none (`never_imported` False), or nobody asked for them."""

    first: date
    last: date
    never_imported: bool

    @property
    def days(self) -> int:
        """How many days, both ends included."""
        return (self.last - self.first).days + 1


class ParkLedger:
    """One park's days: what the last reading of each gave."""

    def __init__(self, days: Iterable[FeedDay], months_in_part: Iterable[date] = ()):
        self.days = sorted(days, key=lambda each: each.day)
        self._months_in_part = set(months_in_part)  # by their first days
        self._outcomes: dict[date, str] = {}
        for each in self.days:
            told = self._outcomes.get(each.day, each.outcome)
            self._outcomes[each.day] = min(told, each.outcome, key=BEST_FIRST.index)
        # the first day with events: files of the destination without the park are no gap of it
        self._began = next((each.day for each in self.days if each.has_events), None)
        self._last = max(self._outcomes, default=None)

    def missing_runs(self) -> list[MissingRun]:
        """In order, from the park's first day with events to the last day of its ledger."""
        runs: list[MissingRun] = []
        if self._began is None:
            return runs
        day = self._began
        while day <= self._last:
            outcome = self._outcomes.get(day)
            if outcome in (None, MISSING):
                run = runs[-1] if runs else None
                if run and run.last == day - ONE_DAY and run.never_imported == (outcome is None):
                    runs[-1] = MissingRun(run.first, day, run.never_imported)
                else:
                    runs.append(MissingRun(day, day, outcome is None))
            day += ONE_DAY
        return runs

    def missing_days(self) -> set[date]:
        """Days for which the source has no file, of whichever destination the park was heard in."""
        return {day for day, outcome in self._outcomes.items() if outcome == MISSING}

    def is_missing(self, day: date) -> bool:
        """Inside the park's history, and without a file or never asked for."""
        inside = self._began is not None and self._began <= day <= self._last
        return inside and self._outcomes.get(day) in (None, MISSING)

    def was_not_read(self, day: date) -> bool:
        """Missing or unreadable: that nothing was observed on this day is known, and reported."""
        return self.is_missing(day) or self._outcomes.get(day) in (MISSING, UNREADABLE)

    def is_in_part(self, day: date) -> bool:
        """Whether nothing was asked for of this day but what the park no longer lists: its silence says nothing."""
        return day not in self._outcomes and day.replace(day=1) in self._months_in_part


def of_park(park_id: int) -> ParkLedger:
    """All days of one park: one range of the ledger's key."""
    rows = _rows(
        f"SELECT file_date, feed, best, events_read > 0 FROM ({_days_by_feed('park_id = %s')}) AS days", park_id
    )
    days = [FeedDay(day, feed, BEST_FIRST[best - 1], bool(events)) for day, feed, best, events in rows]
    return ParkLedger(days, _months_in_part(park_id))


def _months_in_part(park_id: int) -> list[date]:
    """The months of which the park's delisted entities were imported."""
    rows = _rows(
        "SELECT file_date FROM import_files WHERE park_id = %s AND feed = 'DELISTED' AND outcome = 'IMPORTED'", park_id
    )
    return [month for (month,) in rows]


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """An import of one park, and the last day (UTC) that it says it processed."""

    checkpoint_id: int
    import_id: str
    park_id: int
    last_processed_date: date


@dataclass(frozen=True, slots=True)
class FedDay:
    """What one feed's files gave of a park's day: the best of their outcomes, and how many events were refused."""

    day: date
    feed: str
    outcome: str
    rejected: int


def fed_days(park_id: int) -> list[FedDay]:
    """Every day of one park by feed (HISTORY, ARCHIVE, ...), in order: one range of the ledger's key."""
    return [
        FedDay(*row)
        for row in _rows(
            f"SELECT file_date, CONCAT(feed), ELT(MIN(FIELD(outcome, {_RANKS})), {_RANKS}), "
            "CAST(SUM(rejected) AS SIGNED) FROM import_files "
            "WHERE park_id = %s GROUP BY file_date, feed ORDER BY file_date, feed",
            park_id,
        )
    ]


def checkpoints_after(day: date) -> list[Checkpoint]:
    """Imports that say that they processed a day later than `day`."""
    return [
        Checkpoint(*row)
        for row in _rows(
            "SELECT checkpoint_id, import_id, park_id, last_processed_date FROM import_checkpoints "
            "WHERE last_processed_date > %s ORDER BY checkpoint_id",
            day,
        )
    ]


def imported_since(source_files: Iterable[str]) -> set[str]:
    """Which of these day files were read without fault at their last reading, for every park they concern."""
    source_files = list(source_files)
    if not source_files:
        return set()
    return {
        key
        for (key,) in _rows(
            "SELECT source_file FROM import_files WHERE source_file IN %s "
            "GROUP BY source_file HAVING SUM(outcome NOT IN ('IMPORTED', 'NO_EVENTS')) = 0",
            source_files,
        )
    }


@dataclass(frozen=True, slots=True)
class Reading:
    """The last reading of one park's day: which import did it, from where."""

    file_date: date
    outcome: str
    checkpoint_id: int | None
    import_id: str | None
    source: str | None


def readings(park_id: int, first: date, last: date, limit: int = 1) -> list[Reading]:
    """Of a park's days in the inclusive range, the latest days first, and of a day the reading that counts."""
    return [
        Reading(*row)
        for row in _rows(
            "SELECT f.file_date, f.outcome, c.checkpoint_id, c.import_id, c.source FROM import_files f "
            "LEFT JOIN import_checkpoints c ON c.checkpoint_id = f.checkpoint_id "
            f"WHERE f.park_id = %s AND f.file_date BETWEEN %s AND %s AND f.{OF_DAYS} "
            f"ORDER BY f.file_date DESC, FIELD(f.outcome, {_RANKS}) LIMIT %s",
            park_id,
            first,
            last,
            limit,
        )
    ]


@dataclass(frozen=True, slots=True)
class LedgerRow:
    """A day file as one park's ledger has it: for links to its page."""

    file_id: int
    park_id: int
    file_date: date
    feed: str
    outcome: str
    source_file: str


def files_of(
    first: date, last: date, *, park_id: int | None = None, destination: str = "", limit: int
) -> list[LedgerRow]:
    """The files of a park's days, or of a destination's, both included; the first that could not be read come first."""
    whose, key = ("park_id", park_id) if park_id is not None else ("destination_wiki_id", destination)
    return [
        LedgerRow(*row)
        for row in _rows(
            "SELECT file_id, park_id, file_date, CONCAT(feed), CONCAT(outcome), source_file FROM import_files "
            f"WHERE {whose} = %s AND file_date BETWEEN %s AND %s "
            "ORDER BY FIELD(outcome, 'UNREADABLE') DESC, file_date, park_id, file_id LIMIT %s",
            key,
            first,
            last,
            limit,
        )
    ]


def _rows(sql: str, *parameters: object) -> list[tuple]:
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)
        return list(cursor.fetchall())
