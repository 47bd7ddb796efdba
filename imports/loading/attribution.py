"""Observations given to parks: which ride each is of, what is new, what is known, what contradicts.

The same for a day file and for an answer of the live API. Reads, and makes rides, in the caller's transaction;
writes no fact and no finding.
"""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from imports.events.issues import Issue, Issues
from imports.events.validation import Observation, Validated, shorten
from imports.loading import moves, names
from imports.loading.content import Content, agree, content_of, ends_lacking, says_the_same
from imports.loading.counts import Counts
from imports.loading.evidence import both, example_of
from imports.loading.heard import alternating_names, by_entity, flickers, newest_named
from imports.loading.held import Held, Span
from imports.loading.neighbours import known_of
from imports.loading.resolver import KnownRide, Resolver, WantedRide, make_park
from quality.findings import Finding
from quality.reasons import REASONS
from warehouse.instants import EPOCH, instant_at
from warehouse.models import Park
from warehouse.rides.stays import Stay, park_at
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
    # what to do where a stored row says something else than the file: a sentence for the finding
    against_stored: Callable[[Park], str] | None = None
    # states are told again and again until they change, as captures do: what was said already is known, and no finding
    told_again: bool = False

    @property
    def span(self) -> Span:
        """Where what is stored of the observations is read in one go; of what is not dense, nowhere."""
        return (self.start - NEIGHBOURING_DAY, self.end + NEIGHBOURING_DAY) if self.dense else (EPOCH, EPOCH)


@dataclass(slots=True)
class _Part:
    """What is one park's."""

    park: Park
    counts: Counts = field(default_factory=Counts)
    ids: list[int] = field(default_factory=list)
    replaced: list[dict] = field(default_factory=list)
    contradicts_stored: bool = False


@dataclass
class _Work:
    origin: Origin
    validated: Validated
    held: Held
    parts: dict[str, _Part]  # by the park's themeparks_wiki_id
    issues: Issues
    heard: dict[str, list[Observation]]  # by entity, the oldest first
    known: dict[str, KnownRide] = field(default_factory=dict)  # by entity: the rides there are
    courses: dict[str, list[Stay]] = field(default_factory=dict)  # of those that were not in one park always
    mine: list[tuple[_Part, Observation]] = field(default_factory=list)
    ends: dict[tuple[int, str], str] = field(default_factory=dict)  # see Attributed
    of_no_park: int = 0
    ours: set[str] = field(default_factory=set)  # the entities in it

    def __post_init__(self) -> None:
        self.by_park_id = {part.park.park_id: part for part in self.parts.values()}

    def home_of(self, entity_id: str) -> _Part | None:
        """The park in which a known ride lies now, for events that name no park."""
        ride, course = self.known.get(entity_id), self.courses.get(entity_id)
        if ride is None:
            return None
        # not as it was when this run first met it: resumed, it would count the event elsewhere
        return self.by_park_id.get(course[-1].park_id if course else ride.park_id)

    def part_of(self, observation: Observation) -> _Part | None:
        """The park, of ours, whose row the observation is: that of the ride's stay, else the one it names."""
        course = self.courses.get(observation.entity_id)
        if course is not None:
            return self.by_park_id.get(park_at(course, observation.milliseconds))
        if observation.park_id is not None:
            return self.parts.get(observation.park_id)
        return self.home_of(observation.entity_id)

    def add_issue(self, part: _Part | None, reason: str, example: Any) -> None:
        self.issues.add(part.park.themeparks_wiki_id if part else None, reason, example)


@dataclass
class Attributed:
    """What the observations of one file or answer become."""

    rows: dict[int, Observation]  # by snapshot_id: what is to be stored
    counts: dict[int, Counts]  # by park_id, of every park that was asked for
    findings: list[Finding]
    work: _Work  # what they were made of, for `reject_refused`
    ids: dict[int, list[int]]  # by park_id: every row that it speaks of, its own or the one that stands for it
    replaced: dict[int, list[dict]]  # by park_id: examples of rows that give way, with what they said
    ends: dict[tuple[int, str], str]  # by stored row and queue_type: ends of return times that the row lacks
    of_no_park: int = 0  # events left out that belong to no park anybody knows; in no park's counts


@dataclass
class Placed:
    """Observations of a file or answer whose rides are known, each with the parks it was in."""

    work: _Work
    findings: list[Finding]


def place(parks: Sequence[Park], validated: Validated, resolver: Resolver, origin: Origin, held: Held) -> Placed:
    """Which rides the observations are of, and which of them are rows of `parks`; others are left out.

    To be called in the transaction that stores the rows, before anything else is read or written of them: no other
    one writes rows of these parks from here on, rides that are new are made here, stays and names brought up to date.
    IntegrityError: somebody else made a ride meanwhile.
    """
    held.wait_for_turn([park.park_id for park in parks])
    work = _Work(
        origin,
        validated,
        held,
        parts={park.themeparks_wiki_id: _Part(park) for park in parks},
        issues=validated.issues.copy(),  # a transaction that is tried again must not count twice
        heard=by_entity(validated.observations),
    )
    work.known = resolver.known({*work.heard, *(rejection.entity_id for rejection in validated.parkless_rejections)})
    rides, findings = resolver.resolve(_wanted_rides(work), origin.key)
    work.known |= rides
    moved = moves.follow(work.heard, work.known, partial(_parks_of, work), origin.key, held)
    work.courses = moved.courses | _courses_of_rejected(work, moved.courses)
    _choose_mine(work)
    work.ours = {observation.entity_id for _, observation in work.mine}
    heard = {entity: mine for entity, mine in work.heard.items() if entity in work.ours}
    names.follow_rides(heard, work.known, resolver, held)
    names.follow_parks(heard, parks, held)
    _report_restless(work, heard, moved)
    return Placed(work, [*findings, *moved.findings])


def attribute(placed: Placed, may_replace: Callable[[set[int]], set[int]] | None = None) -> Attributed:
    """What is to be stored, with counts that add up, and the findings.

    Rejected events that name a park nobody knows are counted, and told under the destination.
    A contradiction is settled for the first: in the order of the events, and the table before the events, but for
    stored rows that `may_replace`, asked by snapshot_id, gives up (and deletes).
    ValueError: a ride_id has outgrown a snapshot_id.
    """
    work = placed.work
    rows = _without_repeats(work)
    _leave_out_stored(work, rows, may_replace)
    _count_rejections(work)
    findings = [
        _finding(work, park_id, reason, issue)
        for (park_id, reason), issue in work.issues.by_park()
        if park_id is None or park_id in work.parts
    ]
    parts = {part.park.park_id: part for part in work.parts.values()}
    return Attributed(
        rows,
        {park_id: part.counts for park_id, part in parts.items()},
        placed.findings + findings,
        work,
        {park_id: part.ids for park_id, part in parts.items()},
        {park_id: part.replaced for park_id, part in parts.items()},
        work.ends,
        work.of_no_park,
    )


def reject_refused(found: Attributed, refused: dict[int, str]) -> None:
    """Count rows that the server refused as rejected, by snapshot_id and with what it said, and report them."""
    issues = Issues()
    for snapshot_id, said in refused.items():
        observation = found.rows.pop(snapshot_id)
        part = _part_of(found.work, observation)
        part.counts.stored -= 1
        part.counts.rejected += 1
        issues.add(part.park.themeparks_wiki_id, "refused_row", example_of(observation) | {"value": shorten(said)})
    found.findings += [_finding(found.work, park_id, reason, issue) for (park_id, reason), issue in issues.by_park()]


def _wanted_rides(work: _Work) -> list[WantedRide]:
    """The entities that are not known, and of which something was said of a park of ours."""
    wanted = []
    for entity, mine in work.heard.items():
        if entity in work.known:
            continue
        first = next((one for one in mine if one.park_id is not None and one.park_id in work.parts), None)
        if first is not None and first.park_id is not None:
            name, at = newest_named(mine) or ("", first.milliseconds)
            named_at = instant_at(at).isoformat(" ", "milliseconds")[:23]
            wanted.append(WantedRide(entity, work.parts[first.park_id].park, name, first.recorded_at, named_at))
    return wanted


def _parks_of(work: _Work, wiki_ids: set[str]) -> dict[str, Park]:
    """The parks that a ride was heard of in, made where they are new: a ride moved there."""
    found = {park.themeparks_wiki_id: park for park in Park.objects.filter(themeparks_wiki_id__in=wiki_ids)}
    for wiki_id in sorted(wiki_ids - found.keys()):
        found[wiki_id] = make_park(work.origin.destination, wiki_id, work.validated.parks[wiki_id])
    return found


def _courses_of_rejected(work: _Work, found: Collection[str]) -> dict[str, list[Stay]]:
    """Of rides that moved once and of which the file says nothing that can be stored, and no park."""
    rides = {
        rejection.entity_id: work.known[rejection.entity_id].ride_id
        for rejection in work.validated.parkless_rejections
        if rejection.entity_id in work.known and rejection.entity_id not in found
    }
    courses = work.held.stays_of(list(rides.values())) if rides else {}
    return {entity: courses[ride_id] for entity, ride_id in rides.items() if ride_id in courses}


def _choose_mine(work: _Work) -> None:
    """The observations of our parks. Those of other parks are theirs to import, and not counted."""
    parts, courses, mine = work.parts, work.courses, work.mine
    for observation in work.validated.observations:
        if observation.park_id is not None and observation.entity_id not in courses:
            part = parts.get(observation.park_id)
        elif observation.entity_id in work.known:
            part = work.part_of(observation)
        else:
            part = None
            work.of_no_park += 1
            work.add_issue(None, "missing_park", example_of(observation))
        if part is not None:
            mine.append((part, observation))


def _report_restless(work: _Work, heard: dict[str, list[Observation]], moved: moves.Moves) -> None:
    """Entities that are two things by turns: in two parks, of two names, or in two states."""
    for entity, noted in moved.interleaved:
        part = work.by_park_id.get(park_at(noted.after, work.heard[entity][0].milliseconds))
        if part is not None:
            days = [day.isoformat() for day in noted.interleaved]
            work.add_issue(part, "alternating_park", {"entityId": entity, "days": days})
    for mine in heard.values():
        part = next(filter(None, map(work.part_of, mine)), None)
        if by_turns := alternating_names(mine):
            work.add_issue(part, "alternating_name", example_of(mine[0]) | {"names": by_turns})
        if found := flickers(mine):
            example = example_of(found[0]) | {"times": len(found), "last": found[-1].event_time}
            work.add_issue(part, "flickering_status", example)


def _without_repeats(work: _Work) -> dict[int, Observation]:
    ride_ids = {entity_id: ride.ride_id for entity_id, ride in work.known.items()}
    for ride_id in ride_ids.values():
        snapshot_id_of(ride_id, 0)  # ValueError where a ride_id has outgrown its bits: once a ride, not once an event
    rows: dict[int, Observation] = {}
    for part, observation in work.mine:
        snapshot_id = observation.milliseconds << RIDE_ID_BITS | ride_ids[observation.entity_id]
        first = rows.setdefault(snapshot_id, observation)
        if first is observation:
            part.counts.stored += 1  # until the table says otherwise
            part.ids.append(snapshot_id)
        elif work.origin.told_again and content_of(first) == content_of(observation):
            part.counts.already_known += 1
        else:
            part.counts.duplicates += 1
            _report_repeat(work, part, observation, content_of(first))
    return rows


def _leave_out_stored(
    work: _Work, rows: dict[int, Observation], may_replace: Callable[[set[int]], set[int]] | None
) -> None:
    if not rows:
        return
    known = known_of(rows, {work.known[entity].ride_id for entity in work.ours}, work.origin.span, work.held)
    replaced: set[int] = set()
    if may_replace:
        replaced = may_replace({key for key, content in known.own.items() if not agree(content, content_of(rows[key]))})
    for snapshot_id in sorted(known.own):  # in the order of time, wherever they were found
        content = known.own[snapshot_id]
        observation = rows[snapshot_id]
        said = content_of(observation)
        part = _part_of(work, observation)
        if snapshot_id in replaced:
            part.counts.replaced += 1
            part.replaced.append(example_of(observation) | both(was=content, now=said))
            continue
        del rows[snapshot_id]
        part.counts.stored -= 1
        if content == said:  # nearly all
            part.counts.already_known += 1
        elif agree(content, said):
            part.counts.already_known += 1
            _complete(work, snapshot_id, content, said)
        else:
            part.counts.duplicates += 1
            part.contradicts_stored = True
            _report_repeat(work, part, observation, content)
    for snapshot_id, stand_in in known.stand_ins.items():
        observation = rows.pop(snapshot_id)
        part = _part_of(work, observation)
        part.counts.stored -= 1
        part.counts.already_known += 1
        _complete(work, stand_in, known.contents[stand_in], content_of(observation))
    if known.stand_ins:
        for part in work.parts.values():  # what the file holds of the table is the row that stands for its own
            part.ids[:] = [known.stand_ins.get(key, key) for key in part.ids]


def _part_of(work: _Work, observation: Observation) -> _Part:
    part = work.part_of(observation)
    assert part is not None, "without a park of ours it would not be in mine"
    return part


def _complete(work: _Work, snapshot_id: int, stored: Content, said: Content) -> None:
    for queue_type, end in ends_lacking(stored, said).items():
        work.ends[snapshot_id, queue_type] = end


def _report_repeat(work: _Work, part: _Part, second: Observation, first: Content) -> None:
    if says_the_same(content_of(second), first):
        work.add_issue(part, "duplicate_event", example_of(second))
        return
    example = example_of(second) | both(stays=first, left_out=content_of(second))
    work.add_issue(part, "conflicting_event", example)


def _count_rejections(work: _Work) -> None:
    rejected = work.validated.rejected
    for park_id, part in work.parts.items():
        part.counts.rejected += rejected.get(park_id, 0)
    work.of_no_park += rejected.get(None, 0)
    for park_id in unknown_parks(work.validated, work.parts.keys()):
        work.of_no_park += rejected[park_id]
        work.issues.give_up_park(park_id)
    for rejection in work.validated.parkless_rejections:
        home = work.home_of(rejection.entity_id)
        if home is not None:
            home.counts.rejected += 1
            work.add_issue(home, rejection.reason, rejection.example)
        elif rejection.entity_id not in work.known:  # else it is another park's, and reported there
            work.of_no_park += 1
            work.add_issue(None, rejection.reason, rejection.example)


def unknown_parks(validated: Validated, ours: Collection[str]) -> set[str]:
    """Parks, none of `ours`, of which nothing but rejected events is known: no import of theirs will count these."""
    named = validated.rejected.keys() - set(ours) - {None}
    if named:
        named -= {observation.park_id for observation in validated.observations}
    if named:
        named -= set(Park.objects.filter(themeparks_wiki_id__in=named).values_list("themeparks_wiki_id", flat=True))
    return {park_id for park_id in named if park_id is not None}


# --- reporting it ----------------------------------------------------------------------------------------------------
def _finding(work: _Work, park_id: str | None, reason: str, issue: Issue) -> Finding:
    origin = work.origin
    part = work.parts[park_id] if park_id else None
    park = part.park if part else None
    advice = ""
    if reason == "conflicting_event" and origin.against_stored and part and part.contradicts_stored:
        advice = f" {origin.against_stored(part.park)}"
    return Finding(
        reason=reason,
        entity_type="park" if park else "destination",
        entity_key=park_id or origin.destination,
        entity_id=park.park_id if park else None,
        scope=origin.key,
        description=f"{park or 'No park'}, {origin.label}: {REASONS[reason].say(issue.count)}.{advice}",
        start=origin.start,
        end=origin.end,
        source_file=origin.key,
        count=issue.count,
        examples=issue.examples,
        values=issue.values,
    )
