"""Which months were compacted, and which one is being: a table of the warehouse. Part of warehouse.models for whoever
looks for a table.
"""

from django.db import models
from django_mysql.models import EnumField


class CompactionStep(models.TextChoices):
    """How far it is. COPYING: whatever lies in the shadow table is a copy. EXCHANGING: month and shadow table hold the
    same rows, and which of them is the old one is not known. DONE: there is no shadow table of it."""

    COPYING = "COPYING"
    EXCHANGING = "EXCHANGING"
    DONE = "DONE"


class MonthCompaction(models.Model):
    """A month's partition that is being compacted, or was: the last time alone (warehouse.partitioning.compacting)."""

    partition_name = models.CharField(max_length=64, primary_key=True)
    step = EnumField(choices=CompactionStep.choices)
    began_at = models.DateTimeField()
    done_at = models.DateTimeField(null=True, blank=True)
    row_count = models.BigIntegerField(default=0, help_text="rows of the copy")
    checksum = models.CharField(
        max_length=64, blank=True, default="", help_text="of the copy's rows: what may be dropped has the same"
    )
    bytes_before = models.BigIntegerField(default=0)
    bytes_after = models.BigIntegerField(default=0)
    page_compressed = models.BooleanField(default=False)

    class Meta:
        db_table = "month_compactions"
        verbose_name_plural = "month compactions"
        ordering = ["partition_name"]

    def __str__(self) -> str:
        return f"{self.partition_name}: {self.step}"
