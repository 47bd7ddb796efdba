"""What follows a completed import: the quality check of the parks and days it touched, at once or by the workers.

The import is complete whatever becomes of the check: it can be called again at any time.
"""

import logging

from django.db import DatabaseError

from imports.archive.run import ImportRun
from quality.tasks import check_imported
from warehouse.server.catalog import CatalogError

logger = logging.getLogger(__name__)

TASK = "quality.tasks.check_imported"


def arguments(run: ImportRun) -> tuple[list[int], str, str]:
    """What check_imported takes, fit for a message: park ids, and the first and the last day as ISO dates."""
    return [checkpoint.park_id for checkpoint in run.checkpoints], f"{run.first}", f"{run.last}"


def check_now(run: ImportRun) -> str:
    """Check what the run brought in; a line that says what came of it, also where the check failed."""
    try:
        return f"quality check of {check_imported(*arguments(run))}"
    except (DatabaseError, CatalogError) as error:
        logger.exception("the quality check after an import failed")
        return f"The quality check failed ({error}); call it again with:  manage.py check_quality"
