"""The made-up resorts of the sample archive: their parks, rides, shows and restaurants.

Everything here is invented: the ids come from a namespace of their own (version 5, while the real ones are random,
version 4), every park's name begins with "Sample" and every ride's name ends with "(sample)". The catalogue never
depends on a seed, so two sample archives speak of the same rides.
"""

import uuid
from dataclasses import dataclass

NAMESPACE = uuid.uuid5(uuid.NAMESPACE_URL, "https://sample.invalid/theme-park-archive")

#: place, time zone (whole hours from UTC, so that minutes are the same in both), currency, parks with their hours
RESORTS = (
    ("Florida", "America/New_York", "USD", (("Kingdom", 9, 22), ("Studios", 9, 21), ("Safari", 8, 19))),
    ("Paris", "Europe/Paris", "EUR", (("Parc", 9, 22), ("Cinema", 10, 20))),
    ("Tokyo", "Asia/Tokyo", "JPY", (("Land", 9, 21), ("Sea", 9, 21))),
    ("California", "America/Los_Angeles", "USD", (("Park", 8, 24), ("Pier", 8, 22))),
    ("Berlin", "Europe/Berlin", "EUR", (("Garten", 9, 18), ("Wasser", 10, 18))),
)
WORDS = ("Galaxy", "Pirate", "Jungle", "Thunder", "Dragon", "Robot", "Ocean", "Château", "Fairy™", "Comet", "Desert")
#: noun, kind, usual wait at noon (minutes), share of the day's events, queues beside the standby queue
ENTITIES = (
    ("Coaster", "Attraction", 85, 9, ("PAID_RETURN_TIME", "SINGLE_RIDER")),
    ("Mountain", "Attraction", 70, 8, ("RETURN_TIME", "SINGLE_RIDER")),
    ("Rising", "Attraction", 60, 6, ("BOARDING_GROUP",)),
    ("Express", "Attraction", 55, 6, ("PAID_STANDBY",)),
    ("Manor", "Attraction", 45, 6, ("RETURN_TIME",)),
    ("Rapids", "Attraction", 50, 6, ("RETURN_TIME",)),
    ("Flight", "Attraction", 65, 7, ("RETURN_TIME", "PAID_RETURN_TIME")),
    ("Speedway", "Attraction", 30, 4, ("SINGLE_RIDER",)),
    ("Voyage", "Attraction", 35, 5, ()),
    ("Theatre 3D", "Attraction", 15, 3, ()),
    ("Carousel", "Attraction", 10, 3, ()),
    ("Tea Cups", "Attraction", 15, 3, ()),
    ("Swing", "Attraction", 20, 3, ()),
    ("Railway", "Attraction", 10, 3, ()),
    ("Tree House", "Attraction", 0, 2, ()),
    ("Parade", "Entertainment", 0, 1, ()),
    ("Musical", "Entertainment", 0, 1, ()),
    ("Fireworks", "Entertainment", 0, 1, ()),
    ("Greeting", "Entertainment", 20, 2, ()),
    ("Tavern", "Restaurant", 0, 1, ()),
    ("Bakery", "Restaurant", 0, 1, ()),
)


@dataclass(frozen=True, slots=True)
class Ride:
    """An entity with a status: attractions, shows and restaurants alike, as in the archive."""

    index: int
    uuid: str
    name: str
    internal_id: str
    kind: str
    usual_wait: int  # minutes at noon
    weight: int  # share of the day's events
    queues: tuple[str, ...]  # types beside the standby queue


@dataclass(frozen=True, slots=True)
class Park:
    """A park with its opening hours, by the resort's clock."""

    uuid: str
    name: str
    slug: str
    opens: int  # local hour; `closes` may be 24
    closes: int
    rides: tuple[Ride, ...]


@dataclass(frozen=True, slots=True)
class Destination:
    """A resort: the parks that share its day files, its time zone (IANA) and its currency (ISO 4217)."""

    index: int
    uuid: str
    name: str
    timezone: str
    currency: str
    parks: tuple[Park, ...]


def sample_uuid(*parts: object) -> str:
    """An id of version 5, always the same for the same parts."""
    return str(uuid.uuid5(NAMESPACE, "/".join(map(str, parts))))


def make_destination(index: int) -> Destination:
    """The index-th made-up resort (from 0); after the fifth they begin again with a number behind the place."""
    _, timezone, currency, parks = RESORTS[index % len(RESORTS)]
    place = _place(index)
    made = tuple(_make_park(index, number, *park) for number, park in enumerate(parks))
    return Destination(index, sample_uuid("destination", place), f"Sample Resort {place}", timezone, currency, made)


def make_new_park(resort: Destination) -> Park:
    """One park more, which opens while the archive is being recorded."""
    return _make_park(resort.index, len(resort.parks), "Springs", 10, 20)


def _make_park(index: int, number: int, park: str, opens: int, closes: int) -> Park:
    name = f"Sample {park} {_place(index)}"
    rides = tuple(
        Ride(
            index=(ride_number := number * len(ENTITIES) + i),
            uuid=sample_uuid("ride", name, noun),
            name=f"{WORDS[(i * 3 + number * 4) % len(WORDS)]} {noun} (sample)",
            internal_id=f"sample-{index + 1}{ride_number:03d};entityType={kind}",
            kind=kind,
            usual_wait=usual_wait,
            weight=weight,
            queues=queues,
        )
        for i, (noun, kind, usual_wait, weight, queues) in enumerate(ENTITIES)
    )
    return Park(sample_uuid("park", name), name, "".join(name.lower().split()), opens, closes, rides)


def _place(index: int) -> str:
    place = RESORTS[index % len(RESORTS)][0]
    return place if index < len(RESORTS) else f"{place} {index // len(RESORTS) + 1}"
