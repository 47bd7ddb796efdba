"""Days of parks: when a park was open, what each ride did on it, and which of these sums are stale. Tables of the
warehouse.

Sums are made from the snapshots by warehouse.history, anew whenever a row of the day came, changed or went
(docs/decisions/figures-by-time.md). Part of warehouse.models for whoever looks for a table. No table of sums has
foreign keys: to write a row would lock its park, for which imports take turns.
"""

from django.db import models
from django_mysql.models import EnumField, FixedCharField

from warehouse.fields import MillisecondDateTimeField, OutsideCharField


class HoursType(models.TextChoices):
    """What a park is open for, in the words of the API's schedule. CLOSED: the schedule says that it does not open."""

    OPERATING = "OPERATING"
    EXTRA_HOURS = "EXTRA_HOURS"
    TICKETED_EVENT = "TICKETED_EVENT"
    INFO = "INFO"
    CLOSED = "CLOSED"


class HoursSource(models.TextChoices):
    """Who says so: the API's schedule, the park's own rows where no schedule is known, or an operator."""

    SCHEDULE = "SCHEDULE"
    INFERRED = "INFERRED"
    OPERATOR = "OPERATOR"


class ParkHours(models.Model):
    """Hours of one park on one of its own days; several a day where there are events beside the usual hours.

    A closing after midnight lies on the next calendar day, and the hours are still those of `day`.
    """

    hours_id = models.AutoField(primary_key=True)
    park = models.ForeignKey("warehouse.Park", on_delete=models.PROTECT, db_index=False, related_name="hours")
    day = models.DateField(help_text="the park's own")
    type = EnumField(choices=HoursType.choices)
    opens_at = MillisecondDateTimeField(null=True, blank=True, help_text="empty: closed that day")
    closes_at = MillisecondDateTimeField(null=True, blank=True)
    source = EnumField(choices=HoursSource.choices)
    description = OutsideCharField(max_length=255, blank=True, default="", db_default="")
    read_at = MillisecondDateTimeField(help_text="when it was last said or worked out so")

    class Meta:
        db_table = "park_hours"
        verbose_name_plural = "park hours"
        ordering = ["park", "day", "opens_at"]
        constraints = [
            models.UniqueConstraint(fields=["park", "day", "type", "opens_at"], name="unique_park_day_type_opens"),
        ]

    def __str__(self) -> str:
        return f"{self.park} on {self.day}: {self.type}"


class DayTold(models.TextChoices):
    """Whose word a park's day is by: the record's (day files or the History API), or the live collector's; BOTH where
    UTC midnight, at which day files may be cut, divides it between them."""

    ARCHIVE = "ARCHIVE"
    LIVE = "LIVE"
    BOTH = "BOTH"


def _minutes(help_text: str = "") -> models.PositiveSmallIntegerField:
    return models.PositiveSmallIntegerField(default=0, db_default=0, help_text=help_text)


def _wait(help_text: str = "") -> models.SmallIntegerField:
    return models.SmallIntegerField(null=True, blank=True, help_text=help_text)


class RideDay(models.Model):
    """What one ride did on one day of its park, midnight to midnight there, by warehouse.history.rule.

    Minutes are the full minutes looked at, so the five kinds add up to the day: 1,380, 1,440 or 1,500. Waits are in
    minutes, while OPERATING: p50 and p90 by nearest rank over minutes, the mean is `standby_sum / standby_minutes`,
    min and max over every value. Days of which nothing was heard of the park have no rows.
    """

    pk = models.CompositePrimaryKey("park_id", "day", "ride_id")
    park = models.ForeignKey("warehouse.Park", on_delete=models.DO_NOTHING, db_constraint=False, db_index=False)
    day = models.DateField(help_text="the park's own")
    ride = models.ForeignKey("warehouse.Ride", on_delete=models.DO_NOTHING, db_constraint=False, db_index=False)
    told_by = EnumField(choices=DayTold.choices)
    rules_version = models.PositiveSmallIntegerField()
    observations = models.PositiveIntegerField(default=0, db_default=0)
    operating_minutes = _minutes()
    down_minutes = _minutes()
    closed_minutes = _minutes()
    refurbishment_minutes = _minutes()
    unknown_minutes = _minutes()
    hours_minutes = _minutes("in which the park was open; the five beside it add up to it")
    hours_operating = _minutes()
    hours_down = _minutes()
    hours_closed = _minutes()
    hours_refurbishment = _minutes()
    hours_unknown = _minutes()
    standby_minutes = _minutes("in which a wait was shown")
    standby_sum = models.PositiveIntegerField(default=0, db_default=0, help_text="wait x minutes")
    standby_min = _wait()
    standby_p50 = _wait()
    standby_p90 = _wait()
    standby_max = _wait()
    single_minutes = _minutes("of the single rider line")
    single_sum = models.PositiveIntegerField(default=0, db_default=0)
    single_min = _wait()
    single_p50 = _wait()
    single_p90 = _wait()
    single_max = _wait()
    first_operating_at = models.DateTimeField(null=True, blank=True, help_text="first change to OPERATING of the day")
    last_closed_at = models.DateTimeField(null=True, blank=True, help_text="end of the last run that began that day")
    return_minutes = _minutes("in which return times were given out")
    price_min = models.DecimalField(max_digits=10, decimal_places=2, null=True, blank=True)
    price_max = models.DecimalField(max_digits=10, decimal_places=2, null=True, blank=True)
    price_currency = FixedCharField(max_length=3, null=True, blank=True)
    hours = models.BinaryField(
        max_length=80, null=True, help_text="waits by hour of the clock there (warehouse.history.clock_hours)"
    )
    carried = models.PositiveIntegerField(help_text="a check sum of how the ride stood when the day ended")
    computed_at = models.DateTimeField()

    class Meta:
        db_table = "ride_days"
        indexes = [models.Index(fields=["ride", "day"], name="idx_ride_days_ride")]

    def __str__(self) -> str:
        return f"ride {self.ride_id} on {self.day}"


class ParkDay(models.Model):
    """What all rides of one kind did on one day of their park: sums of their rows of ride_days, written in the same
    transaction as these (warehouse.history.stored_days), so that a question about whole parks reads a row a day and
    not one a ride.

    The kind is the one that a ride has now, and not when it was: where it becomes another one the days of the ride are
    marked, and made anew.
    """

    pk = models.CompositePrimaryKey("park_id", "day", "kind")
    park = models.ForeignKey("warehouse.Park", on_delete=models.DO_NOTHING, db_constraint=False, db_index=False)
    day = models.DateField(help_text="the park's own")
    kind = models.CharField(
        max_length=50, db_collation="utf8mb4_bin", help_text="entity_metadata.entity_type; empty: nobody has told"
    )
    rules_version = models.PositiveSmallIntegerField()
    ride_days = models.PositiveIntegerField(help_text="rows of ride_days")
    operated = models.PositiveIntegerField(help_text="of them with a minute of operating")
    waited = models.PositiveIntegerField(help_text="of them with a minute in which a wait was shown")
    observations = models.PositiveBigIntegerField()
    operating_minutes = models.PositiveIntegerField()
    down_minutes = models.PositiveIntegerField()
    closed_minutes = models.PositiveIntegerField()
    refurbishment_minutes = models.PositiveIntegerField()
    unknown_minutes = models.PositiveIntegerField()
    hours_minutes = models.PositiveIntegerField()
    hours_operating = models.PositiveIntegerField()
    hours_down = models.PositiveIntegerField()
    hours_closed = models.PositiveIntegerField()
    hours_refurbishment = models.PositiveIntegerField()
    hours_unknown = models.PositiveIntegerField()
    standby_minutes = models.PositiveIntegerField()
    standby_sum = models.PositiveBigIntegerField()
    return_minutes = models.PositiveIntegerField()
    standby_min = _wait("the lowest of any of them")
    standby_max = _wait()

    class Meta:
        db_table = "park_days"

    def __str__(self) -> str:
        return f"park {self.park_id} on {self.day}, {self.kind or 'rides without a kind'}"


class StaleDay(models.Model):
    """A park's day whose sums are older than its rows: written in the transaction that stores, alters or deletes one.

    Whoever makes them anew deletes the mark if `token` is still the one seen before the rows were read: a mark that
    was set meanwhile is another one, and stays.
    """

    pk = models.CompositePrimaryKey("park_id", "day")
    park = models.ForeignKey("warehouse.Park", on_delete=models.DO_NOTHING, db_constraint=False, db_index=False)
    day = models.DateField(help_text="the park's own")
    token = models.BigIntegerField(help_text="another one with each mark")

    class Meta:
        db_table = "stale_days"

    def __str__(self) -> str:
        return f"park {self.park_id} on {self.day}"


class ParkMonth(models.Model):
    """A month (UTC) of a park's rows: `token` is another one after every transaction that stored, altered or deleted a
    row of it. Who took a copy of a month (an export) knows by the tokens of all parks whether it is stale."""

    pk = models.CompositePrimaryKey("month", "park_id")
    month = models.DateField(help_text="its first day")
    park = models.ForeignKey("warehouse.Park", on_delete=models.DO_NOTHING, db_constraint=False, db_index=False)
    token = models.BigIntegerField()

    class Meta:
        db_table = "park_months"

    def __str__(self) -> str:
        return f"park {self.park_id} in {self.month:%Y-%m}"
