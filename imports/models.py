"""The models of this app: Django and the migrations look for them here; they stand in the rooms they belong to."""

from imports.api.pace import ApiPace
from imports.archive.checkpoint import ClaimLost, ImportCheckpoint
from imports.archive.checkpoint_row import new_import_id
from imports.archive.day_file_model import FileOutcome, ImportedFile, ImportedFileRows
from imports.archive.pause_model import Pause
from imports.archive.transitions import ImportStatus, TransitionRefused
from imports.live.models import LiveCollection, ParkFreshness
from imports.workers.models import Worker
from imports.workers.preview_model import ImportPreview

__all__ = [
    "ApiPace",
    "ClaimLost",
    "FileOutcome",
    "ImportCheckpoint",
    "ImportPreview",
    "ImportStatus",
    "ImportedFile",
    "ImportedFileRows",
    "LiveCollection",
    "ParkFreshness",
    "Pause",
    "TransitionRefused",
    "Worker",
    "new_import_id",
]
