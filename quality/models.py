"""data_quality_log: one record per issue, and the one state machine that brings it from status to status.

A transition is a conditional UPDATE and a row of data_quality_moves in the same database transaction. Operators have
the ways of quality.states; the system alone reopens by itself, and it resolves through the same states as everybody.
What one click of an operator did, to one finding or to thousands, is a batch, which is taken back as a whole
(quality.taking_back): that is a correction, written down as such, and not a transition of its own
(docs/decisions/triage.md).
"""

from collections.abc import Iterable, Mapping
from datetime import date, datetime, timedelta

from django.db import models, transaction
from django.db.models import Count
from django_mysql.models import EnumField, FixedCharField

from quality import states
from quality.move_models import DataQualityMove, FindingRide, TriageBatch
from quality.owed_models import OwedCheck
from quality.states import SYSTEM, TO_DO, IssueType, ResolutionStatus, TransitionRefused, Triage, in_parts
from warehouse.fields import ObjectField, OutsideCharField, OutsideTextField
from warehouse.models import Park

__all__ = [
    "SYSTEM",
    "TO_DO",
    "DataQualityLog",
    "DataQualityMove",
    "FindingRide",
    "IssueType",
    "OwedCheck",
    "ResolutionStatus",
    "TransitionRefused",
    "Triage",
    "TriageBatch",
    "to_do_by_kind",
]

MOVES_PER_STATEMENT = 2_000  # with a note of 2,000 characters 5 MB, of 16 that a statement may have


class DataQualityLog(models.Model):
    """One finding, recorded once however often it is seen (its fingerprint is unique). Written by quality.log alone."""

    TRANSITIONS = states.TRANSITIONS
    SYSTEM_TRANSITIONS = states.SYSTEM_TRANSITIONS

    log_id = models.BigAutoField(primary_key=True)
    issue_type = EnumField(choices=IssueType.choices)
    reason = models.CharField(max_length=50, help_text="what is wrong, as a word: unknown_status, missing_days, ...")
    entity_type = models.CharField(max_length=50, help_text="park, ride, destination, import, table")
    entity_id = models.BigIntegerField(null=True, blank=True, help_text="park_id or ride_id")
    entity_key = OutsideCharField(max_length=100, help_text="the subject's stable name, its themeparks_wiki_id")
    park = models.ForeignKey(Park, on_delete=models.PROTECT, null=True, blank=True, related_name="findings")
    timestamp_start = models.DateTimeField()
    timestamp_end = models.DateTimeField(null=True, blank=True)
    description = OutsideTextField()
    resolution_status = EnumField(
        choices=ResolutionStatus.choices, default=ResolutionStatus.OPEN, db_default=ResolutionStatus.OPEN
    )
    created_at = models.DateTimeField(help_text="first seen")
    fingerprint = FixedCharField(max_length=64, unique=True)
    occurrences = models.PositiveBigIntegerField(
        default=1, db_default=1, help_text="records concerned, each file counted once"
    )
    last_seen_at = models.DateTimeField()
    source_file = OutsideCharField(max_length=255, blank=True)
    evidence = ObjectField(default=dict, blank=True)
    resolution_note = models.TextField(blank=True, help_text="why it was decided so; the whole story: its moves")
    assignee = models.CharField(
        max_length=150, blank=True, default="", db_default="", help_text="user name of who sees to it; empty: nobody"
    )

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
            models.Index(fields=["created_at"], name="idx_quality_created"),
            # all that the list of groups shows: it is made from the index alone
            models.Index(
                fields=["resolution_status", "reason", "park", "created_at", "issue_type", "assignee"],
                name="idx_quality_groups",
            ),
        ]

    def __str__(self) -> str:
        return self.description

    def days(self) -> tuple[date, date]:
        """The first and the last day (UTC) of the period, both included; without an end, the first day twice."""
        first = self.timestamp_start.date()
        if self.timestamp_end is None or self.timestamp_end <= self.timestamp_start:
            return first, first
        return first, (self.timestamp_end - timedelta(microseconds=1)).date()

    def allowed_transitions(self) -> list[str]:
        """Where an operator may bring this record from here, in the order of the diagram."""
        return states.targets_from(self.resolution_status)

    @classmethod
    @transaction.atomic
    def transition(
        cls,
        ids: Iterable[int],
        target: str,
        *,
        by: str,
        now: datetime,
        note: str = "",
        shown: Mapping[int, str] | None = None,
        assign_to: str | None = None,
    ) -> Triage:
        """Bring many records to `target`: those that may go there go, each other gets a sentence that says why not.

        `by` is the operator's name, or SYSTEM. `shown` gives the states that the operator saw: what stands elsewhere by
        now was moved by another meanwhile and stays. `assign_to` hands those that move to somebody at once.
        TransitionRefused: the note that resolving and giving up take is missing, or nobody may ever bring a record to
        `target`.
        """
        note = states.checked_note(target, note, by=by)
        ids = list(ids)
        triage = Triage()
        found = cls.locked(ids, "resolution_status", "assignee")
        ways: dict[str, list[str]] = {}
        for pk in ids:
            if pk not in found:
                triage.refused.append(f"Finding {pk} does not exist")
                continue
            status = found[pk][0]
            if shown is not None and status != shown[pk]:
                triage.refused.append(f"Finding {pk} was {shown[pk]} when it was shown and is {status} now: left alone")
            elif steps := ways.setdefault(status, states.way(status, target, by=by)):
                triage.moved.setdefault(status, []).append(pk)
            else:
                triage.refused.append(states.refusal(pk, status, target))
        batch = TriageBatch.begun(target, by=by, now=now, note=note, findings=triage.count)
        moves = []
        for origin, pks in triage.moved.items():
            steps = ways[origin]
            changes = {"resolution_status": target} | ({"resolution_note": note} if note else {})
            for some in in_parts(pks):
                cls.objects.filter(pk__in=some, resolution_status=origin).update(**changes)
            moves += [
                DataQualityMove(
                    finding_id=pk,
                    moved_at=now,
                    moved_by=by,
                    from_status=before,
                    to_status=after,
                    note=note if after == target else "",
                    batch=batch,
                )
                for before, after in zip([origin, *steps], steps, strict=False)
                for pk in pks
            ]
        if assign_to is not None:
            moved = [pk for pks in triage.moved.values() for pk in pks if found[pk][1] != assign_to]
            moves += cls._handed(moved, assign_to, {pk: (target, found[pk][1]) for pk in moved}, by, now, "", batch)
        DataQualityMove.objects.bulk_create(moves, batch_size=MOVES_PER_STATEMENT)
        triage.batch = batch.pk if batch else None
        return triage

    @classmethod
    @transaction.atomic
    def assign(
        cls,
        ids: Iterable[int],
        to: str,
        *,
        by: str,
        now: datetime,
        note: str = "",
        shown: Mapping[int, tuple[str, str]] | None = None,
    ) -> Triage:
        """Hand records to the operator called `to`, or to nobody (""); a row of each stands in its history.

        Only what is to do can be handed over. `shown` gives the state and the assignee that the operator saw: what
        differs by now stays as it is, and a sentence says so.
        """
        note = states.checked_length(note.strip(), by=by)
        ids = list(ids)
        triage = Triage()
        found = cls.locked(ids, "resolution_status", "assignee")
        for pk in ids:
            if pk not in found:
                triage.refused.append(f"Finding {pk} does not exist")
                continue
            status, assignee = found[pk]
            if shown is not None and (status, assignee) != shown[pk]:
                triage.refused.append(
                    f"Finding {pk} was {_held(*shown[pk])} when it was shown and is {_held(status, assignee)} now: "
                    "left alone"
                )
            elif status not in TO_DO:
                triage.refused.append(f"Finding {pk} is {status}: only what is to do is assigned")
            elif assignee != to:
                triage.moved.setdefault(status, []).append(pk)
        batch = TriageBatch.begun(TriageBatch.ASSIGN, by=by, now=now, note=note, findings=triage.count, assignee=to)
        moved = [pk for pks in triage.moved.values() for pk in pks]
        moves = cls._handed(moved, to, found, by, now, note, batch)
        DataQualityMove.objects.bulk_create(moves, batch_size=MOVES_PER_STATEMENT)
        triage.batch = batch.pk if batch else None
        return triage

    @classmethod
    def locked(cls, ids: Iterable[int], *columns: str) -> dict[int, tuple]:
        """The columns of these records, which nobody else writes until the transaction ends.

        Locked in the order of the key, so that two operators with overlapping lists wait and do not deadlock.
        """
        found: dict[int, tuple] = {}
        for some in in_parts(sorted(ids)):
            rows = cls.objects.select_for_update().filter(pk__in=some).order_by("pk")
            found |= {pk: tuple(values) for pk, *values in rows.values_list("pk", *columns)}
        return found

    @classmethod
    def _handed(cls, pks, to, found, by, now, note, batch) -> list["DataQualityMove"]:
        """Write the assignee of these, of which `found` gives state and assignee; the moves that tell it."""
        for some in in_parts(pks):
            cls.objects.filter(pk__in=some).update(assignee=to)
        return [
            DataQualityMove(
                finding_id=pk,
                moved_at=now,
                moved_by=by,
                from_status=found[pk][0],
                to_status=found[pk][0],
                note=note,
                batch=batch,
                assigned_from=found[pk][1],
                assigned_to=to,
            )
            for pk in pks
        ]

    def resolve_by_system(self, evidence: str, *, now: datetime) -> bool:
        """The matter is gone: through INVESTIGATING to RESOLVED. False: an operator has decided meanwhile."""
        triage = DataQualityLog.transition([self.pk], ResolutionStatus.RESOLVED, by=SYSTEM, now=now, note=evidence)
        self.refresh_from_db()
        return not triage.refused


def to_do_by_kind() -> dict[str, int]:
    """How many findings wait for an operator (OPEN or INVESTIGATING), by kind; from idx_quality_status_type alone."""
    rows = (
        DataQualityLog.objects.filter(resolution_status__in=TO_DO)
        .order_by()
        .values_list("issue_type")
        .annotate(Count("pk"))
    )
    return dict.fromkeys(IssueType.values, 0) | dict(rows)


def _held(status: str, assignee: str) -> str:
    return f"{status}, assigned to {assignee}" if assignee else f"{status}, assigned to nobody"
