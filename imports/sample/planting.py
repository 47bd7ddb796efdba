"""Puts events with issues among ordinary ones, and keeps account of what each must become in the tables.

What becomes of an event is said by whoever plants it (cases_with_issues, cases_again), from the rules of the import as
they are written down; no code of the importer is asked.
"""

import json
from collections import Counter, defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from imports.sample.counts import Counts
from imports.sample.days import DAY_MS, Tally
from imports.sample.resorts import Destination, Park, Ride, sample_uuid

WAIT_OF_AN_EVENT = 35  # minutes; what `Planter.event` has in its standby queue unless another is given
SINGLE_RIDER = {"waitTime": 10}  # a queue that is good, beside one that is not


@dataclass(slots=True)
class Planted:
    """What was put into one day file beside its ordinary events."""

    records: list[tuple[int, bytes]] = field(default_factory=list)
    counts: dict[str, Counts] = field(default_factory=lambda: defaultdict(Counts))  # by park uuid
    tallies: dict[str, Tally] = field(default_factory=lambda: defaultdict(Tally))
    findings: Counter = field(default_factory=Counter)  # (reason, entity type, entity key) -> events
    of_no_park: int = 0


class Planter:
    """Where the case in hand goes: into which park's events, from which of the ordinary days on."""

    def __init__(self, resort: Destination, days: list[date]):
        self.resort = resort
        self.days = days
        self.files: dict[date, Planted] = defaultdict(Planted)
        self.report: list[dict] = []
        self._zone = ZoneInfo(resort.timezone)
        self._made: Counter = Counter()

    def begin(self, case: str, park: Park, day_index: int, ride_index: int) -> None:
        """Plant the next `case` (its text) in this park, from the day_index-th ordinary file on."""
        self.case, self.park, self._day_index = case, park, day_index
        rides = [ride for ride in park.rides if ride.kind == "Attraction"]
        self.ride = rides[ride_index % len(rides)]

    @property
    def day(self) -> date:
        """The day of the file into which the case in hand goes now."""
        return self.days[self._day_index]

    def later(self) -> None:
        """Go on with this case in the next ordinary file."""
        self._day_index += 1

    # --- making events --------------------------------------------------------------------------------------------
    def new_ride(self, label: str, name: str | None = None) -> Ride:
        """An entity that no ordinary event speaks of."""
        uuid = sample_uuid("planted", self.park.name, self.case, label)
        return Ride(-1, uuid, name or f"{label} (sample)", f"sample-{label}", "Attraction", 0, 0, ())

    def event(self, ride: Ride | None = None, days_ago: int = 0, **queue) -> dict:
        """An event without fault: OPERATING, 35 minutes in the standby queue, and the further `queue`s given by type.

        Each has an instant of its own: ordinary events have even milliseconds, these have odd ones.
        """
        ride = ride or self.ride
        self._made[self.day] += 1
        noon = datetime(self.day.year, self.day.month, self.day.day, 12, tzinfo=UTC)
        instant = noon + timedelta(seconds=self._made[self.day], milliseconds=3 if days_ago else 1, days=-days_ago)
        return {
            "entityId": ride.uuid,
            "internalId": ride.internal_id,
            "name": ride.name,
            "data": {
                "status": "OPERATING",
                "queue": {"STANDBY": {"waitTime": WAIT_OF_AN_EVENT}, **queue},
                "destinationId": self.resort.uuid,
            },
            "eventTime": instant.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            "localTime": instant.astimezone(self._zone).isoformat(timespec="seconds"),
            "timezone": self.resort.timezone,
            "parkId": self.park.uuid,
            "parkSlug": self.park.slug,
        }

    # --- planting them, with what must become of them ---------------------------------------------------------------
    def stored(self, event: dict, *reasons: str, wait: int | None = WAIT_OF_AN_EVENT, rows: tuple[str, ...] = ()):
        """A snapshot with `wait` minutes and these queue rows; `reasons` are issues that do not reject it."""
        tally = self._put(event, "stored", reasons).tallies[self.park.uuid]
        tally.events += 1
        tally.statuses[event["data"]["status"]] += 1
        tally.months[event["eventTime"][:7]] += 1
        tally.rides.add(event["entityId"].lower())
        tally.queue_rows.update(rows)
        if wait is not None:
            tally.waits += 1
            tally.wait_minutes += wait

    def rejected(self, event: dict, reason: str) -> None:
        """Not stored, and a finding of its park."""
        self._put(event, "rejected", (reason,))

    def duplicate(self, event: dict, reason: str) -> None:
        """Not stored, since another of the same ride and instant is; a finding of its park."""
        self._put(event, "duplicates", (reason,))

    def already_known(self, event: dict) -> None:
        """Not stored, since an earlier file said the same; no finding."""
        self._put(event, "already_known", ())

    def of_no_park(self, record: object, reason: str) -> None:
        """Counts for no park's ledger; the finding is the destination's."""
        file = self._append(record)
        file.of_no_park += 1
        file.findings[reason, "destination", self.resort.uuid] += 1
        self._tell("of_no_park", (reason,))

    def _put(self, event: dict, outcome: str, reasons: tuple[str, ...]) -> Planted:
        file = self._append(event)
        file.counts[self.park.uuid].add(Counts(events_read=1, **{outcome: 1}))
        for reason in reasons:
            file.findings[reason, "park", self.park.uuid] += 1
        self._tell(outcome, reasons)
        return file

    def _append(self, record: object) -> Planted:
        file = self.files[self.day]
        # a minute apart from six in the morning on, so that they lie among the ordinary ones, in the order planted
        at = DAY_MS // 4 + len(file.records) * 60_000 + 1
        file.records.append((at, json.dumps(record, separators=(",", ":")).encode()))  # escapes all but ASCII
        return file

    def _tell(self, outcome: str, reasons: tuple[str, ...]) -> None:
        last = self.report[-1] if self.report else {}
        if (last.get("case"), last.get("date")) != (self.case, self.day):
            last = {"case": self.case, "destination": self.resort.uuid, "date": self.day, "park": self.park.uuid}
            last |= {"expected": Counter(), "findings": Counter()}
            self.report.append(last)
        last["expected"][outcome] += 1
        last["findings"].update(reasons)


@dataclass(frozen=True, slots=True)
class Case:
    """Something that may be wrong with events, or only odd; the docstring of `plant` says what."""

    plant: Callable[[Planter], None]
    neighbours: bool = False  # whether it needs the files of two days that follow each other

    @property
    def what(self) -> str:
        """The case in words, as the manifest has it."""
        return self.plant.__doc__ or ""


def without(event: dict, key: str) -> dict:
    """A copy of the event that lacks one key."""
    return {name: value for name, value in event.items() if name != key}


def with_data(event: dict, **changes) -> dict:
    """A copy of the event with `changes` in its data."""
    return event | {"data": event["data"] | changes}
