"""The archive of one cycle, made by its seed: sound and damaged files, missing days, parks that open on the way, rides
that move to another park and back, that are renamed, events twice and against one another, events of the day before.
"""

import json
import random
import zlib
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from tests.imports.mutation import mutated_file

FIRST, LAST = date(2018, 1, 1), date(2025, 9, 1)
ZONES = ["America/New_York", "Europe/Paris", "Asia/Tokyo"]
CURRENCIES = ["USD", "EUR", "JPY"]
NOBODY = "44444444-4444-4444-8444-444444444444"  # an id of tests.imports.mutation, shared by all destinations


@dataclass(frozen=True)
class Made:
    """What was made."""

    files: int
    mutated: int
    first: date
    last: date


def uuid(kind: int, seed: int, number: int) -> str:
    return f"{kind:08}-{seed % 0xFFFF:04x}-4000-8000-{number:012}"


def make(root: Path, seed: int, destinations: int, days: int) -> Made:
    """`destinations` x `days` day files, but for those that are missing; three of four are mutated."""
    chance = random.Random(f"{seed} archive")
    first = FIRST + timedelta(days=chance.randrange((LAST - FIRST).days))
    files = mutated = 0
    for number in range(destinations):
        resort = _Resort(seed, number, chance, first, days)
        for n in range(days):
            day = first + timedelta(days=n)
            if day in resort.gaps:
                continue
            raw, damaged = resort.file(day)
            path = root / resort.id / f"{day:%Y/%m/%d}.json.gz"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(raw)
            files, mutated = files + 1, mutated + damaged
    return Made(files, mutated, first, first + timedelta(days=days - 1))


class _Resort:
    def __init__(self, seed: int, number: int, chance: random.Random, first: date, days: int):
        self._chance, self._first = chance, first
        self.id = uuid(1, seed, number)
        self._zone, self._currency = ZONES[number % 3], CURRENCIES[number % 3]
        parks = [uuid(2, seed, number * 10 + n) for n in range(3)]
        opens = first + timedelta(days=chance.randrange(days))
        self._open = [(parks[0], first), (parks[1], first), (parks[2], opens)]
        self._rides = [(uuid(3, seed, number * 100 + n), parks[n % 3]) for n in range(6)]
        begin = chance.randrange(1, days) if days > 3 else days
        self.gaps = {first + timedelta(days=n) for n in range(begin, min(begin + chance.choice([0, 1, 3]), days - 1))}
        self._mover = self._rides[chance.randrange(2)][0]
        self._moves = sorted(first + timedelta(days=chance.randrange(days)) for _ in range(chance.choice([0, 1, 2])))
        self._renamed = {ride: first + timedelta(days=chance.randrange(days)) for ride, _ in self._rides}
        self._before: list[dict] = []  # events of the day before

    def file(self, day: date) -> tuple[bytes, bool]:
        chance = self._chance
        events = [event for ride, park in self._rides for event in self._events(day, ride, park)]
        spoken = [event for event in events if event["entityId"] != self._mover]
        for event in chance.sample(spoken, min(2, len(spoken))):
            if chance.random() < 0.3:
                events.append(event)
            elif chance.random() < 0.2:
                events.append(event | {"data": event["data"] | {"status": "REFURBISHMENT", "queue": None}})
        if self._before and chance.random() < 0.3:
            events += chance.sample(self._before, min(3, len(self._before)))
        chance.shuffle(events)
        self._before = spoken
        document = {"events": events}
        if chance.random() < 0.25:
            text = json.dumps(document if chance.random() < 0.9 else events).encode()
            return (zlib.compress(text, 1) if chance.random() < 0.8 else text), False
        raw = mutated_file(document, chance, instead={NOBODY: self.id})
        return raw, True

    def _events(self, day: date, ride: str, park: str) -> list[dict]:
        chance, number = self._chance, self._rides.index((ride, park))
        if ride == self._mover:
            park = self._open[sum(day >= moved for moved in self._moves) % 2][0]
        if day < dict(self._open)[park]:
            return []
        name = f"Ride {number}" if day < self._renamed[ride] else f"Ride {number} by night"
        events = []
        for hour in sorted(chance.sample(range(8, 22), chance.randint(2, 5))):
            at = f"{day}T{hour:02}:{chance.randrange(60):02}:{number * 9 + chance.randrange(4) * 2:02}"
            events.append(
                {
                    "entityId": ride,
                    "internalId": f"{number}",
                    "name": name,
                    "data": {
                        "status": chance.choice(["OPERATING", "OPERATING", "DOWN", "CLOSED", "REFURBISHMENT"]),
                        "queue": self._queue(day),
                        "destinationId": self.id,
                    },
                    "eventTime": f"{at}.{chance.randrange(1000):03}Z" if chance.random() < 0.8 else f"{at}Z",
                    "localTime": f"{at}-05:00",
                    "timezone": self._zone,
                    "parkId": park if chance.random() < 0.97 or ride == self._mover else None,
                    "parkSlug": f"park-{park[-3:]}",
                }
            )
        return events

    def _queue(self, day: date) -> Any:
        chance = self._chance
        found: dict[str, Any] = {}
        if chance.random() < 0.8:
            found["STANDBY"] = {"waitTime": chance.choice([None, 0, 5, 45, 45.0, 300, 301, -1])}
        if chance.random() < 0.3:
            found["SINGLE_RIDER"] = {"waitTime": chance.choice([None, 10])}
        if chance.random() < 0.2:
            found["RETURN_TIME"] = {
                "state": chance.choice(["AVAILABLE", "TEMP_FULL", None]),
                "returnStart": f"{day}T15:00:00-05:00",
                "returnEnd": chance.choice([None, f"{day}T16:00:00-05:00"]),
            }
        if chance.random() < 0.2:
            price = {"amount": chance.choice([2100, 0, None]), "currency": self._currency, "formatted": "Unknown"}
            found["PAID_RETURN_TIME"] = {"state": "FINISHED", "returnStart": None, "returnEnd": None, "price": price}
        if chance.random() < 0.2:
            found["BOARDING_GROUP"] = {
                "allocationStatus": chance.choice(["PAUSED", "AVAILABLE", None]),
                "currentGroupStart": chance.choice([1, "12", None]),
                "currentGroupEnd": chance.choice([9, None]),
                "estimatedWait": chance.choice([90, None]),
            }
        return found or chance.choice([None, {}])
