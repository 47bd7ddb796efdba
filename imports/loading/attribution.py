"""Observations given to parks: which ride each is of, what is new, what is known, what contradicts.

The same for a day file and for an answer of the live API. Reads, and makes rides, in the caller's transaction;
writes no fact and no finding.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from imports.events.issues import Issue, Issues
from imports.events.load_format import QUEUE_COLUMNS, STATE_COLUMNS, row_values, text_of
from imports.events.validation import Observation, Validated, shorten
from imports.loading.counts import Counts
from imports.loading.loader import Content, content_of, says_the_same, stored
from imports.loading.resolver import KnownRide, Resolver, WantedRide
from quality.findings import Finding
from quality.reasons import REASONS
from warehouse.instants import EPOCH
from warehouse.models import Park
from warehouse.snapshot_id import RIDE_ID_BITS, snapshot_id_of

# Whether a file's day is UTC's or the park's is not proven: it may hold hours of the days beside it.
NEIGHBOURING_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Origin:
    """Where observations come from: what their findings are about, and the period it speaks of (UTC, half-open)."""

    destination: str
    key: str  # of the day file; the scope of the findings
    label: str  # for people
    start: datetime
    end: datetime
    dense: bool = True  # many events of these days; if not, what is stored is looked up event by event


@dataclass(slots=True)
class _Part:
    """What is one park's."""

    park: Park
    counts: Counts = field(default_factory=Counts)


@dataclass
class _Work:
    origin: Origin
    validated: Validated
    parts: dict[str, _Part]  # by the park's themeparks_wiki_id
    issues: Issues
    known: dict[str, KnownRide] = field(default_factory=dict)  # of events that name no park
    mine: list[tuple[_Part, Observation]] = field(default_factory=list)

    def home_of(self, entity_id: str) -> _Part | None:
        """The park in which a known ride lies, for events that name no park."""
        ride = self.known.get(entity_id)
        if ride is None:
            return None
        return next((part for part in self.parts.values() if part.park.park_id == ride.park_id), None)

    def part_of(self, observation: Observation) -> _Part:
        """The park to which an observation was given, of those in `mine`."""
        if observation.park_id is not None:
            return self.parts[observation.park_id]
        home = self.home_of(observation.entity_id)
        assert home is not None, "without a home it would not be in mine"
        return home

    def add_issue(self, part: _Part | None, reason: str, example: Any) -> None:
        self.issues.add(part.park.themeparks_wiki_id if part else None, reason, example)


@dataclass
class Attributed:
    """What the observations of one file or answer become."""

    rows: dict[int, Observation]  # by snapshot_id: what is to be stored
    counts: dict[int, Counts]  # by park_id, of every park that was asked for
    findings: list[Finding]
    work: _Work  # what they were made of, for `reject_refused`


def attribute(parks: Sequence[Park], validated: Validated, resolver: Resolver, origin: Origin) -> Attributed:
    """What is to be stored for `parks`, with counts that add up, and the findings; other parks' events are left out.

    A contradiction is settled for the first: in the order of the events, and the table before the events. To be called
    in the transaction that stores the rows: rides that are new are made here. ValueError: a ride_id has outgrown a
    snapshot_id. IntegrityError: somebody else made a ride meanwhile.
    """
    work = _Work(
        origin,
        validated,
        parts={park.themeparks_wiki_id: _Part(park) for park in parks},
        issues=validated.issues.copy(),  # a transaction that is tried again must not count twice
    )
    _choose_mine(work, resolver)
    rides, findings = resolver.resolve(_wanted_rides(work), origin.key)
    rows = _without_repeats(work, rides)
    _leave_out_stored(work, rides, rows)
    _count_rejections(work)
    findings += [
        _finding(work, park_id, reason, issue)
        for (park_id, reason), issue in work.issues.by_park()
        if park_id is None or park_id in work.parts
    ]
    return Attributed(rows, {part.park.park_id: part.counts for part in work.parts.values()}, findings, work)


def reject_refused(found: Attributed, refused: dict[int, str]) -> None:
    """Count rows that the server refused as rejected, by snapshot_id and with what it said, and report them."""
    issues = Issues()
    for snapshot_id, said in refused.items():
        observation = found.rows.pop(snapshot_id)
        part = found.work.part_of(observation)
        part.counts.stored -= 1
        part.counts.rejected += 1
        issues.add(part.park.themeparks_wiki_id, "refused_row", _example(observation) | {"value": shorten(said)})
    found.findings += [_finding(found.work, park_id, reason, issue) for (park_id, reason), issue in issues.by_park()]


def _choose_mine(work: _Work, resolver: Resolver) -> None:
    """The observations of our parks. Those of other parks are theirs to import, and not counted."""
    validated = work.validated
    without_park = {observation.entity_id for observation in validated.observations if observation.park_id is None}
    without_park |= {rejection.entity_id for rejection in validated.parkless_rejections}
    if without_park:
        work.known = resolver.known(without_park)
    parts, mine = work.parts, work.mine
    for observation in validated.observations:
        if observation.park_id is not None:
            part = parts.get(observation.park_id)
        elif observation.entity_id in work.known:
            part = work.home_of(observation.entity_id)
        else:
            part = None
            work.add_issue(None, "missing_park", _example(observation))
        if part is not None:
            mine.append((part, observation))


def _wanted_rides(work: _Work) -> list[WantedRide]:
    wanted: dict[str, WantedRide] = {}
    for part, observation in work.mine:
        known = wanted.get(observation.entity_id)
        if known is None or not known.name:  # the first name that an event gives it
            wanted[observation.entity_id] = WantedRide(
                observation.entity_id, part.park, text_of(observation.event.name), observation.recorded_at
            )
    return list(wanted.values())


def _without_repeats(work: _Work, rides: dict[str, KnownRide]) -> dict[int, Observation]:
    ride_ids = {entity_id: ride.ride_id for entity_id, ride in rides.items()}
    for ride_id in ride_ids.values():
        snapshot_id_of(ride_id, 0)  # ValueError where a ride_id has outgrown its bits: once a ride, not once an event
    rows: dict[int, Observation] = {}
    for part, observation in work.mine:
        snapshot_id = observation.milliseconds << RIDE_ID_BITS | ride_ids[observation.entity_id]
        first = rows.setdefault(snapshot_id, observation)
        if first is observation:
            part.counts.stored += 1  # until the table says otherwise
        else:
            part.counts.duplicates += 1
            _report_repeat(work, part, observation, content_of(first))
    return rows


def _leave_out_stored(work: _Work, rides: dict[str, KnownRide], rows: dict[int, Observation]) -> None:
    if not rows:
        return
    origin = work.origin
    span = (origin.start - NEIGHBOURING_DAY, origin.end + NEIGHBOURING_DAY) if origin.dense else (EPOCH, EPOCH)
    for snapshot_id, content in stored({ride.ride_id for ride in rides.values()}, rows, span).items():
        observation = rows.pop(snapshot_id)
        part = work.part_of(observation)
        part.counts.stored -= 1
        if says_the_same(content, content_of(observation)):
            part.counts.already_known += 1
        else:
            part.counts.duplicates += 1
            _report_repeat(work, part, observation, content)


def _report_repeat(work: _Work, part: _Part, second: Observation, first: Content) -> None:
    if says_the_same(content_of(second), first):
        work.add_issue(part, "duplicate_event", _example(second))
        return
    example = _example(second) | {"stays": _content_example(first), "left_out": _content_example(content_of(second))}
    work.add_issue(part, "conflicting_event", example)


def _count_rejections(work: _Work) -> None:
    for park_id, part in work.parts.items():
        part.counts.rejected += work.validated.rejected.get(park_id, 0)
    for rejection in work.validated.parkless_rejections:
        home = work.home_of(rejection.entity_id)
        if home is not None:
            home.counts.rejected += 1
            work.add_issue(home, rejection.reason, rejection.example)
        elif rejection.entity_id not in work.known:  # else it is another park's, and reported there
            work.add_issue(None, rejection.reason, rejection.example)


# --- reporting it ----------------------------------------------------------------------------------------------------
def _finding(work: _Work, park_id: str | None, reason: str, issue: Issue) -> Finding:
    origin = work.origin
    park = work.parts[park_id].park if park_id else None
    return Finding(
        reason=reason,
        entity_type="park" if park else "destination",
        entity_key=park_id or origin.destination,
        entity_id=park.park_id if park else None,
        scope=origin.key,
        description=f"{park or 'No park'}, {origin.label}: {REASONS[reason].say(issue.count)}.",
        start=origin.start,
        end=origin.end,
        source_file=origin.key,
        count=issue.count,
        examples=issue.examples,
        values=issue.values,
    )


def _example(observation: Observation) -> dict:
    event = observation.event
    return {"entityId": observation.entity_id, "eventTime": shorten(event.eventTime), "name": shorten(event.name)}


def _content_example(content: Content) -> dict:
    state, queues = content
    return {
        **dict(zip(STATE_COLUMNS, row_values(state), strict=True)),
        "queues": [
            {name: value for name, value in zip(QUEUE_COLUMNS, row_values(queue), strict=True) if value is not None}
            for queue in queues
        ],
    }
