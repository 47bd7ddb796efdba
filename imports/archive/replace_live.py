"""Archive over live (import_archive --replace-live): a park's LIVE rows of a day give way to its ARCHIVE rows.

Called in the transaction in which the archive's rows come, so that no reader ever sees the day empty. By default
both are kept, and so they are where the archive's day holds far less (docs/decisions/archive-over-live.md).
"""

from dataclasses import dataclass
from datetime import date, datetime

from django.db import connection

from imports.archive.completeness import Heard, heard, heard_of
from imports.archive.day_file_model import ImportedFile
from imports.archive.request import command_for
from imports.archive.run import ImportRun
from imports.events.validation import Validated
from imports.loading.attribution import Attributed
from imports.loading.loader import delete
from imports.sources.source import DayFile
from quality import log
from quality.findings import Finding
from quality.reasons import REASONS
from warehouse.days import ONE_DAY, midnight
from warehouse.instants import day_at, instant_at, naive_utc
from warehouse.models import DataSource, Park
from warehouse.rides import stays
from warehouse.snapshot_id import recorded_ms_of
from warehouse.zones import local_day

NOTHING = heard([])


@dataclass(frozen=True, slots=True)
class Weighed:
    """A park's LIVE rows of a file's day, and what the file has in their place."""

    live_ids: list[int]
    live: Heard = NOTHING
    archive: Heard = NOTHING

    @property
    def far_less(self) -> bool:
        """Whether the archive's day would be a bad bargain."""
        return self.archive.falls_far_short_of(self.live)


@dataclass(frozen=True, slots=True)
class LiveRows:
    """What became of a park's LIVE rows of a file's day: how many went, how many stayed, and the finding on that."""

    replaced: int
    kept: int
    finding: Finding | None = None


def replace_live(run: ImportRun, park: Park, validated: Validated, file: DayFile, now: datetime) -> LiveRows:
    """Delete the park's LIVE snapshots of the file's day with their queue rows, where the file holds about as much.

    None go where the file has nothing of the park on that day. With `force` they go in any case. A finding that
    said that they stay is resolved when they go.
    """
    weighed = weigh(park, validated, file.day, lock=True)
    if not weighed.live_ids:
        return LiveRows(0, 0)
    finding = _finding(run, park, file, weighed)
    if weighed.far_less and not run.options.force:
        return LiveRows(0, len(weighed.live_ids), finding)
    delete(weighed.live_ids)
    log.resolve_gone([finding.fingerprint], "They gave way to the archive's day.", now)
    return LiveRows(len(weighed.live_ids), 0)


def leave_to_the_archive(found: Attributed) -> None:
    """Of LIVE rows that are to come, those of days that were imported with --replace-live do not: such a day has none.

    From the collector they would be those of rides unchanged since, from captures all. Where the archive held far less,
    they stayed, and others may join them.
    """
    days = {snapshot_id: day_at(recorded_ms_of(snapshot_id)) for snapshot_id in found.rows}
    replaced = set(
        ImportedFile.objects.filter(
            park__in=found.counts, file_date__in=set(days.values()), live_replaced__isnull=False, live_kept=None
        ).values_list("park_id", "file_date")
    )
    if not replaced:
        return
    for snapshot_id, park_id in stays.parks_of(found.rows).items():
        if (park_id, days[snapshot_id]) in replaced:
            del found.rows[snapshot_id]
            found.counts[park_id].stored -= 1
            found.counts[park_id].already_known += 1


def weigh(park: Park, validated: Validated, day: date, *, lock: bool = False) -> Weighed:
    """The park's LIVE rows of the file's day beside the file; none where the file has nothing of the park there."""
    span = day_covered(park, validated, day)
    periods = stays.periods_of(park.pk, *span) if span else []
    ids: list[int] = []
    with connection.cursor() as cursor:
        for ride_ids, start, end in periods:
            cursor.execute(
                "SELECT snapshot_id FROM ride_status_snapshots "
                "WHERE ride_id IN %s AND recorded_at >= %s AND recorded_at < %s AND data_source = %s"
                + (" FOR UPDATE" if lock else ""),
                [ride_ids, naive_utc(start), naive_utc(end), DataSource.LIVE.value],
            )
            ids += [row[0] for row in cursor.fetchall()]
    if span is None or not ids:
        return Weighed([])
    archive = (
        (observation.entity_id, observation.milliseconds)
        for observation in validated.observations
        if observation.park_id == park.themeparks_wiki_id and span[0] <= instant_at(observation.milliseconds) < span[1]
    )
    return Weighed(ids, heard(ids), heard_of(archive))


def _finding(run: ImportRun, park: Park, file: DayFile, weighed: Weighed) -> Finding:
    reason = "sparse_archive_day"
    sentence = REASONS[reason].say(len(weighed.live_ids), archive=weighed.archive, live=weighed.live)
    command = command_for(run.source.url, park, file.day, "--replace-live", "--force")
    return Finding(
        reason=reason,
        entity_type="park",
        entity_key=park.themeparks_wiki_id,
        entity_id=park.park_id,
        scope=file.key,
        description=f"{park}, {file.day}: {sentence}. If the file is right:  {command}",
        start=midnight(file.day),
        end=midnight(file.day + ONE_DAY),
        source_file=file.key,
        count=len(weighed.live_ids),
        examples=[
            {"day of": name, "observations": day.observations, "rides": len(day.rides), "hours": len(day.hours)}
            for name, day in (("archive", weighed.archive), ("live", weighed.live))
        ],
    )


def day_covered(park: Park, validated: Validated, day: date) -> tuple[datetime, datetime] | None:
    """The half-open span that the file's day is: UTC's or the park's own, whichever holds more of its events.

    Which of the two the archive means is not proven, and deleting by the wrong one would lose hours that another
    file covers. Where both hold as many, what both call this day. None: the file has no event of the park there.
    """
    instants = [
        instant_at(observation.milliseconds)
        for observation in validated.observations
        if observation.park_id == park.themeparks_wiki_id
    ]
    zone = park.zone
    by_utc = (midnight(day), midnight(day + ONE_DAY))
    by_park = local_day(day, zone)
    in_utc, in_park = (sum(start <= instant < end for instant in instants) for start, end in (by_utc, by_park))
    if not in_utc and not in_park:
        return None
    if in_utc != in_park:
        return by_utc if in_utc > in_park else by_park
    return max(by_utc[0], by_park[0]), min(by_utc[1], by_park[1])
