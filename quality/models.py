"""data_quality_log: one record per doubt, and the states an operator moves it through."""

from django.db import models
from django_mysql.models import EnumField, FixedCharField


class IssueType(models.TextChoices):
    GAP = "GAP"
    DUPLICATE = "DUPLICATE"
    INVALID = "INVALID"
    MISSING_FIELD = "MISSING_FIELD"


class ResolutionStatus(models.TextChoices):
    OPEN = "OPEN"
    INVESTIGATING = "INVESTIGATING"
    RESOLVED = "RESOLVED"
    WONTFIX = "WONTFIX"


class DataQualityLog(models.Model):
    """One finding, told once however often it is seen (its fingerprint is unique). Written by quality.log alone."""

    log_id = models.BigAutoField(primary_key=True)
    issue_type = EnumField(choices=IssueType.choices)
    reason = models.CharField(max_length=50, help_text="what is wrong, as a word: unknown_status, missing_days, ...")
    entity_type = models.CharField(max_length=50, help_text="park, ride, destination, table")
    entity_id = models.BigIntegerField(null=True, blank=True, help_text="park_id or ride_id")
    timestamp_start = models.DateTimeField()
    timestamp_end = models.DateTimeField(null=True, blank=True)
    description = models.TextField()
    resolution_status = EnumField(
        choices=ResolutionStatus.choices, default=ResolutionStatus.OPEN, db_default=ResolutionStatus.OPEN
    )
    created_at = models.DateTimeField()
    fingerprint = FixedCharField(max_length=64, unique=True)
    occurrences = models.PositiveBigIntegerField(
        default=1, db_default=1, help_text="records concerned, at the last look"
    )
    last_seen_at = models.DateTimeField()
    source_file = models.CharField(max_length=255, blank=True)
    evidence = models.JSONField(default=dict, blank=True)
    resolution_note = models.TextField(blank=True)

    class Meta:
        db_table = "data_quality_log"
        verbose_name = "finding"
        ordering = ["-log_id"]
        indexes = [
            models.Index(fields=["resolution_status", "issue_type"], name="idx_quality_status_type"),
            models.Index(fields=["entity_type", "entity_id"], name="idx_quality_entity"),
        ]

    def __str__(self) -> str:
        return self.description
