"""The row of an import as it is read: its columns, and what they say. What moves it is imports.archive.checkpoint."""

import secrets
from datetime import date
from typing import Any

from django.db import models
from django.db.models.functions import Now
from django_mysql.models import EnumField, FixedCharField

from imports.archive.options import Options
from imports.archive.seen import Seen
from imports.archive.transitions import ImportStatus, Standing, allowed_actions
from warehouse.days import ONE_DAY
from warehouse.fields import OutsideCharField, OutsideTextField
from warehouse.models import Park


def new_import_id() -> str:
    """`imp_` and 16 hex digits: what people name an import by."""
    return f"imp_{secrets.token_hex(8)}"


class CheckpointRow(models.Model):
    """See ImportCheckpoint."""

    checkpoint_id = models.AutoField(primary_key=True)
    import_id = models.CharField(max_length=20, unique=True, default=new_import_id)
    park = models.ForeignKey(Park, on_delete=models.PROTECT, related_name="imports")
    destination_wiki_id = FixedCharField(max_length=36, help_text="whose files are read")
    last_processed_date = models.DateField(null=True, blank=True)
    last_processed_file = OutsideCharField(max_length=255, null=True, blank=True)
    records_imported = models.BigIntegerField(default=0, help_text="snapshots stored")
    errors_encountered = models.BigIntegerField(default=0, help_text="events rejected and files unreadable")
    status = EnumField(choices=[*ImportStatus.choices], default=ImportStatus.PENDING, db_default=ImportStatus.PENDING)
    created_at = models.DateTimeField(db_default=Now())
    updated_at = models.DateTimeField(db_default=Now())  # ON UPDATE too, by migration 0004
    start_date = models.DateField(null=True, blank=True)
    end_date = models.DateField(null=True, blank=True)
    source = models.CharField(max_length=500)
    whole_destination = models.BooleanField(default=False, help_text="parks that first appear on the way join in")
    missing_only = models.BooleanField(
        default=False, help_text="days whose file was read already, and is the same as then, are passed over"
    )
    changed_only = models.BooleanField(
        default=False, help_text="only days whose file was read already, and is another one now"
    )
    replace_live = models.BooleanField(default=False, help_text="LIVE rows of a day go when its ARCHIVE rows come")
    replace_archive = models.BooleanField(
        default=False, help_text="a file is the truth for its days: what it lacks now goes"
    )
    force = models.BooleanField(
        default=False, help_text="what is held back as out of all proportion is done all the same"
    )
    files_total = models.IntegerField(default=0, help_text="days of the range, with those that have no file")
    files_processed = models.IntegerField(default=0)
    generation = models.IntegerField(default=0, help_text="raised by every claim; a worker of an older one is out")
    worker = models.CharField(max_length=255, blank=True)
    heartbeat_at = models.DateTimeField(null=True, blank=True, help_text="last sign of life of the worker")
    queued_at = models.DateTimeField(
        null=True,
        blank=True,
        help_text="since when it waits its turn in the queue; empty: not queued",
    )
    not_before = models.DateTimeField(
        null=True, blank=True, help_text="the source gives nothing until then; empty: it may go on at once"
    )
    attempts = models.SmallIntegerField(default=0, help_text="claims since the last file that was finished")
    last_error = OutsideTextField(blank=True)
    dismissed_at = models.DateTimeField(
        null=True, blank=True, help_text="since when nobody needs to look at it any more; empty: not dismissed"
    )
    dismissed_by = models.CharField(max_length=150, blank=True, default="", db_default="")
    dismissed_why = models.CharField(max_length=200, blank=True, default="", db_default="")

    class Meta:
        abstract = True

    def __str__(self) -> str:
        return f"{self.import_id} of {self.park}"

    def refresh_from_db(self, *args: Any, **kwargs: Any) -> None:
        """As Django's, which forgets the park with the row that it has read anew: whose import it is never changes, and
        the park was asked for by whoever said its name next."""
        park = self._state.fields_cache.get("park")
        super().refresh_from_db(*args, **kwargs)
        if park is not None:
            self.park = park

    @property
    def options(self) -> Options:
        """What it was begun with, or was given since."""
        return Options(**{name: getattr(self, name) for name in Options.__dataclass_fields__})

    def seen(self) -> Seen:
        """As it stood when it was loaded."""
        return Seen(self.status, self.generation, self.queued_at is not None, self.dismissed_at is not None)

    @property
    def dismissal(self) -> str:
        """`dismissed by anna on 2026-11-26 03:12Z: wrong archive`; empty: it is not."""
        if self.dismissed_at is None:
            return ""
        return f"dismissed by {self.dismissed_by} on {self.dismissed_at:%Y-%m-%d %H:%M}Z: {self.dismissed_why}"

    def is_abandoned(self, *, alive: bool) -> bool:
        """Whether it was begun by a command whose process is gone: nobody goes on with it unless asked to."""
        return self.queued_at is None and not alive and self.status in (ImportStatus.PENDING, ImportStatus.IN_PROGRESS)

    def allowed_actions(self, *, alive: bool, covered: bool = False) -> list[str]:
        """What an operator may do with it now, by the names of transitions.ACTIONS. `alive`: a worker is at it;
        `covered`: a later import has the days that it has left."""
        return allowed_actions(
            Standing(
                self.status,
                queued=self.queued_at is not None,
                abandoned=self.is_abandoned(alive=alive),
                dismissed=self.dismissed_at is not None,
                covered=covered,
            )
        )

    @property
    def next_day(self) -> date:
        """The first day that it has still before it."""
        if self.last_processed_date is not None:
            return self.last_processed_date + ONE_DAY
        assert self.start_date is not None, "planning gives every import its range"
        return self.start_date

    @property
    def resume_command(self) -> str:
        """What an operator types to go on with it."""
        return f"manage.py import_archive --resume {self.import_id}"
