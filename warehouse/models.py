"""The tables of the warehouse: parks, rides, the partitioned fact table, queues, metadata and storage figures.

Table, column and index names are a contract (docs/data-model.md). All datetimes are UTC.
"""

from zoneinfo import ZoneInfo

from django.db import models
from django.db.models import Q
from django.db.models.functions import JSONArray
from django_mysql.models import EnumField, FixedCharField

from warehouse.compaction_models import CompactionStep, MonthCompaction  # noqa: F401 (Django looks for models here)
from warehouse.day_models import (  # noqa: F401 (Django looks for models here)
    DayTold,
    HoursSource,
    HoursType,
    ParkDay,
    ParkHours,
    ParkMonth,
    RideDay,
    StaleDay,
)
from warehouse.fields import MillisecondDateTimeField, NamesField, ObjectField, OutsideCharField
from warehouse.opening_models import RideOpening  # noqa: F401 (Django looks for models here)
from warehouse.outside import shown
from warehouse.ride_status import QueueType, ReturnTimeState, RideStatus, choices_of
from warehouse.stay_models import RideNumbering, RideSighting, RideStay  # noqa: F401
from warehouse.turn_models import HeldLock, Turn  # noqa: F401 (Django looks for models here)
from warehouse.zones import zone_or_utc

NAME_LENGTH = 255


class OperatorOverrides(models.Model):
    """Operator overrides: the metadata sync passes over the fields named in `hand_set`, so their values stay."""

    hand_set = NamesField(
        default=list, db_default=JSONArray(), blank=True, editable=False, help_text="fields an operator has set"
    )

    class Meta:
        abstract = True

    def mark_overridden(self, fields) -> None:
        """Remember that these were set by an operator; to be saved by the caller."""
        self.hand_set = sorted({*self.hand_set, *fields})


class Park(OperatorOverrides):
    """A park, whose identity is its UUID at themeparks.wiki; made by whichever import or sync meets it first.

    `timezone` is empty until an event, the catalogue or an operator says it; days of the park are UTC's until then.
    `park_slug` is what events call it; it is the park's name until the catalogue or an operator gives a proper one.
    """

    park_id = models.AutoField(primary_key=True)
    park_name = OutsideCharField(max_length=NAME_LENGTH)
    timezone = OutsideCharField(max_length=64, blank=True, help_text="IANA name, e.g. America/New_York")
    themeparks_wiki_id = FixedCharField(max_length=36, unique=True)
    destination_wiki_id = FixedCharField(max_length=36, null=True, blank=True, db_index=True)
    park_slug = OutsideCharField(
        max_length=NAME_LENGTH, blank=True, default="", db_default="", editable=False, help_text="as events last said"
    )

    class Meta:
        db_table = "parks"
        ordering = ["park_name", "park_id"]

    def __str__(self) -> str:
        return shown(self.park_name, NAME_LENGTH)

    @property
    def zone(self) -> ZoneInfo:
        """Of its own days; UTC where none is known."""
        return zone_or_utc(self.timezone)

    @property
    def has_proper_name(self) -> bool:
        """Whether the catalogue or an operator named it: its name is neither its slug nor its UUID."""
        return self.park_name not in (self.park_slug, self.themeparks_wiki_id)


class Ride(OperatorOverrides):
    """Whatever in a park has a status: rides, shows and restaurants; which one stands in EntityMetadata.

    `park` is where it stands now; where it stood before is in RideStay. A ride without `themeparks_wiki_id` is known
    by its park and name alone. `tier` is the operators' own. New ones are numbered by warehouse.rides.numbering.
    """

    class Tier(models.IntegerChoices):
        FLAGSHIP = 1, "1 flagship"
        SECOND = 2, "2"
        THIRD = 3, "3"

    ride_id = models.AutoField(primary_key=True)
    park = models.ForeignKey(Park, on_delete=models.PROTECT, related_name="rides")
    ride_name = OutsideCharField(max_length=NAME_LENGTH)
    themeparks_wiki_id = models.CharField(max_length=36, null=True, blank=True, unique=True)
    tier = models.PositiveSmallIntegerField(choices=Tier.choices, null=True, blank=True)
    named_at = MillisecondDateTimeField(
        null=True, blank=True, editable=False, help_text="when its name was heard that it has now; empty: not known"
    )

    class Meta:
        db_table = "rides"
        ordering = ["ride_name", "ride_id"]
        constraints = [
            models.CheckConstraint(condition=Q(tier__isnull=True) | Q(tier__range=(1, 3)), name="rides_tier_1_to_3"),
        ]

    def __str__(self) -> str:
        return shown(self.ride_name, NAME_LENGTH)


class DataSource(models.TextChoices):
    """How an observation came: by the live collector, or in a day file of the archive, which replaces it."""

    LIVE = "LIVE"
    ARCHIVE = "ARCHIVE"


class RideStatusSnapshot(models.Model):
    """One observed state of one ride at one instant: the fact table, one partition a month.

    Its identity is (ride, instant), see warehouse.snapshot_id. The database key is (snapshot_id, recorded_at), since
    the partition column must be part of every unique key; Django is told of snapshot_id alone, because a composite
    key cannot be registered in the admin. Query half-open ranges of recorded_at: anything that wraps the column opens
    every partition.
    """

    snapshot_id = models.BigIntegerField(primary_key=True)
    ride = models.ForeignKey(
        Ride, on_delete=models.DO_NOTHING, db_constraint=False, db_index=False, related_name="+"
    )  # no constraint: MySQL forbids foreign keys on partitioned tables
    recorded_at = MillisecondDateTimeField()
    status = EnumField(choices=choices_of(RideStatus))
    wait_time = models.SmallIntegerField(null=True, blank=True, help_text="minutes in the standby line")
    computed_is_open = models.BooleanField()
    data_source = EnumField(choices=DataSource.choices, default=DataSource.LIVE, db_default=DataSource.LIVE)
    wait_told = models.BooleanField(
        null=True,
        blank=True,
        help_text="whether the event spoke of the standby line; unknown: stored before this was kept",
    )

    class Meta:
        db_table = "ride_status_snapshots"
        indexes = [
            models.Index(fields=["ride", "recorded_at"], name="idx_ride_recorded"),
            models.Index(fields=["recorded_at", "ride"], name="idx_snapshots_date_ride"),
        ]

    def __str__(self) -> str:
        return f"ride {self.ride_id} at {self.recorded_at:%Y-%m-%d %H:%M:%S}Z: {self.status}"


class QueueData(models.Model):
    """One further queue of a ride beside the standby queue, as it was at a snapshot."""

    queue_id = models.BigAutoField(primary_key=True)
    snapshot_id = models.BigIntegerField()  # RideStatusSnapshot; MySQL forbids the foreign key
    queue_type = EnumField(choices=choices_of(QueueType))
    wait_time_minutes = models.SmallIntegerField(null=True, blank=True)
    return_time_start = MillisecondDateTimeField(null=True, blank=True)
    return_time_end = MillisecondDateTimeField(null=True, blank=True)
    price_amount = models.DecimalField(
        max_digits=10, decimal_places=2, null=True, blank=True, help_text="in major units: 21.00 USD, 1000.00 JPY"
    )
    price_currency = FixedCharField(max_length=3, null=True, blank=True, help_text="ISO 4217")
    boarding_group_status = OutsideCharField(max_length=50, null=True, blank=True)
    boarding_group_current = OutsideCharField(max_length=50, null=True, blank=True)
    return_time_state = EnumField(choices=choices_of(ReturnTimeState), null=True, blank=True)

    class Meta:
        db_table = "queue_data"
        verbose_name_plural = "queue data"
        constraints = [
            models.UniqueConstraint(fields=["snapshot_id", "queue_type"], name="idx_queue_snapshot"),
        ]

    def __str__(self) -> str:
        return f"{self.queue_type} of snapshot {self.snapshot_id}"


class EntityMetadata(OperatorOverrides):
    """What the catalogue says of a ride: place, kind, heights, tags. What it was before stands in MetadataChange."""

    class IndoorOutdoor(models.TextChoices):
        INDOOR = "INDOOR"
        OUTDOOR = "OUTDOOR"
        HYBRID = "HYBRID"

    metadata_id = models.AutoField(primary_key=True)
    ride = models.ForeignKey(Ride, on_delete=models.PROTECT, db_index=False, related_name="metadata")
    themeparks_wiki_id = FixedCharField(max_length=36)
    latitude = models.DecimalField(max_digits=10, decimal_places=7, null=True, blank=True)
    longitude = models.DecimalField(max_digits=10, decimal_places=7, null=True, blank=True)
    indoor_outdoor = EnumField(choices=IndoorOutdoor.choices, null=True, blank=True)
    height_min_cm = models.PositiveSmallIntegerField(null=True, blank=True)
    height_max_cm = models.PositiveSmallIntegerField(null=True, blank=True)
    entity_type = OutsideCharField(max_length=50, blank=True)
    catalogue_name = OutsideCharField(
        max_length=NAME_LENGTH, blank=True, default="", db_default="", editable=False, help_text="as last read there"
    )
    catalogue_park = FixedCharField(
        max_length=36, blank=True, default="", db_default="", editable=False, help_text="its UUID, as last read there"
    )
    tags = models.JSONField(default=list, blank=True)
    last_updated = models.DateTimeField(help_text="when a value last changed, not when it was last looked at")
    version = models.PositiveIntegerField(default=1, db_default=1)
    listed = models.BooleanField(
        default=True, db_default=True, help_text="no: the entity has vanished from the catalogue; what is known stays"
    )

    class Meta:
        db_table = "entity_metadata"
        verbose_name_plural = "entity metadata"
        indexes = [models.Index(fields=["ride"], name="idx_metadata_ride")]
        constraints = [models.UniqueConstraint(fields=["themeparks_wiki_id"], name="idx_themeparks_id")]

    def __str__(self) -> str:
        return f"metadata of {self.ride}"


#: MetadataChange.changed_by where events brought a new name or time zone; no operator can be called so.
BY_EVENTS = "(events)"


class MetadataChange(models.Model):
    """What a park, or a ride and its metadata, was before a change, and what it became. Written once, never altered."""

    change_id = models.BigAutoField(primary_key=True)
    park = models.ForeignKey(Park, on_delete=models.PROTECT, null=True, blank=True, related_name="changes")
    ride = models.ForeignKey(Ride, on_delete=models.PROTECT, null=True, blank=True, related_name="changes")
    changed_at = models.DateTimeField()
    changed_by = models.CharField(
        max_length=150, blank=True, help_text="the operator, or (events); empty: the metadata sync"
    )
    version = models.PositiveIntegerField(null=True, blank=True, help_text="of entity_metadata, after the change")
    before = ObjectField(help_text="field: value")
    after = ObjectField(help_text="field: value")

    class Meta:
        db_table = "metadata_changes"
        ordering = ["-change_id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(park__isnull=True, ride__isnull=False) | Q(park__isnull=False, ride__isnull=True),
                name="metadata_changes_of_park_or_ride",
            ),
        ]

    def __str__(self) -> str:
        return f"{', '.join(self.before)} of {self.park or self.ride}"

    @staticmethod
    def plain(value):
        """A field's value as `before` and `after` keep it."""
        return value if value is None or isinstance(value, bool | int | str | list) else str(value)


class StorageMetrics(models.Model):
    """What one table weighed on one day; one row per table and day. MB are 1,000,000 bytes."""

    metric_id = models.AutoField(primary_key=True)
    table_name = models.CharField(max_length=64)
    measurement_date = models.DateField()
    row_count = models.BigIntegerField()
    data_size_mb = models.DecimalField(max_digits=12, decimal_places=2)
    index_size_mb = models.DecimalField(max_digits=12, decimal_places=2)
    growth_rate_mb_per_day = models.DecimalField(max_digits=10, decimal_places=4, null=True, blank=True)
    file_size_mb = models.DecimalField(
        max_digits=12, decimal_places=2, null=True, blank=True, help_text="on disk; empty where it cannot be read"
    )
    backfill_rows = models.BigIntegerField(
        default=0, db_default=0, help_text="rows of days long past that came since the measurement before"
    )
    measured_at = models.DateTimeField()

    class Meta:
        db_table = "storage_metrics"
        verbose_name_plural = "storage metrics"
        ordering = ["-measurement_date", "table_name"]
        constraints = [
            models.UniqueConstraint(fields=["table_name", "measurement_date"], name="unique_table_date"),
        ]

    def __str__(self) -> str:
        return f"{self.table_name} on {self.measurement_date}"


class PartitionMetrics(models.Model):
    """What one partition holds, as last looked at: a closed month is counted once and remembered here.

    The queue rows of a month have no partition of their own; their count stands under queue_data and the name of the
    snapshots' partition, without sizes.
    """

    partition_metric_id = models.AutoField(primary_key=True)
    table_name = models.CharField(max_length=64)
    partition_name = models.CharField(max_length=64)
    row_count = models.BigIntegerField()
    rows_estimate = models.BigIntegerField(default=0, help_text="what the server's statistics said")
    data_bytes = models.BigIntegerField(default=0)
    index_bytes = models.BigIntegerField(default=0)
    file_bytes = models.BigIntegerField(null=True, blank=True)
    measured_at = models.DateTimeField()
    counted_at = models.DateTimeField(null=True, blank=True, help_text="empty: row_count is an estimate")

    class Meta:
        db_table = "partition_metrics"
        verbose_name_plural = "partition metrics"
        permissions = [("maintain_partitions", "Can make month partitions")]
        constraints = [
            models.UniqueConstraint(fields=["table_name", "partition_name"], name="unique_table_partition"),
        ]

    def __str__(self) -> str:
        return f"{self.partition_name} of {self.table_name}"
