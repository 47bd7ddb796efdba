"""What is to be done daily: plain functions, free of the queue that calls them. Doing one twice does no harm."""

import logging

from django.conf import settings
from django.utils import timezone

from warehouse.partitioning import health, partitions
from warehouse.storage import measurement, status
from warehouse.text import count_of

logger = logging.getLogger(__name__)

# Nobody waits for the answer, and a try that does not wait for a lock harms nobody.
PATIENCE_SECONDS = 60.0


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
