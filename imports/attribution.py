"""A file's observations given to the parks of a run: ids, what is new, what is known, what contradicts.

Reads, and makes parks, rides and checkpoints, in the caller's transaction; writes no fact and no finding.
"""

from dataclasses import dataclass, field
from datetime import UTC, datetime, time, timedelta

from imports.archive import DayFile
from imports.events import REASONS, Doubt, Observation, Validated, shorten, text_of
from imports.ledger import Counts
from imports.loader import Content, content_of, stored
from imports.models import ImportCheckpoint, ImportStatus
from imports.reading import Reading
from imports.resolver import KnownRide, WantedRide
from imports.run import ImportRun
from quality.findings import Finding
from quality.models import IssueType
from warehouse.models import NAME_LENGTH, RIDE_ID_BITS, Park, snapshot_id_of

# Whether a file's day is UTC's or the park's is not proven: it may hold hours of the days beside it.
USUAL_BEFORE, USUAL_AFTER = timedelta(days=1), timedelta(days=2)

_Doubts = dict[tuple[str | None, str], Doubt]


@dataclass
class Attributed:
    rows: dict[int, Observation]  # by snapshot_id: what is to be stored
    counts: dict[ImportCheckpoint, Counts]  # of every park of the run that the file concerns
    findings: list[Finding]
    joined: list[ImportCheckpoint] = field(default_factory=list)


@dataclass
class _File:
    """One file as the parks of a run see it."""

    reading: Reading
    by_park: dict[str, ImportCheckpoint]  # by themeparks_wiki_id
    counts: dict[ImportCheckpoint, Counts]
    doubts: _Doubts
    known: dict[str, KnownRide] = field(default_factory=dict)  # of events that name no park
    mine: list[tuple[ImportCheckpoint, Observation]] = field(default_factory=list)

    def home_of(self, entity_id: str) -> ImportCheckpoint | None:
        """The park of the run in which a known ride lies, for events that name no park."""
        ride = self.known.get(entity_id)
        if ride is None:
            return None
        return next((checkpoint for checkpoint in self.counts if checkpoint.park_id == ride.park_id), None)

    def doubt(self, checkpoint: ImportCheckpoint | None, reason: str, example) -> None:
        park_id = checkpoint.park.themeparks_wiki_id if checkpoint else None
        self.doubts.setdefault((park_id, reason), Doubt()).add(example)


def attribute(run: ImportRun, concerned: list[ImportCheckpoint], reading: Reading, now: datetime) -> Attributed:
    """What of this file is to be stored for the parks of the run, with counts that add up, and the findings.

    A contradiction is settled for the first: in the order of the file, and the table before the file.
    """
    validated = reading.validated
    joined = _joining(run, concerned, reading, now) if run.may_be_joined else []
    checkpoints = [*concerned, *joined]
    file = _File(
        reading,
        by_park={checkpoint.park.themeparks_wiki_id: checkpoint for checkpoint in checkpoints},
        counts={checkpoint: Counts() for checkpoint in checkpoints},
        # copies: a transaction that is tried again must not count twice
        doubts={key: Doubt(doubt.count, list(doubt.examples)) for key, doubt in validated.doubts.items()},
    )
    _choose_mine(run, file)
    rides, findings = run.resolver.resolve(_wanted_rides(run, file), reading.file.key)
    rows = _without_repeats(file, rides)
    _leave_out_stored(file, rides, rows)
    _count_rejections(file)
    findings += [
        _finding(run, file, park_id, reason, doubt)
        for (park_id, reason), doubt in sorted(file.doubts.items(), key=lambda item: (item[0][0] or "", item[0][1]))
        if park_id is None or park_id in file.by_park
    ]
    return Attributed(rows, file.counts, findings, joined)


def unreadable_finding(destination: str, file: DayFile, why: str) -> Finding:
    """One for a file: nothing of it was stored."""
    return Finding(
        kind=IssueType.INVALID,
        reason="unreadable_file",
        entity_type="destination",
        entity_key=destination,
        scope=file.key,
        description=f"{file.key} cannot be read: {why}. Nothing of it was stored; mend it and import the day again.",
        start=_midnight(file.day),
        end=_midnight(file.day + timedelta(days=1)),
        source_file=file.key,
        examples=[why],
    )


def _choose_mine(run: ImportRun, file: _File) -> None:
    """The observations of the run's parks. Those of parks outside the run are theirs to import, and not counted."""
    validated = file.reading.validated
    without_park = {observation.entity_id for observation in validated.observations if observation.park_id is None}
    without_park |= {rejection.entity_id for rejection in validated.parkless_rejections}
    if without_park:
        file.known = run.resolver.known(without_park)
    by_park, mine = file.by_park, file.mine
    for observation in validated.observations:
        if observation.park_id is not None:
            checkpoint = by_park.get(observation.park_id)
        elif observation.entity_id in file.known:
            checkpoint = file.home_of(observation.entity_id)
        else:
            checkpoint = None
            file.doubt(None, "missing_park", _example(observation))
        if checkpoint is not None:
            mine.append((checkpoint, observation))


def _wanted_rides(run: ImportRun, file: _File) -> list[WantedRide]:
    wanted: dict[str, WantedRide] = {}
    for checkpoint, observation in file.mine:
        entity_id = observation.entity_id
        if entity_id not in wanted or not wanted[entity_id].name:
            wanted[entity_id] = WantedRide(
                entity_id, checkpoint.park, text_of(observation.event.name), observation.recorded_at
            )
    return list(wanted.values())


def _without_repeats(file: _File, rides: dict[str, KnownRide]) -> dict[int, Observation]:
    ride_ids = {entity_id: ride.ride_id for entity_id, ride in rides.items()}
    for ride_id in ride_ids.values():
        snapshot_id_of(ride_id, 0)  # ValueError where a ride_id has outgrown its bits
    rows: dict[int, Observation] = {}
    for checkpoint, observation in file.mine:
        snapshot_id = observation.milliseconds << RIDE_ID_BITS | ride_ids[observation.entity_id]
        first = rows.setdefault(snapshot_id, observation)
        if first is observation:
            file.counts[checkpoint].stored += 1  # until the table says otherwise
        else:
            file.counts[checkpoint].duplicates += 1
            _doubt_repeat(file, checkpoint, observation, content_of(first))
    return rows


def _leave_out_stored(file: _File, rides: dict[str, KnownRide], rows: dict[int, Observation]) -> None:
    if not rows:
        return
    day = file.reading.file.day
    usual = (_midnight(day) - USUAL_BEFORE, _midnight(day) + USUAL_AFTER)
    for snapshot_id, content in stored({ride.ride_id for ride in rides.values()}, rows, usual).items():
        observation = rows.pop(snapshot_id)
        checkpoint = file.by_park.get(observation.park_id) or file.home_of(observation.entity_id)
        counts = file.counts[checkpoint]
        counts.stored -= 1
        if content == content_of(observation):
            counts.already_known += 1
        else:
            counts.duplicates += 1
            _doubt_repeat(file, checkpoint, observation, content)


def _doubt_repeat(file: _File, checkpoint: ImportCheckpoint, second: Observation, first: Content) -> None:
    if content_of(second) == first:
        file.doubt(checkpoint, "duplicate_event", _example(second))
        return
    example = _example(second) | {"stays": _content_example(first), "left_out": _content_example(content_of(second))}
    file.doubt(checkpoint, "conflicting_event", example)


def _count_rejections(file: _File) -> None:
    validated = file.reading.validated
    for park_id, checkpoint in file.by_park.items():
        file.counts[checkpoint].rejected += validated.rejected.get(park_id, 0)
    for rejection in validated.parkless_rejections:
        home = file.home_of(rejection.entity_id)
        if home is not None:
            file.counts[home].rejected += 1
            file.doubt(home, rejection.reason, rejection.example)
        elif rejection.entity_id not in file.known:  # else it is of a park outside the run, and told there
            file.doubt(None, rejection.reason, rejection.example)


# --- parks that first appear --------------------------------------------------------------------------------------
def _joining(
    run: ImportRun, concerned: list[ImportCheckpoint], reading: Reading, now: datetime
) -> list[ImportCheckpoint]:
    """Checkpoints for the parks of this file that the import does not know yet: they begin with this day."""
    seen = {observation.park_id for observation in reading.validated.observations}
    seen -= {None, *(checkpoint.park.themeparks_wiki_id for checkpoint in run.checkpoints)}
    if not seen:
        return []
    known = {park.themeparks_wiki_id: park for park in Park.objects.filter(themeparks_wiki_id__in=seen)}
    elsewhere = set(
        ImportCheckpoint.objects.filter(
            park__in=known.values(), source=run.source.url, end_date__gte=reading.file.day
        ).values_list("park_id", flat=True)
    )
    joined = []
    for park_id in sorted(seen):
        park = known.get(park_id) or make_park(run.destination, park_id, reading.validated)
        if park.park_id not in elsewhere:
            joined.append(
                ImportCheckpoint.objects.create(
                    park=park,
                    status=ImportStatus.IN_PROGRESS,
                    generation=1,
                    worker=run.worker,
                    heartbeat_at=now,
                    source=run.source.url,
                    start_date=reading.file.day,
                    end_date=run.last,
                    whole_destination=True,
                    files_total=(run.last - reading.file.day).days + 1,
                )
            )
    return joined


def make_park(destination: str, park_id: str, validated: Validated) -> Park:
    """The park, made from what the file says where it is new: its slug is its name until the metadata sync."""
    seen = validated.parks[park_id]
    park, _ = Park.objects.get_or_create(
        themeparks_wiki_id=park_id,
        defaults={
            "park_name": seen.slug[:NAME_LENGTH] or park_id,
            "timezone": seen.timezone[:64],
            "destination_wiki_id": destination,
        },
    )
    return park


# --- saying it ----------------------------------------------------------------------------------------------------
def _finding(run: ImportRun, file: _File, park_id: str | None, reason: str, doubt: Doubt) -> Finding:
    kind, meaning = REASONS[reason]
    day_file = file.reading.file
    checkpoint = file.by_park.get(park_id)
    return Finding(
        kind=kind,
        reason=reason,
        entity_type="park" if checkpoint else "destination",
        entity_key=park_id or run.destination,
        entity_id=checkpoint.park_id if checkpoint else None,
        scope=day_file.key,
        description=f"{f'{checkpoint.park}, {day_file.day}' if checkpoint else day_file.key}: {doubt.count} {meaning}.",
        start=_midnight(day_file.day),
        end=_midnight(day_file.day + timedelta(days=1)),
        source_file=day_file.key,
        count=doubt.count,
        examples=doubt.examples,
    )


def _example(observation: Observation) -> dict:
    event = observation.event
    return {"entityId": observation.entity_id, "eventTime": event.eventTime, "name": shorten(event.name)}


def _content_example(content: Content) -> dict:
    status, wait_time, queues = content
    return {
        "status": status,
        "wait_time": wait_time,
        "queues": [
            {name: getattr(entry, name) for name in entry.__struct_fields__ if getattr(entry, name) is not None}
            for entry in queues
        ],
    }


def _midnight(day) -> datetime:
    return datetime.combine(day, time(), tzinfo=UTC)
