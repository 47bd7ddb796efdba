"""A preview of an import as a row, so that whoever asks for it need not wait for the source, and it outlives the
process that was asked."""

from datetime import datetime, timedelta

from django.db import models
from django.db.models.functions import Now

from warehouse.fields import OutsideCharField, OutsideTextField

STALE_SECONDS = 15  # without a sign of life: who looked is gone
STARTABLE_FOR = timedelta(minutes=30)  # what a source had longer ago may be something else now
FORGOTTEN_AFTER = timedelta(days=1)


class PreviewState(models.TextChoices):
    """How far a preview is."""

    WAITING = "WAITING"
    RUNNING = "RUNNING"
    READY = "READY"
    FAILED = "FAILED"
    CANCELLED = "CANCELLED"
    STARTED = "STARTED"  # imports were begun from it


UNDER_WAY = (PreviewState.WAITING, PreviewState.RUNNING)


class ImportPreview(models.Model):
    """What was asked for, how far a worker is with looking (imports.workers.preview_task), and what came of it."""

    preview_id = models.BigAutoField(primary_key=True)
    asked = models.JSONField(help_text="the form, as it was sent")
    request = models.JSONField(help_text="what is asked for of the source")
    source = models.CharField(max_length=600)
    made_by = models.CharField(max_length=150)
    created_at = models.DateTimeField(db_default=Now())
    state = models.CharField(max_length=9, choices=PreviewState.choices, default=PreviewState.WAITING)
    progress = OutsideCharField(max_length=400, blank=True, default="")
    trouble = OutsideCharField(max_length=400, blank=True, default="")
    seen_at = models.DateTimeField(null=True, help_text="last sign of life of who looks")
    ended_at = models.DateTimeField(null=True)
    listed = models.JSONField(default=list, help_text="the destinations of the source")
    result = models.JSONField(null=True)
    error = OutsideTextField(blank=True, default="")
    started = models.JSONField(default=list, help_text="checkpoint_ids of what was begun from it")

    class Meta:
        db_table = "import_previews"
        ordering = ["-preview_id"]
        default_permissions = ()

    def __str__(self) -> str:
        return f"preview {self.preview_id} of {self.source}"

    @property
    def is_under_way(self) -> bool:
        """Whether something may come of it yet."""
        return self.state in UNDER_WAY

    def is_lost(self, now: datetime) -> bool:
        """Whether who looked is gone: killed, or its host."""
        late = timedelta(seconds=STALE_SECONDS)
        return self.state == PreviewState.RUNNING and self.seen_at is not None and now - self.seen_at > late

    def is_too_old(self, now: datetime) -> bool:
        """Whether nothing is to be begun from it any more."""
        return self.ended_at is not None and now - self.ended_at > STARTABLE_FOR

    def cancel(self) -> bool:
        """Whoever looks notices within a second. False: it has ended before."""
        hit = ImportPreview.objects.filter(pk=self.pk, state__in=UNDER_WAY)
        return bool(hit.update(state=PreviewState.CANCELLED, ended_at=Now()))
