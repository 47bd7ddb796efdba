"""What follows an import: the quality check of the parks and days it brought in, at once or by the workers.

The import is complete whatever becomes of the check: its checkpoint wrote down that it is owed (quality.owed_checks),
in the transaction that ended it, and it stays owed until it is done.
"""

from collections.abc import Collection
from datetime import UTC, datetime

from django_q.tasks import async_task

from imports.archive.checkpoint import ImportCheckpoint
from imports.archive.run import ImportRun
from imports.archive.transitions import ImportStatus
from quality import owed_checks
from quality.check.paying import pay
from quality.tasks import line_of


def completed(run: ImportRun) -> list[str]:
    """The imports of a run that came to their end, by import_id. Others may have left it."""
    return [checkpoint.import_id for checkpoint in run.checkpoints if checkpoint.status == ImportStatus.COMPLETED]


def completed_and_owed(import_ids: Collection[str]) -> list[str]:
    """Those of these imports that are COMPLETED, and whose check is all that is left to do."""
    causes = {row.cause for row in owed_checks.owed(import_ids)}
    return list(
        ImportCheckpoint.objects.filter(import_id__in=causes, status=ImportStatus.COMPLETED).values_list(
            "import_id", flat=True
        )
    )


def check_now(import_ids: Collection[str] | None) -> str:
    """Do what these imports (None: all) left owed; a line that says what came of it, "" where nothing is owed.

    ChecksFailed: it stays owed; the message says what to do.
    """
    done = pay(datetime.now(UTC), import_ids)
    return f"quality check of {'; '.join(map(line_of, done))}" if done else ""


def check_later(import_ids: Collection[str] | None) -> None:
    """Let a worker do it. A message that gets lost loses nothing: what is owed is paid by the daily check."""
    async_task("quality.tasks.check_owed", None if import_ids is None else list(import_ids), save=False)
