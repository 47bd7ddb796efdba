"""What happened in two made-up resorts, as the History API of tests/history_server.py tells it: entities, and changes.

New York and Tokyo, a park each: six queue types, a restaurant, a show, and a ride that is gone. A day has some ten
changes a ride. On Saturdays parks close half an hour after midnight; on the gap day nothing was recorded.
"""

import random
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

NAMESPACE = uuid.UUID("00000000-0000-5000-8000-00000000fa4e")
ONE_DAY = timedelta(days=1)


def made_up_id(name: str) -> str:
    """Of version 4, as the API's are: the project takes version 5 for its own sample."""
    return str(uuid.UUID(bytes=uuid.uuid5(NAMESPACE, name).bytes, version=4))


@dataclass
class Entity:
    """`first` and `last` are its first and last recorded days; it is delisted after `last`."""

    name: str
    kind: str  # PARK, ATTRACTION, ...
    zone: str
    parent: str | None = None
    destination: str | None = None
    queues: tuple[str, ...] = ()
    first: date | None = None
    last: date | None = None
    id: str = field(default="")

    def __post_init__(self):
        self.id = self.id or made_up_id(self.name)

    @property
    def tz(self) -> ZoneInfo:
        return ZoneInfo(self.zone)

    def gone_on(self, day: date) -> bool:
        return self.last is not None and self.last < day


@dataclass
class Change:
    """From `at` (UTC, with milliseconds) on an entity is in this state, which is complete."""

    entity_id: str
    at: datetime
    status: str | None
    queue: dict[str, Any] | None
    showtimes: list[dict] | None = None

    @property
    def state(self) -> dict[str, Any]:
        told = {"status": self.status, "queue": self.queue, "showtimes": self.showtimes}
        return {key: value for key, value in told.items() if key == "status" or value is not None}


def midnight(day: date, zone: ZoneInfo) -> datetime:
    """The first instant of a park-local day, in UTC."""
    return datetime(day.year, day.month, day.day, tzinfo=zone).astimezone(UTC)


def hours(day: date, zone: ZoneInfo) -> tuple[datetime, datetime]:
    """Published hours: 09:00 to 22:00 local; on Saturdays until 00:30 of the next day."""
    closing = (day + ONE_DAY, 0, 30) if day.weekday() == 5 else (day, 22, 0)
    begin, end = ((day, 9, 0), closing)
    return tuple(datetime(d.year, d.month, d.day, h, m, tzinfo=zone).astimezone(UTC) for d, h, m in (begin, end))


def schedule_of(day: date, zone: ZoneInfo) -> list[dict]:
    """The entries of a day as /schedule has them: an early entry, and the published hours.

    Of a closing after midnight New York's feed writes the date of its opening, as real ones do; Tokyo's the right one.
    """
    opens, closes = (instant.astimezone(zone) for instant in hours(day, zone))
    if closes.date() > day and zone.key == "America/New_York":
        closes = datetime.combine(day, closes.time(), tzinfo=zone)
    early = {"openingTime": (opens - timedelta(minutes=30)).isoformat(), "closingTime": opens.isoformat()}
    return [
        {"date": str(day), "type": "TICKETED_EVENT", "description": "Early Entry"} | early,
        {"date": str(day), "type": "OPERATING", "openingTime": opens.isoformat(), "closingTime": closes.isoformat()},
    ]


#: The first two are enough for most tests.
CITIES = (
    ("New York", "America/New_York"),
    ("Tokyo", "Asia/Tokyo"),
    ("Sydney", "Australia/Sydney"),
    ("London", "Europe/London"),
)


def catalogue(first: date, gone_after: date, *, empty_park: bool = False, cities: int = 2) -> list[Entity]:
    """The entities: everything recorded from `first` on, the ride that is gone until `gone_after`."""
    found = []
    for city, zone in CITIES[:cities]:
        resort = Entity(f"{city} Resort", "DESTINATION", zone)
        park = Entity(f"{city} Park", "PARK", zone, resort.id, resort.id)
        rides = [
            ("Coaster", "ATTRACTION", ("STANDBY", "RETURN_TIME"), None),
            ("Flume", "ATTRACTION", ("STANDBY", "SINGLE_RIDER", "PAID_STANDBY"), None),
            ("Dark Ride", "ATTRACTION", ("STANDBY", "PAID_RETURN_TIME"), None),
            ("Flyer", "ATTRACTION", ("BOARDING_GROUP",), None),
            ("Diner", "RESTAURANT", (), None),
            ("Parade", "SHOW", (), None),
            ("Splash", "ATTRACTION", ("STANDBY",), gone_after),
        ]
        found += [resort, park]
        found += [
            Entity(f"{city} {name}", kind, zone, park.id, resort.id, queues, first, last)
            for name, kind, queues, last in rides
        ]
    if empty_park:
        found.append(Entity(f"{city} Empty Park", "PARK", zone, resort.id, resort.id))
    return found


def changes(entities: list[Entity], first: date, last: date, gap: date | None) -> list[Change]:
    """What happens to `entities` in the runs that begin from `first` to `last`; a Saturday's end on the day after."""
    found: list[Change] = []
    for entity in entities:
        day, state = entity.first or last + ONE_DAY, None
        while day <= min(last, entity.last or last):
            for change in _run(entity, day) if day != gap and day >= first else ():
                if change.state != state:  # every change is one
                    found.append(change)
                state = change.state
            day += ONE_DAY
    return sorted(found, key=lambda change: (change.at, change.entity_id))


def _run(entity: Entity, day: date) -> Iterator[Change]:
    if entity.kind == "RESTAURANT":
        return
    opens, closes = hours(day, entity.tz)
    chance = random.Random(f"{entity.name} {day}")

    def after(instant: datetime) -> datetime:
        return instant + timedelta(milliseconds=chance.randrange(59_000))

    if entity.kind == "SHOW":
        at = opens + timedelta(hours=3)
        shows = [
            {
                "type": "Performance Time",
                "startTime": at.astimezone(entity.tz).isoformat(),
                "endTime": (at + timedelta(minutes=20)).astimezone(entity.tz).isoformat(),
            }
        ]
        yield Change(entity.id, after(opens - timedelta(hours=5)), "OPERATING", None, shows)
        yield Change(entity.id, after(closes), "CLOSED", None, shows)
        return
    wait, now = 5 * chance.randrange(1, 4), after(opens)
    down = opens + timedelta(minutes=chance.randrange(120, 400))
    while now < closes:
        is_down = down <= now < down + timedelta(minutes=90)
        said = None if is_down else wait
        yield Change(entity.id, now, "DOWN" if is_down else "OPERATING", _queues(entity, chance, now, said, closes))
        wait = max(5, min(120, wait + 5 * chance.choice((-2, -1, 1, 1, 2))))
        now = after(now + timedelta(minutes=chance.randrange(60, 100)))
    yield Change(entity.id, after(closes), "CLOSED", _queues(entity, chance, None, None, closes))


def _queues(entity: Entity, chance: random.Random, now: datetime | None, wait: int | None, closes: datetime) -> dict:
    def local(instant: datetime) -> str:
        return instant.astimezone(entity.tz).isoformat(timespec="seconds")

    begin = (
        None if now is None else now.replace(second=0, microsecond=0) + timedelta(minutes=5 * chance.randrange(6, 9))
    )
    free = begin is not None and begin < closes
    found: dict[str, Any] = {}
    for kind in entity.queues:
        if kind in ("STANDBY", "SINGLE_RIDER", "PAID_STANDBY"):
            found[kind] = {"waitTime": wait if kind == "STANDBY" else wait and wait // 10 * 5}
        elif kind == "BOARDING_GROUP":
            group = chance.randrange(1, 150) if now else None
            found[kind] = {
                "allocationStatus": "AVAILABLE" if now else "CLOSED",
                "currentGroupStart": group,
                "currentGroupEnd": group and group + 4,
                "nextAllocationTime": now and local(now + timedelta(hours=1)),
                "estimatedWait": wait,
            }
        else:
            found[kind] = {
                "state": "AVAILABLE" if free else "FINISHED",
                "returnStart": local(begin) if free else None,
                "returnEnd": local(begin + timedelta(hours=1)) if free else None,
            }
            if kind == "PAID_RETURN_TIME":
                yen = entity.zone == "Asia/Tokyo"
                found[kind]["price"] = (
                    {"amount": 1500, "currency": "JPY", "formatted": "¥1,500"}
                    if yen
                    else {"amount": 2100, "currency": "USD", "formatted": "$21.00"}
                )
    return found
