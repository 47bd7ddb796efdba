"""The ledger of day files: one row a park, day, destination and feed, about the last reading of that file.

A park has a row of each destination whose files it was looked for in: one that was sold is in the files of the old
resort until a day, and in those of the new one from then on. What is known of its day is what the best of its rows
says (quality.import_ledger).
"""

from django.db import models
from django.db.models import F, Q
from django_mysql.models import EnumField, FixedCharField

from imports.sources.source import Feed
from warehouse.fields import OutsideCharField
from warehouse.models import Park


class FileOutcome(models.TextChoices):
    """What became of a park's day when a destination's file was last looked for."""

    IMPORTED = "IMPORTED"  # events of the park were in the file
    MISSING = "MISSING"
    UNREADABLE = "UNREADABLE"
    NO_EVENTS = "NO_EVENTS"  # the file was read, and none of its events was the park's


#: the file was read, and what it holds of the park is known
READ = (FileOutcome.IMPORTED, FileOutcome.NO_EVENTS)


class ImportedFile(models.Model):
    """The ledger: what the last reading of one destination's file of a day gave for one park.

    Held on every row: events_read = stored + already_known + duplicates + rejected.
    """

    file_id = models.BigAutoField(primary_key=True)
    park = models.ForeignKey(Park, on_delete=models.PROTECT, db_index=False, related_name="files")
    file_date = models.DateField()
    destination_wiki_id = FixedCharField(max_length=36, help_text="whose file it was")
    feed = EnumField(
        choices=[(feed.value, feed.value) for feed in Feed],
        default=Feed.ARCHIVE.value,
        db_default=Feed.ARCHIVE.value,
        help_text="which record it is of: HISTORY is the park's own day, DELISTED a month, by its first day",
    )
    source_file = OutsideCharField(max_length=255)
    outcome = EnumField(choices=[*FileOutcome.choices])
    sha256 = FixedCharField(max_length=64, null=True, blank=True)
    size_bytes = models.BigIntegerField(null=True, blank=True)
    etag = models.CharField(max_length=100, blank=True, help_text="of an S3 object")
    modified_at = models.DateTimeField(null=True, blank=True, help_text="of a file in a folder, as it was listed")
    all_parks = models.BooleanField(default=False, help_text="it was read for every park that it speaks of")
    events_read = models.IntegerField(default=0)
    stored = models.IntegerField(default=0)
    already_known = models.IntegerField(default=0)
    duplicates = models.IntegerField(default=0)
    rejected = models.IntegerField(default=0)
    live_replaced = models.IntegerField(
        null=True, blank=True, help_text="LIVE snapshots that gave way; empty: the day was not imported to replace them"
    )
    live_kept = models.IntegerField(
        null=True, blank=True, help_text="LIVE snapshots that stayed, since the file holds far less; empty: none"
    )
    replaced = models.IntegerField(
        null=True,
        blank=True,
        help_text="of the stored, in place of a row that said something else; empty: not asked for",
    )
    withdrawn = models.IntegerField(
        null=True, blank=True, help_text="rows of an earlier reading that the file lacks now; empty: not asked for"
    )
    read_by = models.CharField(
        max_length=16,
        blank=True,
        default="",
        db_default="",
        help_text="by which rules it was read, where there was nothing to tell; empty: there was, or it is not known",
    )
    imported_at = models.DateTimeField()
    checkpoint = models.ForeignKey(
        "imports.ImportCheckpoint", on_delete=models.PROTECT, null=True, db_index=False, related_name="files"
    )

    class Meta:
        db_table = "import_files"
        verbose_name = "day file"
        ordering = ["-file_date", "park_id"]
        constraints = [
            models.UniqueConstraint(
                fields=["park", "file_date", "destination_wiki_id", "feed"], name="unique_park_day_destination_feed"
            ),
            models.CheckConstraint(
                condition=Q(events_read=F("stored") + F("already_known") + F("duplicates") + F("rejected")),
                name="import_files_counts_add_up",
            ),
        ]
        indexes = [
            models.Index(fields=["file_date"], name="idx_import_files_date"),
            models.Index(fields=["destination_wiki_id", "file_date"], name="idx_import_files_destination"),
            models.Index(fields=["checkpoint", "imported_at"], name="idx_import_files_pace"),
        ]

    def __str__(self) -> str:
        return f"{self.source_file} for {self.park}: {self.outcome}"


class ImportedFileRows(models.Model):
    """Which rows a day file held for a park, as sets of snapshot ids (imports.archive.file_rows): proof of origin."""

    file = models.OneToOneField(ImportedFile, on_delete=models.CASCADE, primary_key=True, related_name="rows")
    first_id = models.BigIntegerField(help_text="the smallest snapshot_id among ids")
    last_id = models.BigIntegerField(help_text="the largest")
    ids = models.BinaryField(help_text="snapshot ids that the last reading held")
    lacking_ids = models.BinaryField(
        null=True, help_text="of earlier readings, and not of the last; their rows are stored still"
    )

    class Meta:
        db_table = "import_file_rows"
        verbose_name = "rows of a day file"
        verbose_name_plural = "rows of day files"
        indexes = [models.Index(fields=["first_id", "last_id"], name="idx_file_rows_span")]

    def __str__(self) -> str:
        return f"rows of {self.file}"
