"""Everything paused: by whom, since when and why, and what was stopped by it, so that the way back restores just that.

While a pause lasts, no import begins or goes on (ImportCheckpoint.claim asks), the recurring jobs are off, and workers
leave the queue alone (imports.workers.broker). imports.workers.standstill begins and ends it.
"""

from datetime import datetime

from django.db import models
from django.db.models import Q
from django.utils import timezone

from warehouse.fields import NamesField, RecordsField
from warehouse.server.away import patient
from warehouse.text import duration_in_words

WHY_MAX = 200
OF_AN_IMPORT = ("id", "import_id", "park", "queued", "not_before", "last_error", "generation")
OF_A_JOB = ("id", "name", "repeats")


class Pause(models.Model):
    """One pause of everything; `is_active` is NULL once it is over, so that there is one active at most."""

    pause_id = models.BigAutoField(primary_key=True)
    is_active = models.BooleanField(null=True, default=True, unique=True)
    begun_at = models.DateTimeField()
    begun_by = models.CharField(max_length=150)
    why = models.CharField(max_length=WHY_MAX, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True)
    ended_by = models.CharField(max_length=150, blank=True)
    imports = RecordsField(keys=OF_AN_IMPORT, default=list, help_text="that it stopped: id, and how each stood")
    jobs = RecordsField(keys=OF_A_JOB, default=list, help_text="recurring jobs that it switched off: id, name, repeats")
    left = NamesField(default=list, help_text="what its end did not restore, and why")

    class Meta:
        db_table = "pauses"
        verbose_name = "pause of everything"
        verbose_name_plural = "pauses of everything"
        ordering = ["-pause_id"]
        constraints = [
            models.CheckConstraint(condition=Q(is_active=True) | Q(is_active=None), name="pauses_active_or_null")
        ]

    def __str__(self) -> str:
        return f"pause by {self.begun_by} of {self.begun_at:%Y-%m-%d %H:%M}Z"

    @classmethod
    @patient
    def current(cls) -> "Pause | None":
        """The one that lasts; None: nothing is paused."""
        return cls.objects.filter(is_active=True).first()

    def in_words(self, now: datetime | None = None) -> str:
        """`Everything is paused by anna since 2026-11-26 03:12Z (2 h 5 min): disk full`, without a full stop."""
        lasts = duration_in_words(((now or timezone.now()) - self.begun_at).total_seconds())
        said = f"Everything is paused by {self.begun_by} since {self.begun_at:%Y-%m-%d %H:%M}Z ({lasts})"
        return f"{said}: {self.why}" if self.why else said
