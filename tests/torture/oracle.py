"""What a warehouse has to hold once an archive is imported: read from the files by code that shares nothing with the
importer. Rides and parks are named by their UUIDs, instants are milliseconds since 1970.
"""

import hashlib
import itertools
from collections import Counter
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from pathlib import Path

from tests.torture import rules
from tests.torture.reading import Unreadable, values_of
from tests.torture.rules import FileSays, Queue, Seen, State

ONE_DAY = timedelta(days=1)
DAY_MS = 86_400_000
PEEKED = 5  # files that are opened to learn the parks of a destination before its import begins
TOLD_OF_FILES = frozenset(
    [
        "unreadable_file",
        "missing_days",
        "malformed_event",
        "malformed_id",
        "malformed_time",
        "missing_entity_id",
        "missing_event_time",
        "missing_status",
        "unknown_status",
        "future_time",
        "wait_out_of_range",
        "malformed_queue",
        "malformed_return_time",
        "invalid_price",
        "unknown_queue_type",
        "duplicate_event",
        "conflicting_event",
        "missing_park",
    ]
)  # the reasons that the oracle knows; of others (looks at stored rows) see cycle.check_again

Row = tuple[str, int]  # ride and instant


@dataclass
class Counts:
    events: int = 0
    stored: int = 0
    known: int = 0
    duplicates: int = 0
    rejected: int = 0


@dataclass
class Expected:
    """The tables, as plain values."""

    snapshots: dict[Row, tuple] = field(default_factory=dict)  # status, wait, told
    queues: dict[tuple[str, int, str], tuple] = field(default_factory=dict)
    ledger: dict[tuple[str, date, str], tuple] = field(default_factory=dict)  # destination, day, park: see _ledger
    findings: dict[tuple[str, str, str], dict[str, int]] = field(default_factory=dict)  # by file, or first missing day
    checkpoints: dict[tuple[str, str], tuple[int, int, int]] = field(default_factory=dict)  # rows, errors, days
    parks: dict[str, tuple[str, str]] = field(default_factory=dict)  # destination, slug
    rides: dict[str, tuple[str, str]] = field(default_factory=dict)  # park, name
    files: int = 0
    unreadable: int = 0


def expected_of(root: Path, now: datetime) -> Expected:
    found = Expected()
    for folder in sorted(root.iterdir()):
        if folder.is_dir() and rules.uuid(folder.name):
            _Destination(folder, now, found).read()
    return found


class _Destination:
    """One destination's files, day by day, as one whole import walks them."""

    def __init__(self, folder: Path, now: datetime, found: Expected):
        self._name, self._now, self._found = folder.name, now, found
        self._files = {
            date(*map(int, [*path.parts[-3:-1], path.name.split(".")[0]])): path
            for path in sorted(folder.glob("*/*/*.json.gz"))
        }
        self._says: dict[date, FileSays | None] = {}
        self._parks: dict[str, date] = {}  # at work, and since which day
        self._states: dict[Row, State] = {}
        self._sightings: dict[str, dict[tuple[int, str], list[int]]] = {}  # ride: (day, park): first, last
        self._homes: dict[str, str] = {}  # the park in which a ride was made
        self._named: dict[str, tuple[int, str]] = {}
        self._slugs: dict[str, tuple[int, str]] = {}
        self._heard: set[str] = set()  # parks with an imported day
        self._latest: dict[str, int] = {}  # row of a ride, and of a park

    def read(self) -> None:
        first, last = min(self._files), max(self._files)
        for path in list(self._files.values())[:PEEKED]:
            says = self._says_of(self._day_of(path))
            if says is not None and (named := {one.park for one in says.seen if one.park}):
                for park in named:
                    self._join(park, first, says)
                break
        gap: list[date] = []
        for n in range((last - first).days + 1):
            day = first + n * ONE_DAY
            if day in self._files:
                self._missing(gap)
                gap = []
                self._file(day)
            else:
                gap.append(day)
        for park, since in self._parks.items():
            rows, errors, _ = self._found.checkpoints.get((self._name, park), (0, 0, 0))
            self._found.checkpoints[self._name, park] = rows, errors, (last - since).days + 1
            self._found.parks[park] = self._name, self._slugs.get(park, (0, ""))[1]
        for ride, home in self._homes.items():
            course = self._course(ride)
            self._found.rides[ride] = course[-1][1] if course else home, self._named.get(ride, (0, ""))[1]
        for (ride, ms), state in self._states.items():
            self._found.snapshots[ride, ms] = state.status, state.wait, state.told
            for queue in state.queues:
                self._found.queues[ride, ms, queue.kind] = tuple(queue[1:])

    def _day_of(self, path: Path) -> date:
        return next(day for day, other in self._files.items() if other == path)

    def _says_of(self, day: date) -> FileSays | None:
        if day not in self._says:
            try:
                self._says[day] = rules.say(values_of(self._files[day].read_bytes()), self._now)
            except Unreadable:
                self._says[day] = None
        return self._says[day]

    def _join(self, park: str, day: date, says: FileSays) -> None:
        self._parks[park] = day
        slug, _ = says.parks[park]
        self._slugs.setdefault(park, (-1, rules.kept(slug)))

    # --- days ---------------------------------------------------------------------------------------------------
    def _missing(self, days: list[date]) -> None:
        for park in self._parks if days else ():
            if park in self._heard:
                self._tell("missing_days", "park", park, days[0].isoformat(), len(days))
                for day in days:
                    self._ledger(day, park, "MISSING", Counts(), sha256=None)

    def _file(self, day: date) -> None:
        self._found.files += 1
        says, key = self._says_of(day), self._key(day)
        sha256 = hashlib.sha256(self._files[day].read_bytes()).hexdigest()
        if says is None:
            self._found.unreadable += 1
            self._tell("unreadable_file", "destination", self._name, key, 1)
            for park in self._parks:
                self._ledger(day, park, "UNREADABLE", Counts(), sha256, errors=1)
            return
        seen = {one.park for one in says.seen if one.park}
        for park in sorted(says.parks.keys() & (seen | self._found.parks.keys()) - self._parks.keys()):
            self._join(park, day, says)
        counts = {park: Counts() for park in self._parks}
        issues = Counter(says.issues)
        self._rows(says, counts, issues)
        for park, many in says.rejected.items():
            if park in counts:
                counts[park].rejected += many
            else:  # nobody's: told under the destination
                for (of, reason), number in list(issues.items()):
                    if of == park and of is not None:
                        del issues[of, reason]
                        issues[None, reason] += number
        for one in says.parkless:
            home = self._home(one.ride, None)
            if home is not None:
                counts[home].rejected += 1
            if home is not None or one.ride not in self._homes:
                issues[home, one.reason] += 1
        for (park, reason), many in issues.items():
            if park is None:
                self._tell(reason, "destination", self._name, key, many)
            elif park in counts:
                self._tell(reason, "park", park, key, many)
        for park, count in counts.items():
            count.events = count.stored + count.known + count.duplicates + count.rejected
            if count.events:
                self._heard.add(park)
            self._ledger(day, park, "IMPORTED" if count.events else "NO_EVENTS", count, sha256, errors=count.rejected)

    def _rows(self, says: FileSays, counts: dict[str, Counts], issues: Counter) -> None:
        for one in says.seen:
            if one.park is not None:
                self._homes.setdefault(one.ride, self._first_park(says, one.ride))
                day = self._sightings.setdefault(one.ride, {}).setdefault(
                    (one.ms // DAY_MS, one.park), [one.ms, one.ms]
                )
                day[:] = min(day[0], one.ms), max(day[1], one.ms)
        self._hear([one for one in says.seen if self._home(one.ride, one) is not None])
        firsts: dict[Row, State] = {}  # of this file
        for one in says.seen:
            park = self._home(one.ride, one)
            if park is None:
                if one.ride not in self._homes:
                    issues[None, "missing_park"] += 1
                continue
            key, count = (one.ride, one.ms), counts[park]
            if key in firsts:
                count.duplicates += 1
                issues[park, "duplicate_event" if _same(firsts[key], one.state) else "conflicting_event"] += 1
                continue
            firsts[key] = one.state
            stored = self._states.setdefault(key, one.state)
            if stored is one.state:
                count.stored += 1
                for of in (one.ride, park):
                    self._latest[of] = max(self._latest.get(of, one.ms), one.ms)
            elif _same(stored, one.state):
                count.known += 1
            elif (completed := _completed(stored, one.state)) is not None:
                self._states[key] = completed
                count.known += 1
            else:
                count.duplicates += 1
                issues[park, "conflicting_event"] += 1

    @staticmethod
    def _first_park(says: FileSays, ride: str) -> str:
        named = [one for one in says.seen if one.ride == ride and one.park]
        return str(min(named, key=lambda one: one.ms).park)

    # --- where a ride is ------------------------------------------------------------------------------------------
    def _home(self, ride: str, one: Seen | None) -> str | None:
        course = self._course(ride)
        if course and one is not None:
            return next(park for begin, park in reversed(course) if begin <= one.ms)
        if one is not None and one.park is not None:
            return one.park
        return course[-1][1] if course else self._homes.get(ride)

    def _course(self, ride: str) -> list[tuple[int, str]]:
        """From when on it is in which park; empty: always in one."""
        seen = self._sightings.get(ride, {})
        if len({park for _, park in seen}) < 2:
            return []
        course: list[tuple[int, str]] = []
        for day in sorted({day for day, _ in seen}):
            there = sorted((first, last, park) for (of, park), (first, last) in seen.items() if of == day)
            if any(one[1] >= other[0] for one, other in itertools.pairwise(there)):
                if course and course[-1][1] in {park for _, _, park in there}:
                    continue
                there = there[:1]
            for first, _, park in there:
                if not course or course[-1][1] != park:
                    course.append((first if course else -(1 << 62), park))
        return course

    def _hear(self, seen: list[Seen]) -> None:
        """What rides and parks are called: by the last word of a file, unless a later row is stored already."""
        names: dict[str, tuple[int, str]] = {}
        of_rides: dict[tuple[str, str], tuple[int, str]] = {}  # slugs, by ride and park
        for one in seen:  # of two slugs of one instant the later in the file
            if one.name:
                names[one.ride] = max(names.get(one.ride, (-1, "")), (one.ms, rules.kept(one.name)))
            if one.park and one.slug and one.ms >= of_rides.get((one.ride, one.park), (-1, ""))[0]:
                of_rides[one.ride, one.park] = one.ms, rules.kept(one.slug)
        slugs: dict[str, tuple[int, str]] = {}
        for (_, park), word in of_rides.items():
            slugs[park] = max(slugs.get(park, word), word)
        for known, said in ((self._named, names), (self._slugs, slugs)):
            for of, (ms, text) in said.items():
                since, before = known.get(of, (-1, ""))
                if not before or (text != before and ms > since and ms >= self._latest.get(of, ms)):
                    known[of] = ms, text

    # --- writing it down ------------------------------------------------------------------------------------------
    def _key(self, day: date) -> str:
        return f"{self._name}/{day:%Y/%m/%d}.json.gz"

    def _tell(self, reason: str, kind: str, subject: str, of: str, many: int) -> None:
        self._found.findings.setdefault((reason, kind, subject), {})[of] = many

    def _ledger(self, day: date, park: str, outcome: str, count: Counts, sha256: str | None, errors: int = 0) -> None:
        self._found.ledger[self._name, day, park] = (
            outcome, sha256, count.events, count.stored, count.known, count.duplicates, count.rejected,
        )  # fmt: skip
        rows, before, _ = self._found.checkpoints.get((self._name, park), (0, 0, 0))
        self._found.checkpoints[self._name, park] = rows + count.stored, before + errors, 0


def _same(one: State, other: State) -> bool:
    return (
        one[:2] == other[:2]
        and one.queues == other.queues
        and (one.told == other.told or None in (one.told, other.told))
    )


def _completed(stored: State, said: State) -> State | None:
    """The stored row with ends of return times that it lacks; None: the two contradict each other."""
    if not _same(stored._replace(queues=()), said._replace(queues=())) or len(stored.queues) != len(said.queues):
        return None
    queues: list[Queue] = []
    for one, other in zip(stored.queues, said.queues, strict=True):
        if one != other and (None not in (one.end, other.end) or one._replace(end=None) != other._replace(end=None)):
            return None
        queues.append(one if one.end is not None else other)
    return stored._replace(queues=tuple(queues))
