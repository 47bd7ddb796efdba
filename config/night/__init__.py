"""Last night: what ended, ran, failed and came in since yesterday 18:00. Home, mail, webhook and command tell the same.

Reads small tables, and of large ones the newest rows alone, by the order of their keys.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta, tzinfo

from django.conf import settings
from django.db.models import Case, Count, Model, Q, QuerySet, Sum, When
from django.db.models.functions import Coalesce
from django_q.models import Task

from imports.live import standing
from imports.live.models import LiveCollection
from imports.models import ImportCheckpoint, ImportedFile, ImportStatus
from quality.models import DataQualityLog, IssueType
from warehouse.storage import forecast

BEGINS_AT = time(18)
IMPORTS_NAMED = 8
LIVE_IS_WELL_FROM = 0.95  # of the questions answered
OURS = "config."  # the jobs that tell are not told of


@dataclass(frozen=True)
class EndedImport:
    """`seconds`: from when it was asked for until it ended. `dismissed`: a person gave it up."""

    checkpoint_id: int
    import_id: str
    park: str
    first: str
    last: str
    failed: bool
    dismissed: bool
    rows: int
    seconds: float
    ended_at: datetime
    why: str


@dataclass(frozen=True)
class JobRuns:
    """The runs of one function. `at_least`: older ones of the night are not kept any more."""

    func: str
    name: str
    runs: int
    failed: int
    at_least: bool


@dataclass(frozen=True)
class Night:
    """`named`: failed imports first, IMPORTS_NAMED of all `ended`. `growth_mb`: between the last measurement before it
    began and the newest; None: not measured since."""

    since: datetime
    until: datetime
    zone: tzinfo
    ended: int
    failed: int
    rows: int
    named: list[EndedImport]
    jobs: list[JobRuns]
    findings: dict[str, int]  # new ones, by kind
    collections: int
    destinations_asked: int
    destinations_answered: int
    rows_imported: int
    rows_live: int
    growth_mb: float | None

    @property
    def live_share(self) -> float | None:
        """Of 1; None: the live API was not asked."""
        return self.destinations_answered / self.destinations_asked if self.destinations_asked else None

    @property
    def runs(self) -> int:
        return sum(job.runs for job in self.jobs)

    @property
    def failed_runs(self) -> int:
        return sum(job.failed for job in self.jobs)

    @property
    def went_well(self) -> bool:
        """No import and no job failed, and the live API answered as good as always."""
        return not (self.failed or self.failed_runs or self.live_was_poor)

    @property
    def live_was_poor(self) -> bool:
        """Whether more was lost than a bad minute."""
        return self.live_share is not None and self.live_share < LIVE_IS_WELL_FROM

    @property
    def was_idle(self) -> bool:
        """Whether nothing ended, ran or was asked for: then nothing failed either."""
        return not (self.ended or self.runs or self.collections)


def begin_of_night(now: datetime, zone: tzinfo) -> datetime:
    """Yesterday 18:00 by the clock of the zone, in UTC; `now` is aware."""
    yesterday = now.astimezone(zone).date() - timedelta(days=1)
    return datetime.combine(yesterday, BEGINS_AT, tzinfo=zone).astimezone(UTC)


def night(now: datetime, zone: tzinfo = UTC) -> Night:
    """The facts since `begin_of_night`, as of `now` (aware)."""
    since = begin_of_night(now, zone)
    ended = _ended(since)
    live = standing.rate_since(since)
    rows_live = _newest(LiveCollection, "started_at", since).aggregate(rows=Sum("stored", default=0))["rows"]
    findings = dict.fromkeys(IssueType.values, 0) | dict(
        _newest(DataQualityLog, "created_at", since).order_by().values_list("issue_type").annotate(Count("pk"))
    )
    touched = ImportCheckpoint.objects.filter(updated_at__gte=since).values("pk")
    files = ImportedFile.objects.filter(checkpoint__in=touched, imported_at__gte=since)
    return Night(
        since=since,
        until=now,
        zone=zone,
        ended=len(ended),
        failed=sum(each.failed and not each.dismissed for each in ended),
        rows=sum(each.rows for each in ended),
        named=ended[:IMPORTS_NAMED],
        jobs=_jobs(since),
        findings=findings,
        collections=live.collections,
        destinations_asked=live.asked,
        destinations_answered=live.answered,
        rows_imported=files.aggregate(rows=Sum("stored", default=0))["rows"],
        rows_live=rows_live,
        growth_mb=_growth_mb(since),
    )


def _ended(since: datetime) -> list[EndedImport]:
    """Failed ones first, then the newest first."""
    # updated_at follows every change, and a dismissal that comes later is one
    ended_at = Case(When(dismissed_at=None, then="updated_at"), default=Coalesce("heartbeat_at", "created_at"))
    rows = (
        ImportCheckpoint.objects.filter(status__in=[ImportStatus.COMPLETED, ImportStatus.FAILED], updated_at__gte=since)
        .annotate(ended_at=ended_at)
        .filter(ended_at__gte=since)
        .select_related("park")
    )
    ended = [
        EndedImport(
            checkpoint_id=row.pk,
            import_id=row.import_id,
            park=str(row.park),
            first=f"{row.start_date}",
            last=f"{row.end_date}",
            failed=row.status == ImportStatus.FAILED,
            dismissed=row.dismissed_at is not None,
            rows=row.records_imported,
            seconds=(row.ended_at - row.created_at).total_seconds(),
            ended_at=row.ended_at,
            why=row.last_error,
        )
        for row in rows
    ]
    return sorted(ended, key=lambda each: (not each.failed or each.dismissed, -each.ended_at.timestamp()))


def _jobs(since: datetime) -> list[JobRuns]:
    """Those with failures first. Of each job django-q2 keeps the last `save_limit` successes, and a job has a function.

    Not the live collections, of which the answers are counted.
    """
    limit = settings.Q_CLUSTER["save_limit"]
    recent = Q(stopped__gte=since)
    found = (
        Task.objects.exclude(Q(func__startswith=OURS) | Q(func=standing.TASK))
        .order_by()
        .values("func")
        .annotate(
            runs=Count("pk", filter=recent),
            failed=Count("pk", filter=recent & Q(success=False)),
            kept=Count("pk", filter=Q(success=True)),
            kept_recent=Count("pk", filter=recent & Q(success=True)),
        )
        .filter(runs__gt=0)
    )
    jobs = [
        JobRuns(
            func=row["func"],
            name=row["func"].rpartition(".")[2].replace("_", " "),
            runs=row["runs"],
            failed=row["failed"],
            at_least=row["kept_recent"] == row["kept"] >= limit,
        )
        for row in found
    ]
    return sorted(jobs, key=lambda job: (-job.failed, job.name))


def _newest(model: type[Model], instant: str, since: datetime) -> QuerySet:
    """The rows from `since` on, of a table whose rows come in the order of `instant`: walks back over them alone."""
    before = model.objects.filter(**{f"{instant}__lt": since}).order_by("-pk").values_list("pk", flat=True).first()
    return model.objects.filter(pk__gt=before or 0, **{f"{instant}__gte": since})


def _growth_mb(since: datetime) -> float | None:
    points = forecast.load()
    before = [point for point in points if point.day <= since.date()]
    if not before or points[-1].day <= before[-1].day:
        return None
    return points[-1].size_mb - before[-1].size_mb
