"""What the workers run of this app. Schedules and waiting messages hold these functions' dotted paths: they stay here.

A task is short, and running one twice, late, at the same time or never to its end does no harm.
"""

from datetime import timedelta

from django.conf import settings
from django.utils import timezone
from django_q.tasks import async_task

from imports.api.themeparks import ApiUnavailable, ThemeParksApi
from imports.live import collector
from imports.metadata.park_hours import sync_hours_slice
from imports.metadata.slices import IN_VAIN_MAX, Slice
from imports.metadata.sync import sync_slice
from imports.workers import preview_task
from imports.workers.final_days import enqueue_final_days
from imports.workers.import_task import import_slice
from warehouse.days import month_from
from warehouse.export import run
from warehouse.export.errors import AlreadyRunning
from warehouse.export.opening import open_target
from warehouse.text import count_of

# A worker is given 300 s (Q_CLUSTER): a month of 5 million rows takes some 50 s, and one that began may end.
EXPORT_BEGINS_MONTHS_SECONDS = 100.0
EXPORT_GIVES_UP_SECONDS = 270.0

__all__ = [
    "collect_live",
    "export_history",
    "import_final_days",
    "import_slice",
    "preview_import",
    "sync_hours",
    "sync_metadata",
]


def collect_live() -> str:
    """Every LIVE_EVERY_MINUTES: the live states of all known destinations, once. Returns what came of it in words.

    NothingCollected: destinations were asked, and none answered; so the task has failed, and is told as such.
    """
    try:
        destinations = collector.known_destinations()
    except collector.NothingToCollect as error:
        return f"nothing to collect: {error}"
    return collector.told(collector.collect(ThemeParksApi(), destinations, timezone.now))


def export_history(begin_at: str = "") -> str:
    """Nightly: into EXPORT_TO, a few months a run, each of which enqueues the next. Returns how far it is.

    `begin_at`: the month (YYYY-MM) to begin at, "" for the first; months before it that have changed meanwhile are for
    the next night. ExportError: the target fails, or pyarrow is not installed.
    """
    if not settings.EXPORT_TO:
        return "nothing to do: EXPORT_TO is empty"
    try:
        done = run.export(
            open_target(settings.EXPORT_TO),
            month_from(begin_at) if begin_at else None,
            grace=timedelta(hours=settings.EXPORT_GRACE_HOURS),
            stop_after_seconds=EXPORT_BEGINS_MONTHS_SECONDS,
            give_up_after_seconds=EXPORT_GIVES_UP_SECONDS,
        )
    except AlreadyRunning as error:
        return str(error)
    said = f"{count_of(len(done.written), 'month')} written, {done.unchanged} unchanged"
    if done.next_month:
        async_task("imports.tasks.export_history", f"{done.next_month:%Y-%m}", group="Export history")
        return f"{said}; goes on at {done.next_month:%Y-%m}"
    return said


def import_final_days() -> str:
    """Nightly: the days of the History API that have become final since. Returns what came of it in words."""
    return enqueue_final_days()


def preview_import(preview_id: int) -> str:
    """When somebody asks for a preview of an import: look at its source. Returns what came of it in words."""
    return preview_task.look(preview_id)


def sync_metadata(begin_at: str = "", in_vain: int = 0) -> str:
    """Weekly, slice by slice: each enqueues the next, until every destination was asked. Returns how far it is.

    `begin_at`: the destination (UUID) to begin at, "" for the first; `in_vain`: slices before it in a row in which
    nobody answered. ApiError: the API is away; begin anew later.
    """
    done = sync_slice(ThemeParksApi(), begin_at, timezone.now)
    return _go_on("imports.tasks.sync_metadata", "Sync metadata", done, in_vain)


def sync_hours(begin_at: str = "", in_vain: int = 0) -> str:
    """Nightly, slice by slice as `sync_metadata`: the hours of all known parks. Returns what came of it in words.

    `begin_at`: the park (UUID) to begin at, "" for the first; `in_vain`: see there. ApiError: the API is away; begin
    anew later.
    """
    done = sync_hours_slice(ThemeParksApi(), begin_at, timezone.now)
    return _go_on("imports.tasks.sync_hours", "Sync park hours", done, in_vain)


def _go_on(task: str, group: str, done: Slice, in_vain: int) -> str:
    """Whoever hangs costs those behind it nothing: the next slice begins there."""
    in_vain = done.count(in_vain)
    if in_vain >= IN_VAIN_MAX or (done.given_up and not done.following):
        raise ApiUnavailable(done.given_up)
    if done.following:
        async_task(task, done.following, in_vain, group=group)
    goes_on = f"goes on at {done.following}" if done.following else ""
    return "; ".join(filter(None, [done.words, done.given_up, goes_on])) or "done"
