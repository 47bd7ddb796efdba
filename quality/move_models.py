"""What was done to findings, by whom and when: each move, and the batch of moves that one click made.

And which rides a finding is about.
"""

from datetime import datetime

from django.db import models
from django_mysql.models import EnumField

from quality.states import SYSTEM, ResolutionStatus
from warehouse.models import Ride


class TriageBatch(models.Model):
    """What one click of an operator did, to one finding or to thousands. Never changed, never deleted."""

    ASSIGN = "ASSIGN"
    UNDO = "UNDO"

    batch_id = models.BigAutoField(primary_key=True)
    made_at = models.DateTimeField()
    made_by = models.CharField(max_length=150, help_text="user name")
    act = models.CharField(max_length=15, help_text="the status the findings were brought to, or ASSIGN, or UNDO")
    note = models.TextField(blank=True)
    assignee = models.CharField(max_length=150, blank=True, default="", help_text="of ASSIGN: to whom; empty: nobody")
    findings = models.PositiveIntegerField(help_text="how many it moved")
    undoes = models.ForeignKey("self", on_delete=models.PROTECT, null=True, related_name="undone_by")

    class Meta:
        db_table = "data_quality_batches"
        verbose_name = "bulk"
        ordering = ["-batch_id"]
        default_permissions = ()  # who may look at findings sees them

    def __str__(self) -> str:
        return f"bulk {self.pk}"

    @classmethod
    def begun(cls, act: str, *, by: str, now: datetime, findings: int, **values) -> "TriageBatch | None":
        """The batch that moves belong to; None where there are none, and for the system, which takes nothing back."""
        if by == SYSTEM or not findings:
            return None
        return cls.objects.create(act=act, made_at=now, made_by=by, findings=findings, **values)


class DataQualityMove(models.Model):
    """The history of a finding: who moved it, when, from where to where and why. Never changed, never deleted.

    Where it was handed to somebody the status stays, and `assigned_to` says to whom ("": to nobody).
    """

    move_id = models.BigAutoField(primary_key=True)
    finding = models.ForeignKey("quality.DataQualityLog", on_delete=models.CASCADE, related_name="moves")
    moved_at = models.DateTimeField()
    moved_by = models.CharField(max_length=150, blank=True, help_text="user name; empty: the system")
    from_status = EnumField(choices=ResolutionStatus.choices)
    to_status = EnumField(choices=ResolutionStatus.choices)
    note = models.TextField(blank=True)
    undoes = models.OneToOneField("self", on_delete=models.PROTECT, null=True, related_name="undone_by")
    # No constraint, which would copy the table; batches are never deleted.
    batch = models.ForeignKey(
        TriageBatch, on_delete=models.DO_NOTHING, db_constraint=False, null=True, related_name="moves"
    )
    assigned_from = models.CharField(max_length=150, null=True)  # noqa: DJ001 (no assignment is not to nobody)
    assigned_to = models.CharField(max_length=150, null=True)  # noqa: DJ001

    class Meta:
        db_table = "data_quality_moves"
        verbose_name = "move of a finding"
        verbose_name_plural = "moves of findings"
        ordering = ["move_id"]

    def __str__(self) -> str:
        return f"{self.what} by {self.moved_by or 'the system'}"

    @property
    def what(self) -> str:
        """INVESTIGATING to RESOLVED, or assigned to ann (before: ben)."""
        if self.assigned_to is None:
            return f"{self.from_status} to {self.to_status}"
        before = f" (before: {self.assigned_from})" if self.assigned_from else ""
        return f"assigned to {self.assigned_to or 'nobody'}{before}"

    @property
    def said(self) -> str:
        """What, and why: INVESTIGATING to RESOLVED: imported again."""
        return self.what + (f": {self.note}" if self.note else "")


class FindingRide(models.Model):
    """Which rides a finding is about: its subject, and those that its evidence names. Written by quality.log alone."""

    id = models.BigAutoField(primary_key=True)
    finding = models.ForeignKey(
        "quality.DataQualityLog", on_delete=models.CASCADE, related_name="rides", db_index=False
    )
    # No constraint: an import holds locks on rides that the transaction of a check would wait for.
    ride = models.ForeignKey(Ride, on_delete=models.DO_NOTHING, db_constraint=False, related_name="+")

    class Meta:
        db_table = "data_quality_rides"
        default_permissions = ()
        constraints = [models.UniqueConstraint(fields=["finding", "ride"], name="uniq_quality_finding_ride")]

    def __str__(self) -> str:
        return f"finding {self.finding_id} is about ride {self.ride_id}"
