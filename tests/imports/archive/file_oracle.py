"""Reads from the files of a history what a warehouse has to hold once they are imported.

It knows the format of the files and the promises of docs/sources.md and docs/decisions, and nothing of the importer's
code.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, datetime
from itertools import pairwise

from tests.imports.archive.random_history import (
    CATALOGUE_ZONE,
    DESTINATIONS,
    PARKS,
    Command,
    File,
    Known,
    Publish,
    Vanish,
    instant_of,
)

Key = tuple[str, datetime]  # ride and instant: what a row is of


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
        for one in sorted(self.due.values(), key=instant_of):
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


def _by_key(events: Iterable[dict]) -> dict[Key, dict]:
    return {(one["entityId"], instant_of(one)): one for one in events}


def _row(one: dict) -> tuple:
    """park, status, standby wait, whether it spoke of the standby line, further queues with their waits"""
    queue, status = one["data"]["queue"], one["data"]["status"]
    standby = queue.get("STANDBY", {}).get("waitTime")
    further = sorted((kind, value["waitTime"]) for kind, value in queue.items() if kind != "STANDBY")
    return one["parkId"], status, standby, "STANDBY" in queue, further
