"""The checkpoint of an import with its state machine, and the ledger of day files.

Every move of a checkpoint is one conditional UPDATE written here, and every door (command, admin, task) uses it: a
worker that was paused, replaced or frozen finds its UPDATE hitting no row and can change nothing.
"""

import secrets
from datetime import timedelta

from django.db import connection, models
from django.db.models import F, Q
from django.db.models.functions import Now
from django_mysql.models import EnumField, FixedCharField

from imports.source_models import ApiPace, LiveCollection, ParkFreshness  # noqa: F401  (Django finds models here)
from imports.worker import is_known_dead
from warehouse.models import Park

HEARTBEAT_EVERY_SECONDS = 5
HEARTBEAT_STALE_SECONDS = 30


class ImportStatus(models.TextChoices):
    PENDING = "PENDING"
    IN_PROGRESS = "IN_PROGRESS"
    COMPLETED = "COMPLETED"
    FAILED = "FAILED"
    PAUSED = "PAUSED"


class MoveRefused(Exception):
    """A move the state machine does not allow from where the import stands; the message names the allowed ones."""


class ClaimLost(Exception):
    """The checkpoint is no longer this worker's: it was paused, given up, or taken over by another worker."""

    def __init__(self, checkpoints: list["ImportCheckpoint"]):
        self.checkpoints = checkpoints
        super().__init__(", ".join(checkpoint.import_id for checkpoint in checkpoints))


def new_import_id() -> str:
    return f"imp_{secrets.token_hex(8)}"


class ImportCheckpoint(models.Model):
    """How far the import of one park's days has come. Advanced in the transaction of the rows it speaks of."""

    #: target -> the states it may be reached from
    MOVES = {
        ImportStatus.IN_PROGRESS: {
            ImportStatus.PENDING,
            ImportStatus.PAUSED,
            ImportStatus.FAILED,
            ImportStatus.IN_PROGRESS,  # only by takeover from a worker that gives no sign of life
        },
        ImportStatus.PAUSED: {ImportStatus.PENDING, ImportStatus.IN_PROGRESS},
        ImportStatus.FAILED: {ImportStatus.IN_PROGRESS, ImportStatus.PAUSED},
        ImportStatus.COMPLETED: {ImportStatus.IN_PROGRESS},
    }

    checkpoint_id = models.AutoField(primary_key=True)
    import_id = models.CharField(max_length=20, unique=True, default=new_import_id)
    park = models.ForeignKey(Park, on_delete=models.PROTECT, related_name="imports")
    last_processed_date = models.DateField(null=True, blank=True)
    last_processed_file = models.CharField(max_length=255, null=True, blank=True)  # noqa: DJ001
    records_imported = models.BigIntegerField(default=0, help_text="snapshots stored")
    errors_encountered = models.BigIntegerField(default=0, help_text="events rejected and files unreadable")
    status = EnumField(choices=ImportStatus.choices, default=ImportStatus.PENDING, db_default=ImportStatus.PENDING)
    created_at = models.DateTimeField(db_default=Now())
    updated_at = models.DateTimeField(db_default=Now())
    start_date = models.DateField(null=True, blank=True)
    end_date = models.DateField(null=True, blank=True)
    source = models.CharField(max_length=500)
    whole_destination = models.BooleanField(default=False, help_text="parks that first appear on the way join in")
    missing_only = models.BooleanField(default=False, help_text="days that are imported already are passed over")
    replace_live = models.BooleanField(default=False, help_text="LIVE rows of a day go when its ARCHIVE rows come")
    files_total = models.IntegerField(default=0, help_text="days of the range, with those that have no file")
    files_processed = models.IntegerField(default=0)
    generation = models.IntegerField(default=0, help_text="raised by every claim; a worker of an older one is out")
    worker = models.CharField(max_length=255, blank=True)
    heartbeat_at = models.DateTimeField(null=True, blank=True, help_text="last sign of life of the worker")
    last_error = models.TextField(blank=True)

    class Meta:
        db_table = "import_checkpoints"
        verbose_name = "import"
        ordering = ["-checkpoint_id"]
        indexes = [models.Index(fields=["status", "park"], name="idx_checkpoint_status_park")]

    def __str__(self) -> str:
        return f"{self.import_id} of {self.park}"

    # --- claiming and being alive -------------------------------------------------------------------------------
    def claim(self, worker: str) -> None:
        """Make `worker` the one that goes on with this import. MoveRefused: it is completed, or somebody is at it."""
        alive = Q(
            status=ImportStatus.IN_PROGRESS,
            heartbeat_at__gt=Now() - timedelta(seconds=HEARTBEAT_STALE_SECONDS),
        )
        if is_known_dead(self.worker):
            alive &= ~Q(worker=self.worker)
        hit = (
            ImportCheckpoint.objects.filter(
                pk=self.pk, generation=self.generation, status__in=self.MOVES[ImportStatus.IN_PROGRESS]
            )
            .exclude(alive)
            .update(
                status=ImportStatus.IN_PROGRESS,
                generation=F("generation") + 1,
                worker=worker,
                heartbeat_at=Now(),
                updated_at=Now(),
                last_error="",
            )
        )
        self.refresh_from_db()
        if not hit:
            self._refuse(ImportStatus.IN_PROGRESS)

    def is_alive(self) -> bool:
        """Whether a worker is at it and has given a sign of life."""
        if self.status != ImportStatus.IN_PROGRESS or is_known_dead(self.worker):
            return False
        age = self.seconds_since_heartbeat()
        return age is not None and age < HEARTBEAT_STALE_SECONDS

    def beat(self) -> bool:
        """Say that the worker lives; False when the import is no longer its own."""
        return bool(self._mine().update(heartbeat_at=Now()))

    def advance(self, *, day, source_file: str, stored: int, errors: int, files: int = 1) -> None:
        """Move past one day file, inside its transaction. ClaimLost when this worker no longer holds the import."""
        with connection.cursor() as cursor:  # as SQL: through the ORM it took a third of the time of a small file
            hit = cursor.execute(
                "UPDATE import_checkpoints SET last_processed_date = %s, last_processed_file = %s, "
                "records_imported = records_imported + %s, errors_encountered = errors_encountered + %s, "
                "files_processed = files_processed + %s, "
                "heartbeat_at = UTC_TIMESTAMP(6), updated_at = UTC_TIMESTAMP(6) "
                "WHERE checkpoint_id = %s AND status = 'IN_PROGRESS' AND generation = %s "
                "AND last_processed_file <=> %s",
                [day, source_file, stored, errors, files, self.pk, self.generation, self.last_processed_file],
            )
        if not hit:
            raise ClaimLost([self])

    # --- moves ----------------------------------------------------------------------------------------------------
    def complete(self) -> None:
        """The worker reached the end of the range. ClaimLost when the import is no longer its own."""
        if not self._mine().update(status=ImportStatus.COMPLETED, updated_at=Now()):
            raise ClaimLost([self])
        self.refresh_from_db()

    def pause(self, why: str = "", *, generation: int | None = None) -> None:
        """Stop after the file in hand; whoever works on it notices at its next commit.

        A worker that stops by itself names the generation it claimed, so that it cannot stop its successor.
        """
        self._move(ImportStatus.PAUSED, why, generation)

    def fail(self, why: str, *, generation: int | None = None) -> None:
        """Give the import up, with the reason; a retry is a claim."""
        self._move(ImportStatus.FAILED, why, generation)

    def allowed_moves(self) -> list[str]:
        return [target for target, origins in self.MOVES.items() if self.status in origins]

    @property
    def resume_command(self) -> str:
        return f"manage.py import_archive --resume {self.import_id}"

    def seconds_since_heartbeat(self) -> float | None:
        """By the server's clock, so that workers on several hosts need not agree on the time."""
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT TIMESTAMPDIFF(MICROSECOND, heartbeat_at, UTC_TIMESTAMP(6)) / 1e6 "
                "FROM import_checkpoints WHERE checkpoint_id = %s",
                [self.pk],
            )
            (age,) = cursor.fetchone()
        return None if age is None else float(age)

    def _mine(self):
        return ImportCheckpoint.objects.filter(pk=self.pk, status=ImportStatus.IN_PROGRESS, generation=self.generation)

    def _move(self, target: str, why: str, generation: int | None) -> None:
        movable = ImportCheckpoint.objects.filter(pk=self.pk, status__in=self.MOVES[target])
        if generation is not None:
            movable = movable.filter(generation=generation)
        hit = movable.update(status=target, last_error=why, updated_at=Now())
        self.refresh_from_db()
        if not hit:
            self._refuse(target)

    def _refuse(self, target: str) -> None:
        if self.status == target == ImportStatus.IN_PROGRESS:
            age = self.seconds_since_heartbeat() or 0
            raise MoveRefused(
                f"{self.import_id} of {self.park} is being imported by {self.worker} "
                f"(last sign of life {age:.0f} s ago; without one for {HEARTBEAT_STALE_SECONDS} s it can be taken over)"
            )
        allowed = ", ".join(self.allowed_moves()) or "nothing: start a new import"
        raise MoveRefused(
            f"{self.import_id} of {self.park} is {self.status} and cannot become {target}; it may become {allowed}"
        )


class FileOutcome(models.TextChoices):
    IMPORTED = "IMPORTED"
    MISSING = "MISSING"
    UNREADABLE = "UNREADABLE"


class ImportedFile(models.Model):
    """The ledger: what the last reading of one day's file gave for one park.

    Held on every row: events_read = stored + already_known + duplicates + rejected.
    """

    file_id = models.BigAutoField(primary_key=True)
    park = models.ForeignKey(Park, on_delete=models.PROTECT, db_index=False, related_name="files")
    file_date = models.DateField()
    source_file = models.CharField(max_length=255)
    outcome = EnumField(choices=FileOutcome.choices)
    sha256 = FixedCharField(max_length=64, null=True, blank=True)
    size_bytes = models.BigIntegerField(null=True, blank=True)
    etag = models.CharField(max_length=100, blank=True, help_text="of an S3 object")
    events_read = models.IntegerField(default=0)
    stored = models.IntegerField(default=0)
    already_known = models.IntegerField(default=0)
    duplicates = models.IntegerField(default=0)
    rejected = models.IntegerField(default=0)
    live_replaced = models.IntegerField(
        null=True, blank=True, help_text="LIVE snapshots that gave way; empty: the day was not imported to replace them"
    )
    imported_at = models.DateTimeField()
    checkpoint = models.ForeignKey(ImportCheckpoint, on_delete=models.PROTECT, null=True, related_name="files")

    class Meta:
        db_table = "import_files"
        verbose_name = "day file"
        ordering = ["-file_date", "park_id"]
        constraints = [
            models.UniqueConstraint(fields=["park", "file_date"], name="unique_park_file_date"),
            models.CheckConstraint(
                condition=Q(events_read=F("stored") + F("already_known") + F("duplicates") + F("rejected")),
                name="import_files_counts_add_up",
            ),
        ]
        indexes = [models.Index(fields=["file_date"], name="idx_import_files_date")]

    def __str__(self) -> str:
        return f"{self.source_file} for {self.park}: {self.outcome}"
