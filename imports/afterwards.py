"""What follows a completed import: the quality check of the parks and days it touched.

The import is complete whatever becomes of the check: it can be called again at any time.
"""

import logging
from datetime import datetime

from django.db import DatabaseError

from imports.run import ImportRun
from quality import detectors
from warehouse.catalog import CatalogError

logger = logging.getLogger(__name__)


def parks_of(run: ImportRun) -> list[int]:
    return [checkpoint.park_id for checkpoint in run.checkpoints]


def check(run: ImportRun, now: datetime) -> str:
    """Check what the run brought in; a line that says what came of it."""
    try:
        checked = detectors.check(parks_of(run), run.first, run.last, now)
    except (DatabaseError, CatalogError) as error:
        logger.exception("the quality check after an import failed")
        return f"The quality check failed ({error}); call it again with:  manage.py check_quality"
    return (
        f"quality check: {checked.recorded.new:,} new findings, {checked.recorded.seen_again:,} seen again, "
        f"{len(checked.resolved):,} resolved"
    )
