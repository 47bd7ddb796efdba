"""How a ride stood when its record begins: a table of the warehouse.

Read and written by warehouse.rides.openings; part of warehouse.models for whoever looks for a table.
"""

from django.db import models
from django_mysql.models import EnumField

from warehouse.fields import MillisecondDateTimeField, OutsideCharField
from warehouse.ride_status import RideStatus, choices_of


class RideOpening(models.Model):
    """The state of a ride at `opens_at`, as a source says it that tells of a park's day from midnight on.

    No snapshot: nobody observed it then, but at `observed_at`, perhaps weeks before. What it is for is the time until
    the ride's first row. One a ride, the earliest that was said (warehouse.rides.openings).
    """

    ride = models.OneToOneField(
        "warehouse.Ride", on_delete=models.PROTECT, primary_key=True, related_name="opening", editable=False
    )
    opens_at = MillisecondDateTimeField(help_text="from when on it is said to hold")
    observed_at = MillisecondDateTimeField(help_text="when it was last seen to be so")
    status = EnumField(choices=choices_of(RideStatus))
    wait_time = models.SmallIntegerField(null=True, blank=True, help_text="minutes in the standby line")
    degraded = models.BooleanField(default=False, db_default=False, help_text="the source looked back too short")
    source_file = OutsideCharField(max_length=255, help_text="whose answer said so")

    class Meta:
        db_table = "ride_openings"

    def __str__(self) -> str:
        return f"{self.ride} at {self.opens_at:%Y-%m-%d %H:%M}Z: {self.status}"
