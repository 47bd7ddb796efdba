"""What is to be done daily: plain functions, free of the queue that calls them. Doing one twice does no harm."""

import logging
from datetime import timedelta

from django.conf import settings
from django.utils import timezone

from warehouse.history import all_parks
from warehouse.models import Park
from warehouse.partitioning import health, partitions
from warehouse.partitioning.compacting import procedure
from warehouse.storage import measurement, status
from warehouse.text import count_of, size_in_words

logger = logging.getLogger(__name__)

# Nobody waits for the answer, and a try that does not wait for a lock harms nobody.
PATIENCE_SECONDS = 60.0
# A worker has 300 s for a task, and a month of a large park takes some seconds.
DAYS_SECONDS = 150.0
COMPACT_SECONDS = 200.0  # a month of 700,000 rows takes 10 s; what does not fit is left to the command
NOT_FINAL_EVERY = timedelta(hours=1)  # sums of yesterday, which nobody takes for good, are so old at most


def collect_storage_metrics() -> str:
    """Measure every table; log what needs attention. Daily."""
    now = timezone.now()
    measured = measurement.collect(now.date(), now)
    warnings = status.storage().warnings
    for warning in warnings:
        logger.warning(warning)
    return "; ".join([f"{count_of(len(measured), 'table')} measured", *warnings])


def maintain_partitions() -> str:
    """Make the months missing ahead of today; log what needs attention. PartitionsError: not this time. Daily."""
    today = timezone.now().date()
    ahead = partitions.add_months(partitions.month_of(today), settings.PARTITIONS_AHEAD_MONTHS)
    added = partitions.ensure(today, ahead, patience_seconds=PATIENCE_SECONDS)
    problems = health.health(today).problems
    for problem in problems:
        logger.warning(problem)
    return "; ".join([f"{count_of(len(added), 'month')} made", *problems])


def make_days_anew() -> str:
    """Make the sums of days anew that are stale, as many as there is time for. DaysFailed: some could not be made."""
    parks = Park.objects.values_list("pk", flat=True)
    made = all_parks.make(parks, timezone.now(), not_final_after=NOT_FINAL_EVERY, seconds=DAYS_SECONDS)
    return str(made) if made.days or made.busy else "nothing to do: no day is stale"


def compact_months() -> str:
    """Rebuild closed months that take more room than their rows need, as many as there is time for. Monthly.

    CompactionError: not this time; what is done stays.
    """
    try:
        done = procedure.run(
            timezone.now().date(), lambda *_: None, patience_seconds=PATIENCE_SECONDS, seconds=COMPACT_SECONDS
        )
    except procedure.Stopped as stopped:
        said = f"{stopped}; " if str(stopped) else ""
        return f"{said}no time for more: manage.py maintain_partitions --compact goes on"
    for name, why_not in done.left.items():
        logger.warning("%s was not compacted: %s", name, why_not)
    if not done.months and not done.left:
        return "nothing to gain: every closed month is compact"
    said = f"{count_of(len(done.months), 'month')} compacted, {size_in_words(done.saved / 1e6)} saved"
    return "; ".join([said, *(f"{name} left alone: {why_not}" for name, why_not in done.left.items())])
