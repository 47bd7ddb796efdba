"""The parts of the home page, a function each: it asks its tables and adds to the page what it has to say, as of `now`.

Who may see which, and what becomes of one that fails, is said in config.home.
"""

from datetime import datetime, timedelta

from django.contrib.admin.models import LogEntry
from django.db.models import Count, OuterRef, Q, Subquery
from django.urls import reverse
from django_q.models import Failure, Schedule

from config.home.page import Action, Figure, Home, Part, link
from imports.admin.columns import rendered
from imports.admin.progress import progress_of
from imports.live.models import LiveCollection, ParkFreshness
from imports.models import FileOutcome, ImportCheckpoint, ImportedFile, ImportStatus
from imports.workers import queue
from imports.workers.models import Worker
from quality import owed_checks
from quality.import_ledger import FEEDS_OF_DAYS
from quality.models import DataQualityMove, IssueType, to_do_by_kind
from warehouse.models import Park, RideDay
from warehouse.partitioning import health, partitions
from warehouse.rides import stale_days
from warehouse.server import catalog
from warehouse.storage import status
from warehouse.templatetags.figures import horizon, megabytes
from warehouse.text import count_of, duration_in_words

IMPORTS_SHOWN = 6
ACTIONS_SHOWN = 8
PARKS_SHOWN = 6
ARCHIVE_LATE = timedelta(days=7)  # the archive trails by 1 to 3 days
QUEUE_LATE = timedelta(minutes=10)
SCHEDULE_LATE = timedelta(minutes=10)
FAILURES_SINCE = timedelta(days=1)
CHECK_LATE = timedelta(minutes=10)  # of a large import it takes minutes
DAYS_LATE = timedelta(hours=1)


# --- imports ------------------------------------------------------------------------------------------------------
def add_imports(found: Home, now: datetime) -> None:
    """How many imports are in each state; failed ones need attention."""
    page = "imports_importcheckpoint_changelist"
    counts = ImportCheckpoint.objects.aggregate(
        running=Count("pk", filter=Q(status=ImportStatus.IN_PROGRESS) & ~Q(worker="")),
        waiting=Count("pk", filter=Q(queued_at__isnull=False) & (Q(status=ImportStatus.PENDING) | Q(worker=""))),
        paused=Count("pk", filter=Q(status=ImportStatus.PAUSED)),
        failed=Count("pk", filter=Q(status=ImportStatus.FAILED)),
        completed=Count("pk", filter=Q(status=ImportStatus.COMPLETED)),
    )
    figures = [
        Figure("running", _number(counts["running"]), link(page, show="running")),
        Figure("waiting for a worker", _number(counts["waiting"]), link(page, show="workers")),
        Figure("paused", _number(counts["paused"]), link(page, status__exact="PAUSED")),
        Figure("failed", _number(counts["failed"]), link(page, status__exact="FAILED"), bool(counts["failed"])),
        Figure("completed", _number(counts["completed"]), link(page, show="completed")),
    ]
    found.parts.append(Part("Imports", link(page), figures))
    if counts["failed"]:
        many = f"{counts['failed']:,} imports have failed" if counts["failed"] > 1 else "An import has failed"
        found.attention.append((f"{many}: look at the reason, then retry it", link(page, status__exact="FAILED")))


def add_under_way(found: Home, now: datetime) -> None:
    """A row for each of the first few, those that a living process works on at the top; a dead one needs attention."""
    unfinished = [ImportStatus.IN_PROGRESS, ImportStatus.PENDING]
    shown = list(
        ImportCheckpoint.objects.filter(status__in=unfinished)
        .select_related("park")
        .order_by("status", "checkpoint_id")[: IMPORTS_SHOWN * 4]
    )
    progress = progress_of(shown, now)
    shown.sort(key=lambda checkpoint: not progress[checkpoint.pk].alive)
    for checkpoint in shown:
        if progress[checkpoint.pk].abandoned:
            url = reverse("admin:imports_importcheckpoint_change", args=[checkpoint.pk])
            found.attention.append((f"{checkpoint}: {progress[checkpoint.pk].explanation}", url))
    shown = shown[:IMPORTS_SHOWN]
    under_way = [{"checkpoint": each, "parts": rendered(progress[each.pk])} for each in shown]
    found.moving = any(progress[each.pk].moving for each in shown)
    found.imports = under_way


def add_latest_actions(found: Home, now: datetime) -> None:
    """What the admin's log keeps, and the transitions of findings by people, which stand in their own history alone."""
    entries = (
        LogEntry.objects.filter(content_type__app_label__in=["imports", "warehouse", "django_q"])
        .select_related("user", "content_type")
        .order_by("-action_time")[:ACTIONS_SHOWN]
    )
    actions = [
        Action(
            at=entry.action_time,
            who=str(entry.user),
            what=entry.object_repr,
            url="" if entry.is_deletion() else entry.get_admin_url() or "",
            said=entry.get_change_message(),
        )
        for entry in entries
    ]
    actions += [
        Action(
            at=move.moved_at,
            who=move.moved_by,
            what=str(move.finding),
            url=reverse("admin:quality_dataqualitylog_change", args=[move.finding_id]),
            said=move.said,
        )
        for move in DataQualityMove.latest_of_people(ACTIONS_SHOWN)
    ]
    found.actions = sorted(actions, key=lambda action: action.at, reverse=True)[:ACTIONS_SHOWN]


# --- findings -----------------------------------------------------------------------------------------------------
def add_open_findings(found: Home, now: datetime) -> None:
    """How many findings of each kind wait for an operator, and how many imports for their check."""
    page = "quality_dataqualitylog_changelist"
    counts = to_do_by_kind()
    figures = [
        Figure(kind.label.lower(), _number(counts[kind.value]), link(page, issue_type__exact=kind.value))
        for kind in IssueType
    ]
    owed, since = owed_checks.standing()
    late = since is not None and now - since > CHECK_LATE
    figures.append(Figure("checks owed", _number(owed), link(page), late))
    found.parts.append(Part("Open findings", link(page), figures))
    if late:
        many = f"{owed:,} imports have" if owed > 1 else "An import has"
        said = f"{many} brought in days that were not checked since: manage.py check_quality --owed does it now"
        found.attention.append((said, link(page)))


# --- freshness ----------------------------------------------------------------------------------------------------
def add_archive(found: Home, now: datetime) -> None:
    """How new the newest imported day is, by park: one walk to the end of the ledger's key for each."""
    today = now.date()
    page = link("imports_importedfile_coverage")
    newest = (
        ImportedFile.objects.filter(park=OuterRef("pk"), outcome=FileOutcome.IMPORTED, feed__in=FEEDS_OF_DAYS)
        .order_by("-file_date")
        .values("file_date")[:1]
    )
    days = [
        day for day in Park.objects.order_by().annotate(newest=Subquery(newest)).values_list("newest", flat=True) if day
    ]
    late = sum(today - day > ARCHIVE_LATE for day in days)
    figures = [
        Figure("newest day", f"{max(days)}" if days else "none", page),
        Figure("parks imported", _number(len(days)), page),
        Figure(f"parks behind by over {ARCHIVE_LATE.days} days", _number(late), page),
    ]
    found.parts.append(Part("Archive", page, figures))


def add_live(found: Home, now: datetime) -> None:
    """When the collector last ran; parks that are open and report nothing need attention."""
    parks = link("imports_parkfreshness_changelist")
    silent_url = link("imports_parkfreshness_changelist", state="silent")
    collections = link("imports_livecollection_changelist")
    last = LiveCollection.objects.order_by("-collection_id").first()
    watched = ParkFreshness.objects.count()
    silent = ParkFreshness.objects.filter(ParkFreshness.is_silent(now)).count()
    ago = f"{duration_in_words((now - last.started_at).total_seconds())} ago" if last else "never"
    figures = [
        Figure("last collection", ago, collections),
        Figure("parks watched", _number(watched), parks),
        Figure("open and silent", _number(silent), silent_url, bool(silent)),
    ]
    found.parts.append(Part("Live", collections, figures))
    if silent:
        said = f"{silent:,} parks are open and have" if silent > 1 else "A park is open and has"
        found.attention.append((f"{said} reported nothing for half an hour", silent_url))


# --- days of parks ------------------------------------------------------------------------------------------------
def add_parks(found: Home, now: datetime) -> None:
    """The way to what parks did: those with the newest days, a step on the key of the sums for each park."""
    page = link("warehouse_park_changelist")
    newest = RideDay.objects.filter(park=OuterRef("pk")).order_by("-day").values("day")[:1]
    days = Park.objects.annotate(newest=Subquery(newest)).exclude(newest=None).order_by("-newest", "park_name")
    figures = [
        Figure(park.park_name, f"{park.newest}", reverse("admin:warehouse_park_over_time", args=[park.pk]))
        for park in days[:PARKS_SHOWN]
    ]
    found.parts.append(Part("Waits and downtime", page, figures or [Figure("parks with days", "none", page)]))


# --- storage ------------------------------------------------------------------------------------------------------
def add_storage(found: Home, now: datetime) -> None:
    """The size on disk, its growth, and the nearer of two limits: the capacity, or the disk. Its warnings are said."""
    page = link("warehouse_storage") or link("warehouse_storagemetrics_changelist")
    stored = status.storage()
    forecast = stored.forecast
    growth = forecast and forecast.growth_mb_per_day
    limits = [forecast.days_to_capacity, forecast.days_to_full_disk] if forecast else []
    full = min((days.likely for days in limits if days), default=None)
    figures = [
        Figure("on disk", megabytes(forecast.disk_mb) if forecast else "not measured yet", page),
        Figure("grows by", f"{megabytes(growth.likely)} a day" if growth else "not known yet", page),
        Figure("full in", "not known" if full is None else horizon(full), page, bool(stored.warnings)),
    ]
    found.parts.append(Part("Storage", page, figures))
    found.attention += [(warning, page) for warning in stored.warnings]


def add_partitions(found: Home, now: datetime) -> None:
    """How far months reach ahead, and which boundary partitions hold rows. Counts none: the page of partitions does."""
    page = link("warehouse_partitions")
    existing = catalog.partitions(partitions.TABLE)
    if not existing:
        found.attention.append(("The fact table is not partitioned: every query reads all of it", page))
        found.parts.append(Part("Partitions", page, [Figure("months ahead", "not partitioned", page, True)]))
        return
    ahead = health.months_ahead(existing, now.date())
    months = [partition for partition in existing if not partitions.is_boundary(partition)]
    filled = health.filled_boundaries(existing)
    few = ahead < health.MONTHS_AHEAD_AT_LEAST
    figures = [
        Figure("months ahead", _number(ahead), page, few),
        Figure("months in all", _number(len(months)), page),
        Figure("boundary partitions with rows", ", ".join(filled) or "none", page, bool(filled)),
    ]
    found.parts.append(Part("Partitions", page, figures))
    if few:
        found.attention.append((f"Partitions reach {count_of(ahead, 'month')} ahead: make more", page))
    found.attention += [
        (f"The boundary partition {name} holds rows: look at them, then drain it", page) for name in filled
    ]


# --- workers ------------------------------------------------------------------------------------------------------
def add_workers(found: Home, now: datetime) -> None:
    """Who is alive, and whether the queue moves, the recurring jobs run and tasks succeed."""
    page = link("imports_worker_changelist")
    failed_page = link("django_q_failure_changelist")
    schedules_page = link("django_q_schedule_changelist")
    alive = Worker.alive().count()
    busy = Worker.alive().exclude(doing="").count()
    waits = queue.oldest_message_age(now)
    failures = Failure.objects.filter(stopped__gt=now - FAILURES_SINCE).count()
    # workers that have only just come back find much that is late, and need no restart
    overdue = Schedule.objects.exclude(repeats=0).filter(
        next_run__lt=now - SCHEDULE_LATE
    ).exists() and Worker.was_alive(SCHEDULE_LATE)
    late_queue = waits is not None and waits > QUEUE_LATE and Worker.was_alive(QUEUE_LATE)
    figures = [
        Figure("alive", _number(alive), page, not alive),
        Figure("busy", _number(busy), page),
        Figure(
            "first in the queue waits",
            duration_in_words(waits.total_seconds()) if waits else "-",
            link("django_q_ormq_changelist"),
            late_queue,
        ),
        Figure("failed tasks, last day", _number(failures), failed_page, bool(failures)),
    ]
    found.parts.append(Part("Workers", page, figures))
    if not alive:
        said = "No worker is alive: imports and recurring jobs wait. Start one (bin/serve, or manage.py qcluster)"
        found.attention.insert(0, (said, page))
    elif waits is not None and late_queue:
        waited = duration_in_words(waits.total_seconds())
        said = f"The queue has not moved for {waited} although workers are alive: restart them"
        found.attention.insert(0, (said, link("django_q_ormq_changelist")))
    if alive and overdue:
        found.attention.append(("A recurring job is overdue though workers are alive: restart them", schedules_page))
    if failures:
        many = f"{failures:,} tasks" if failures > 1 else "A task"
        found.attention.append((f"{many} failed in the last day", failed_page))
    stale = stale_days.waiting(now)
    if stale.since is not None and now - stale.since > DAYS_LATE:
        said = (
            f"{count_of(stale.days, 'day')} of {count_of(stale.parks, 'park')} wait to be added up anew, the first for "
            f"{duration_in_words((now - stale.since).total_seconds())}: the workers do it, or manage.py rebuild_days"
        )
        found.attention.append((said, schedules_page))


def _number(count: int) -> str:
    return f"{count:,}"
