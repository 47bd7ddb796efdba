"""Histories of parks and rides, made up by a seed.

A history says which events the file of each day and destination holds, what happens to the files, and in which order
and by which commands they are imported. No two events of one ride and instant contradict each other, and no ride is in
two parks by turns on one day: there the first one in holds, and order means something by design.
"""

import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from tests.imports.building import event

DESTINATIONS = [f"{letter * 8}-0000-4000-8000-000000000000" for letter in "abc"]
PARKS = [f"{letter * 8}-1111-4111-8111-111111111111" for letter in "0123"]
RIDES = [f"{letter * 8}-2222-4222-8222-222222222222" for letter in "456789"]
ZONES = ["America/New_York", "Europe/Paris", "Asia/Tokyo"]
CATALOGUE_ZONE = "Australia/Sydney"  # of the parks that the catalogue gives a proper name
FIRST_DAY = date(2025, 1, 27)  # the month ends within each history

File = tuple[str, date]  # whose, and of which day


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
        day = instant_of(one).date()
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
            moves_at = rnd.choice(hours) if rnd.random() < 0.3 else None  # once a day at most
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
        if rnd.random() < 0.6:
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


def instant_of(one: dict) -> datetime:
    """When an event was, in UTC."""
    return datetime.fromisoformat(one["eventTime"]).astimezone(UTC)
