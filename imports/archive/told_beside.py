"""What a file tells beside its events: of what kind entities are, and how they stood when its day began."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, time

from imports.archive.prefetch import Reading
from imports.archive.request import command_for
from imports.archive.run import ImportRun
from imports.events.decoded import Decoded, Opening
from imports.loading import kinds, openings
from imports.loading.resolver import KnownRide
from imports.sources.source import DayFile
from quality import log
from quality.findings import Finding
from quality.reasons import REASONS
from warehouse.days import ONE_DAY, midnight
from warehouse.ids import uuid_of
from warehouse.models import Park
from warehouse.zones import zone_or_utc

DEGRADED = "degraded_answer"


def keep(run: ImportRun, parks: Sequence[Park], reading: Reading, now: datetime) -> list[Finding]:
    """Give it to the rides of these parks, in the file's transaction and after its rides are made; the findings.

    One query a file of which all is known already. A file that tells nothing beside its events asks nothing.
    """
    told, file = reading.decoded, reading.file
    if told is None or not is_told(reading):
        return []
    types = {entity: kind for said, kind in told.entity_types.items() if (entity := uuid_of(said)) is not None}
    entities = {*types, *(entity for opening in told.openings if (entity := uuid_of(opening.entity_id)) is not None)}
    ours = {park.pk for park in parks}
    rides = {entity: ride for entity, ride in run.resolver.known(entities).items() if ride.park_id in ours}
    kinds.follow(types, rides, run.resolver, now)
    opens_at = {park.pk: _opens_at(told, park, file) for park in parks}
    openings.keep(told.openings, opens_at, rides, run.resolver, file.key, now)
    return _degraded(run, parks, file, told.openings, rides, now)


def is_told(reading: Reading) -> bool:
    """Whether it tells anything of this kind."""
    return reading.decoded is not None and bool(reading.decoded.entity_types or reading.decoded.openings)


def _opens_at(told: Decoded, park: Park, file: DayFile) -> datetime:
    return told.opens_at or datetime.combine(file.day, time(), tzinfo=zone_or_utc(park.timezone))


def _degraded(
    run: ImportRun,
    parks: Sequence[Park],
    file: DayFile,
    told: Collection[Opening],
    rides: Mapping[str, KnownRide],
    now: datetime,
) -> list[Finding]:
    """A finding for each park of which openings are degraded; that of an earlier reading of the file is gone else."""
    by_park: dict[int, list[str]] = {park.pk: [] for park in parks}
    of_the_file = next((park.pk for park in parks if park.themeparks_wiki_id == file.park), None)
    for opening in told:
        if opening.degraded:
            ride = rides.get(uuid_of(opening.entity_id) or "")
            home = of_the_file if ride is None else ride.park_id
            if home is not None:
                by_park[home].append(opening.entity_id if ride is None else ride.name)
    findings = [_finding(run, park, file, by_park[park.pk]) for park in parks]
    gone = [finding.fingerprint for finding in findings if not finding.count]
    log.resolve_gone(gone, "Not so in the file's last reading.", now)
    return [finding for finding in findings if finding.count]


def _finding(run: ImportRun, park: Park, file: DayFile, names: list[str]) -> Finding:
    command = command_for(run.source.url, park, file.day, "--changed")
    return Finding(
        reason=DEGRADED,
        entity_type="park",
        entity_key=park.themeparks_wiki_id,
        entity_id=park.park_id,
        scope=file.key,
        description=f"{park}, {file.label}: {REASONS[DEGRADED].say(len(names))}. To ask for it again:  {command}",
        start=midnight(file.day),
        end=midnight(file.last_day + ONE_DAY),
        source_file=file.key,
        count=len(names),
        examples=list(names),
    )
