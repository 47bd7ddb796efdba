"""Histories of parks and rides, made up by a seed, and an oracle that reads from their files what has to come of them.

A history says which events the file of each day and destination holds, what happens to the files, and in which order
and by which commands they are imported. The oracle knows the format of the files and the promises of docs/sources.md
and docs/decisions, and nothing of the importer's code. No two events of one ride and instant contradict each other, and
no ride is in two parks by turns on one day: there the first one in holds, and order means something by design.
"""

import random
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise

from tests.imports.building import event

DESTINATIONS = [f"{letter * 8}-0000-4000-8000-000000000000" for letter in "abc"]
PARKS = [f"{letter * 8}-1111-4111-8111-111111111111" for letter in "0123"]
RIDES = [f"{letter * 8}-2222-4222-8222-222222222222" for letter in "456789"]
ZONES = ["America/New_York", "Europe/Paris", "Asia/Tokyo"]
FIRST_DAY = date(2025, 1, 27)  # the month ends within each history

File = tuple[str, date]  # whose, and of which day
Key = tuple[str, datetime]  # ride and instant: what a row is of


@dataclass(frozen=True)
class Command:
    """What is asked of import_archive."""

    scope: str = "all"  # or a destination, or a park
    of: str | None = None  # a park's destination, where it is named
    option: str | None = None
    first: date | None = None
    last: date | None = None
    stops_after: int | None = None  # so many files or stretches of missing days, and resumed by nobody

    def arguments(self) -> list[str]:
        found = [self.option] if self.option else []
        if self.scope == "all":
            found += ["--all"]
        else:
            found += ["--park" if self.scope in PARKS else "--destination", self.scope]
        for name, value in (("--destination", self.of), ("--from", self.first), ("--to", self.last)):
            found += [name, f"{value}"] if value else []
        return found

    def takes(self, day: date) -> bool:
        return (self.first is None or self.first <= day) and (self.last is None or day <= self.last)


@dataclass(frozen=True)
class Publish:
    """A file appears, or is published again, with these events of its own."""

    file: File
    events: list[dict]


@dataclass(frozen=True)
class Vanish:
    file: File


Step = Command | Publish | Vanish


@dataclass
class Known:
    """A park as the catalogue has it before anything is imported."""

    park: str
    destination: str
    name: str | None  # a proper one, which comes with a time zone


@dataclass
class History:
    catalogue: list[Known]
    steps: list[Step]


# --- making one up ---------------------------------------------------------------------------------------------------
def history(seed: int) -> History:
    rnd = random.Random(seed)
    days = [FIRST_DAY + timedelta(days=n) for n in range(rnd.randint(6, 8))]
    destinations = DESTINATIONS[: rnd.randint(2, 3)]
    parks = PARKS[: rnd.randint(3, 4)]
    homes = {park: _homes(rnd, destinations, days) for park in parks}
    files: dict[File, list[dict]] = {(destination, day): [] for destination in destinations for day in days}
    for one in _events(rnd, parks, days):
        day = _instant_of(one).date()
        for destination in _spread(rnd, homes[one["parkId"]].get(day, [])):
            for of_day in _neighbours(rnd, day, days):
                files[destination, of_day] += [one] * rnd.choice([1] * 15 + [2])
    catalogue = [
        Known(park, rnd.choice(destinations), rnd.choice([None, f"The {park[:1]} Park"]))
        for park in parks
        if rnd.random() < 0.5
    ]
    return History(catalogue, _steps(rnd, files, days, destinations, parks))


def _homes(rnd: random.Random, destinations: list[str], days: list[date]) -> dict[date, list[str]]:
    """In whose files a park is, by day; in none before it opens."""
    home, found = rnd.choice(destinations), {}
    for day in days[rnd.choice([0, 0, 0, rnd.randrange(len(days))]) :]:
        before, home = home, home if rnd.random() < 0.8 else rnd.choice(destinations)
        found[day] = sorted({before, home}) if rnd.random() < 0.5 else [home]
    return found


def _events(rnd: random.Random, parks: list[str], days: list[date]) -> Iterator[dict]:
    slugs = {(park, day): word for park in parks for day, word in _words(rnd, days, f"park-{park[:1]}")}
    zones = {(park, day): word for park in parks for day, word in _words(rnd, days, "", ZONES)}
    for number, entity in enumerate(RIDES[: rnd.randint(4, 6)]):
        park, name = rnd.choice(parks), f"Ride {number}"
        for day in days:
            if rnd.random() < 0.2:
                continue
            hours = sorted(rnd.sample(range(24), rnd.randint(1, 4)))
            moves_at = rnd.choice(hours) if rnd.random() < 0.2 else None  # once a day at most
            for hour in hours:
                park = rnd.choice(parks) if hour == moves_at else park
                name = f"Ride {number} of {day} {hour}" if rnd.random() < 0.07 else name
                yield event(
                    f"{hour:02}:{rnd.randrange(60):02}:{number:02}.{rnd.randrange(1000):03}Z", day=day, entity=entity,
                    park=park, name=name, parkSlug=slugs[park, day], timezone=zones[park, day],
                    status=rnd.choice(["OPERATING", "OPERATING", "DOWN", "CLOSED"]), queue=_queue(rnd),
                )  # fmt: skip


def _words(
    rnd: random.Random, days: list[date], stem: str, choices: list[str] | None = None
) -> Iterator[tuple[date, str]]:
    """What a park is called, or in which zone it is, day by day."""
    word = rnd.choice(choices or [stem])
    for day in days:
        if rnd.random() < 0.2:
            word = rnd.choice(choices or [f"{stem}-{day.day}"])
        yield day, word


def _queue(rnd: random.Random) -> dict | None:
    queue = {}
    if rnd.random() < 0.7:
        queue["STANDBY"] = {"waitTime": rnd.choice([None, 0, 5, 45])}
    if rnd.random() < 0.3:
        queue["SINGLE_RIDER"] = {"waitTime": rnd.choice([None, 10])}
    if rnd.random() < 0.2:
        queue["PAID_STANDBY"] = {"waitTime": 90}
    return queue


def _spread(rnd: random.Random, homes: list[str]) -> list[str]:
    return homes if len(homes) < 2 else rnd.choice([homes, homes[:1], homes[1:]])


def _neighbours(rnd: random.Random, day: date, days: list[date]) -> list[date]:
    """In the files of which days an event stands: that of its day, mostly."""
    beside = [other for other in (day - timedelta(days=1), day + timedelta(days=1)) if other in days]
    draw = rnd.random()
    return [day] if draw < 0.8 else [day, *beside] if draw < 0.9 else [day, beside[0]] if draw < 0.97 else beside[-1:]


def _steps(
    rnd: random.Random, files: dict[File, list[dict]], days: list[date], destinations: list[str], parks: list[str]
) -> list[Step]:
    commands = rnd.randint(3, 5)
    rounds: list[list[Step]] = [[] for _ in range(commands + 1)]
    for file, events in files.items():
        rnd.shuffle(events)
        at = rnd.choice([0, 0, rnd.randrange(commands + 1)])
        for end in sorted(rnd.sample(range(len(events) + 1), min(len(events), rnd.choice([0, 0, 1, 2])))):
            rounds[at].append(Publish(file, events[:end]))
            at = min(at + rnd.randint(1, 2), commands)
        rounds[at].append(Publish(file, events))
        if rnd.random() < 0.15 and at < commands:
            gone = rnd.randint(at + 1, commands)
            rounds[gone].append(Vanish(file))
            if gone < commands and rnd.random() < 0.3:
                rounds[rnd.randint(gone + 1, commands)].append(Publish(file, events))
    steps: list[Step] = []
    for number, changes in enumerate(rounds):
        steps += changes
        if number < commands:
            steps += [_command(rnd, days, destinations, parks) for _ in range(rnd.choice([1, 1, 2]))]
    return [*steps, Command(option="--missing-only")]


def _command(rnd: random.Random, days: list[date], destinations: list[str], parks: list[str]) -> Command:
    scope = rnd.choice(["all", "all", rnd.choice(destinations), rnd.choice(parks), rnd.choice(parks)])
    first, last = sorted([rnd.choice(days), rnd.choice(days)])
    return Command(
        scope,
        of=rnd.choice([None, rnd.choice(destinations)]) if scope in parks else None,
        option=rnd.choice([None, "--missing-only", "--changed"]),
        first=rnd.choice([None, first]),
        last=rnd.choice([None, last]),
        stops_after=rnd.choice([None, None, None, rnd.randint(1, 5)]),
    )


# --- what has to come of it ------------------------------------------------------------------------------------------
@dataclass
class Oracle:
    """Follows what happens to the files and which of them a command has to read, and says what rows that gives.

    `due` is what has to be in the table, `heard` whatever a command may have read. They differ where a file vanished
    that was read for some park alone.
    """

    catalogue: list[Known]
    files: dict[File, list[dict]] = field(default_factory=dict)  # as they lie there now
    due: dict[Key, dict] = field(default_factory=dict)
    heard: dict[Key, dict] = field(default_factory=dict)
    read: dict[File, dict[str, list[dict]]] = field(default_factory=dict)  # by park: what was there when it was read

    def publish(self, step: Publish) -> None:
        self.files[step.file] = step.events

    def vanish(self, step: Vanish) -> None:
        self.files.pop(step.file, None)

    def must_find_files(self, command: Command) -> bool:
        """Whether the command has anything to look at; else it is to say so."""
        return bool(self._in_reach(command))

    def may_find_files(self, command: Command) -> bool:
        return any(command.takes(day) for _, day in self.files)

    def run(self, command: Command) -> None:
        for file in self.files:
            if command.takes(file[1]):
                self.heard |= _by_key(self.files[file])
        for file in self._in_reach(command):
            if command.stops_after is not None:
                self.read.pop(file, None)  # it may have come so far, or not
                continue
            events = self.files[file]
            parks = {one["parkId"] for one in events}
            if command.scope in PARKS:
                parks &= {command.scope}
            read = self.read.setdefault(file, {})
            looked_for = {command.scope} if command.scope in PARKS else read.keys() | parks
            if command.option == "--changed" and not any(read.get(park, events) != events for park in looked_for):
                continue
            self.due |= _by_key(one for one in events if one["parkId"] in parks)
            read |= dict.fromkeys(looked_for, events)

    @property
    def is_exact(self) -> bool:
        return self.due.keys() == self.heard.keys()

    def _in_reach(self, command: Command) -> list[File]:
        destinations = set(DESTINATIONS)
        if command.scope in DESTINATIONS:
            destinations = {command.scope}
        elif command.scope in PARKS:
            destinations = {command.of} if command.of else self._destinations_of(command.scope)
        return [file for file in self.files if file[0] in destinations and command.takes(file[1])]

    def _destinations_of(self, park: str) -> set[str]:
        """In whose files a park is looked for: the catalogue's, and those in which it was heard."""
        heard = {
            destination
            for (destination, _), read in self.read.items()
            if any(one["parkId"] == park for one in read.get(park, ()))
        }
        return heard | {known.destination for known in self.catalogue if known.park == park}

    # --- tables ---
    def rows(self) -> dict[Key, tuple]:
        return {key: _row(one) for key, one in self.due.items()}

    def possible_rows(self) -> dict[Key, tuple]:
        return {key: _row(one) for key, one in self.heard.items()}

    def stays(self) -> dict[str, list[tuple[str, datetime | None]]]:
        """By ride: each park it was in, and the instant from which on; one that never moved has none."""
        found: dict[str, list[tuple[str, datetime | None]]] = {}
        for (ride, at), one in sorted(self.due.items()):
            stays = found.setdefault(ride, [(one["parkId"], None)])
            if stays[-1][0] != one["parkId"]:
                stays.append((one["parkId"], at))
        return found

    def moves(self) -> set[tuple[str, str, str]]:
        """Ride, the park before and the park after."""
        return {
            (ride, before, after)
            for ride, course in self.stays().items()
            for (before, _), (after, _) in pairwise(course)
        }

    def heard_twice(self) -> set[tuple[str, date]]:
        """Parks and days of which the files of two destinations speak."""
        found = Counter((park, day) for _, day, park in self.ledger())
        return {park_day for park_day, destinations in found.items() if destinations > 1}

    def ride_names(self) -> dict[str, str]:
        return {ride: one["name"] for (ride, _), one in sorted(self.due.items())}

    def parks(self) -> dict[str, tuple[str, str, str]]:
        """Name, slug and time zone: the catalogue's proper name and its zone, else what was heard last."""
        found = {}
        proper = {known.park: known.name for known in self.catalogue if known.name}
        for one in sorted(self.due.values(), key=_instant_of):
            park, slug = one["parkId"], one["parkSlug"]
            named = park in proper
            found[park] = proper.get(park, slug), slug, CATALOGUE_ZONE if named else one["timezone"]
        return found

    def ledger(self) -> dict[tuple[str, date, str], int]:
        """Events of each park in each file that lies there."""
        return {
            (*file, park): count
            for file, events in self.files.items()
            for park, count in Counter(one["parkId"] for one in events).items()
        }


CATALOGUE_ZONE = "Australia/Sydney"


def _by_key(events: Iterable[dict]) -> dict[Key, dict]:
    return {(one["entityId"], _instant_of(one)): one for one in events}


def _instant_of(one: dict) -> datetime:
    return datetime.fromisoformat(one["eventTime"]).astimezone(UTC)


def _row(one: dict) -> tuple:
    """park, status, standby wait, whether it spoke of the standby line, further queues with their waits"""
    queue, status = one["data"]["queue"], one["data"]["status"]
    standby = queue.get("STANDBY", {}).get("waitTime")
    further = sorted((kind, value["waitTime"]) for kind, value in queue.items() if kind != "STANDBY")
    return one["parkId"], status, standby, "STANDBY" in queue, further
