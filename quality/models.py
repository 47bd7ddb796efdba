"""data_quality_log: one record per issue, and the one state machine that brings it from status to status.

A transition is a conditional UPDATE and a row of data_quality_moves in the same database transaction. Operators have
TRANSITIONS; the system alone reopens (SYSTEM_TRANSITIONS), and it resolves through the same states as everybody. An
operator's own last transition can be taken back (`undo`): that is a correction, written down as such, and not a
transition of its own (docs/decisions/triage.md).
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

from django.db import models, transaction
from django.db.models import Count
from django.db.models.functions import Now
from django_mysql.models import EnumField, FixedCharField

from warehouse.models import Park

SYSTEM = ""  # who acts when nobody does; no user can have this name


class IssueType(models.TextChoices):
    """What kind of issue a reason is; the values of data_quality_log.issue_type."""

    GAP = "GAP"
    DUPLICATE = "DUPLICATE"
    INVALID = "INVALID"
    MISSING_FIELD = "MISSING_FIELD"


class ResolutionStatus(models.TextChoices):
    """How far an issue is dealt with; the diagram is DataQualityLog.TRANSITIONS."""

    OPEN = "OPEN"
    INVESTIGATING = "INVESTIGATING"
    RESOLVED = "RESOLVED"
    WONTFIX = "WONTFIX", "Won't fix"


TO_DO = (ResolutionStatus.OPEN, ResolutionStatus.INVESTIGATING)
_NEEDS_A_NOTE = {ResolutionStatus.RESOLVED: "resolve", ResolutionStatus.WONTFIX: "give up"}


class TransitionRefused(Exception):
    """A transition the state machine does not allow; the message names the allowed ones."""


@dataclass(slots=True)
class Triage:
    """What became of many records: the ids of the `moved` by the state they came from, a sentence for each other."""

    moved: dict[str, list[int]] = field(default_factory=dict)
    refused: list[str] = field(default_factory=list)

    @property
    def count(self) -> int:
        """How many records were moved."""
        return sum(map(len, self.moved.values()))


class DataQualityLog(models.Model):
    """One finding, recorded once however often it is seen (its fingerprint is unique). Written by quality.log alone."""

    #: target -> the states an operator may bring it there from
    TRANSITIONS = {
        ResolutionStatus.INVESTIGATING: {ResolutionStatus.OPEN},
        ResolutionStatus.RESOLVED: {ResolutionStatus.INVESTIGATING},
        ResolutionStatus.WONTFIX: {ResolutionStatus.OPEN, ResolutionStatus.INVESTIGATING},
    }
    #: what the system may do beside: a finding that comes back is open again
    SYSTEM_TRANSITIONS = {ResolutionStatus.OPEN: {ResolutionStatus.RESOLVED}}

    log_id = models.BigAutoField(primary_key=True)
    issue_type = EnumField(choices=IssueType.choices)
    reason = models.CharField(max_length=50, help_text="what is wrong, as a word: unknown_status, missing_days, ...")
    entity_type = models.CharField(max_length=50, help_text="park, ride, destination, import, table")
    entity_id = models.BigIntegerField(null=True, blank=True, help_text="park_id or ride_id")
    entity_key = models.CharField(max_length=100, help_text="the subject's stable name, its themeparks_wiki_id")
    park = models.ForeignKey(Park, on_delete=models.PROTECT, null=True, blank=True, related_name="findings")
    timestamp_start = models.DateTimeField()
    timestamp_end = models.DateTimeField(null=True, blank=True)
    description = models.TextField()
    resolution_status = EnumField(
        choices=ResolutionStatus.choices, default=ResolutionStatus.OPEN, db_default=ResolutionStatus.OPEN
    )
    created_at = models.DateTimeField(help_text="first seen")
    fingerprint = FixedCharField(max_length=64, unique=True)
    occurrences = models.PositiveBigIntegerField(
        default=1, db_default=1, help_text="records concerned, each file counted once"
    )
    last_seen_at = models.DateTimeField()
    source_file = models.CharField(max_length=255, blank=True)
    evidence = models.JSONField(default=dict, blank=True)
    resolution_note = models.TextField(blank=True, help_text="why it was decided so; the whole story: its moves")

    class Meta:
        db_table = "data_quality_log"
        verbose_name = "finding"
        ordering = ["-log_id"]
        permissions = [("triage_dataqualitylog", "Can triage findings")]
        indexes = [
            models.Index(fields=["resolution_status", "issue_type"], name="idx_quality_status_type"),
            models.Index(fields=["entity_type", "entity_id"], name="idx_quality_entity"),
            models.Index(fields=["reason", "entity_key", "timestamp_start"], name="idx_quality_reason_entity"),
            models.Index(fields=["timestamp_start"], name="idx_quality_start"),
        ]

    def __str__(self) -> str:
        return self.description

    def days(self) -> tuple[date, date]:
        """The first and the last day (UTC) of the period, both included; without an end, the first day twice."""
        first = self.timestamp_start.date()
        if self.timestamp_end is None:
            return first, first
        return first, max(first, (self.timestamp_end - timedelta(microseconds=1)).date())

    def allowed_transitions(self) -> list[str]:
        """Where an operator may bring this record from here, in the order of the diagram."""
        return [target for target, origins in self.TRANSITIONS.items() if self.resolution_status in origins]

    @classmethod
    @transaction.atomic
    def transition(cls, ids: Iterable[int], target: str, *, by: str, now: datetime, note: str = "") -> Triage:
        """Bring many records to `target`: those that may go there go, each other gets a sentence that says why not.

        `by` is the operator's name, or SYSTEM. TransitionRefused: the note that resolving and giving up take is
        missing, or nobody may ever bring a record to `target`.
        """
        origins = set(cls.TRANSITIONS.get(target, ()))
        if by == SYSTEM:
            origins |= cls.SYSTEM_TRANSITIONS.get(target, set())
        if not origins:
            raise TransitionRefused(f"Nobody may set a finding to {target}; {_diagram()}")
        note = note.strip()
        if target in _NEEDS_A_NOTE and not note:
            raise TransitionRefused(f"Say why: to {_NEEDS_A_NOTE[target]} a finding takes a note")
        ids = list(ids)
        triage = Triage()
        # Locked in the order of the key, so that two operators with overlapping lists wait and do not deadlock.
        rows = cls.objects.select_for_update().filter(pk__in=ids).order_by("pk")
        statuses = dict(rows.values_list("pk", "resolution_status"))
        for pk in ids:
            if pk not in statuses:
                triage.refused.append(f"Finding {pk} does not exist")
            elif statuses[pk] in origins:
                triage.moved.setdefault(statuses[pk], []).append(pk)
            else:
                triage.refused.append(_refusal(pk, statuses[pk], target))
        for origin, pks in triage.moved.items():
            changes = {"resolution_status": target} | ({"resolution_note": note} if note else {})
            cls.objects.filter(pk__in=pks, resolution_status=origin).update(**changes)
            DataQualityMove.objects.bulk_create(
                [
                    DataQualityMove(
                        finding_id=pk, moved_at=now, moved_by=by, from_status=origin, to_status=target, note=note
                    )
                    for pk in pks
                ]
            )
        return triage

    @transaction.atomic
    def resolve_by_system(self, evidence: str, *, now: datetime) -> bool:
        """The matter is gone: through INVESTIGATING to RESOLVED. False: an operator has decided meanwhile."""
        DataQualityLog.transition([self.pk], ResolutionStatus.INVESTIGATING, by=SYSTEM, now=now, note=evidence)
        triage = DataQualityLog.transition([self.pk], ResolutionStatus.RESOLVED, by=SYSTEM, now=now, note=evidence)
        self.refresh_from_db()
        return not triage.refused

    def undoable(self, by: str) -> "DataQualityMove | None":
        """What `by` may take back: the last transition, if it is their own, no undo, and nothing happened since."""
        last = self.moves.order_by("-move_id").first()
        if (
            last is None
            or by == SYSTEM
            or last.moved_by != by
            or last.undoes_id
            or last.to_status != self.resolution_status
        ):
            return None
        return last

    @transaction.atomic
    def undo(self, *, by: str, now: datetime) -> "DataQualityMove":
        """Take back one's own last transition; the record stands where it stood before, and both are in the history.

        It never leads from RESOLVED to OPEN, since RESOLVED is reached from INVESTIGATING alone.
        """
        self.refresh_from_db(from_queryset=DataQualityLog.objects.select_for_update())
        last = self.undoable(by)
        if last is None:
            raise TransitionRefused(
                f"Finding {self.pk} cannot be taken back by {by}: only one's own last transition can, as long as "
                f"nothing happened since. It is {self.resolution_status}{_allowed(self.resolution_status)}"
            )
        DataQualityLog.objects.filter(pk=self.pk, resolution_status=last.to_status).update(
            resolution_status=last.from_status, resolution_note=""
        )
        self.refresh_from_db()
        return DataQualityMove.objects.create(
            finding=self,
            moved_at=now,
            moved_by=by,
            from_status=last.to_status,
            to_status=last.from_status,
            note=f"taken back: {last.note}" if last.note else "taken back",
            undoes=last,
        )


class DataQualityMove(models.Model):
    """The history of a finding: who moved it, when, from where to where and why. Never changed, never deleted."""

    move_id = models.BigAutoField(primary_key=True)
    finding = models.ForeignKey(DataQualityLog, on_delete=models.CASCADE, related_name="moves")
    moved_at = models.DateTimeField()
    moved_by = models.CharField(max_length=150, blank=True, help_text="user name; empty: the system")
    from_status = EnumField(choices=ResolutionStatus.choices)
    to_status = EnumField(choices=ResolutionStatus.choices)
    note = models.TextField(blank=True)
    undoes = models.OneToOneField("self", on_delete=models.PROTECT, null=True, related_name="undone_by")

    class Meta:
        db_table = "data_quality_moves"
        verbose_name = "move of a finding"
        verbose_name_plural = "moves of findings"
        ordering = ["move_id"]

    def __str__(self) -> str:
        return f"{self.from_status} to {self.to_status} by {self.moved_by or 'the system'}"

    @property
    def said(self) -> str:
        """From where to where, and why: INVESTIGATING to RESOLVED: imported again."""
        return f"{self.from_status} to {self.to_status}" + (f": {self.note}" if self.note else "")

    @classmethod
    def latest_of_people(cls, limit: int) -> list["DataQualityMove"]:
        """The last `limit` of what operators did, the latest first, each with its finding."""
        return list(cls.objects.exclude(moved_by=SYSTEM).select_related("finding").order_by("-move_id")[:limit])


class OwedCheck(models.Model):
    """Days of a park that came in and no check has seen yet. Written and paid by quality.owed_checks alone."""

    owed_id = models.BigAutoField(primary_key=True)
    # No constraint: it would lock the park in the transaction that ends an import, while others hold it and want that
    # import's row. Parks are never deleted.
    park = models.ForeignKey(Park, on_delete=models.DO_NOTHING, db_constraint=False, db_index=False, related_name="+")
    first_day = models.DateField()
    last_day = models.DateField(help_text="included")
    owed_since = models.DateTimeField(db_default=Now())
    cause = models.CharField(max_length=20, help_text="the import that brought the days in")

    class Meta:
        db_table = "quality_checks_owed"
        verbose_name = "owed check"
        ordering = ["owed_id"]
        indexes = [models.Index(fields=["cause"], name="idx_owed_cause")]

    def __str__(self) -> str:
        return f"check of {self.park}, {self.first_day} to {self.last_day}, for {self.cause}"


def to_do_by_kind() -> dict[str, int]:
    """How many findings wait for an operator (OPEN or INVESTIGATING), by kind; from idx_quality_status_type alone."""
    rows = (
        DataQualityLog.objects.filter(resolution_status__in=TO_DO)
        .order_by()
        .values_list("issue_type")
        .annotate(Count("pk"))
    )
    return dict.fromkeys(IssueType.values, 0) | dict(rows)


def _refusal(pk: int, status: str, target: str) -> str:
    return f"Finding {pk} is {status} and cannot become {target}{_allowed(status)}"


def _allowed(status: str) -> str:
    allowed = [target for target, origins in DataQualityLog.TRANSITIONS.items() if status in origins]
    if allowed:
        return f"; it may become {' or '.join(allowed)}"
    if status == ResolutionStatus.RESOLVED:
        return "; it is done, and the system opens it again when the same finding comes back"
    return "; it is given up for good"


def _diagram() -> str:
    return "; ".join(
        f"{target} is reached from {' or '.join(sorted(origins))}"
        for target, origins in DataQualityLog.TRANSITIONS.items()
    )
