"""In which park a ride stood when, on what evidence, and the numbers that rides were given: tables of the warehouse.

Read and written by warehouse.rides; part of warehouse.models for whoever looks for a table.
"""

from django.db import models

from warehouse.fields import MillisecondDateTimeField


class RideStay(models.Model):
    """One stay of a ride in a park, from `begins_at` (empty: from the beginning) until before `ends_at` (empty: now).

    Only rides that were heard of in more than one park have rows here, and then for all of time, without holes: a ride
    without any has always been in its `rides.park_id`, which is the park of the newest stay.
    """

    stay_id = models.AutoField(primary_key=True)
    ride = models.ForeignKey("warehouse.Ride", on_delete=models.PROTECT, related_name="stays")
    park = models.ForeignKey("warehouse.Park", on_delete=models.PROTECT, related_name="stays")
    begins_at = MillisecondDateTimeField(null=True, blank=True)
    ends_at = MillisecondDateTimeField(null=True, blank=True)

    class Meta:
        db_table = "ride_stays"
        constraints = [models.UniqueConstraint(fields=["ride", "begins_at"], name="unique_ride_begins_at")]

    def __str__(self) -> str:
        return f"{self.ride} in {self.park} from {self.begins_at or 'the beginning'} to {self.ends_at or 'now'}"


class RideSighting(models.Model):
    """On one UTC day a ride was heard of in one park, first and last at these instants: what its stays follow from.

    Kept of rides that have stays alone, and never taken back: whatever the order in which files come, the same
    sightings are there in the end.
    """

    sighting_id = models.BigAutoField(primary_key=True)
    ride = models.ForeignKey("warehouse.Ride", on_delete=models.PROTECT, db_index=False, related_name="sightings")
    park = models.ForeignKey("warehouse.Park", on_delete=models.PROTECT, related_name="sightings")
    day = models.DateField()
    first_at = MillisecondDateTimeField()
    last_at = MillisecondDateTimeField()

    class Meta:
        db_table = "ride_sightings"
        constraints = [models.UniqueConstraint(fields=["ride", "day", "park"], name="unique_ride_day_park")]

    def __str__(self) -> str:
        return f"{self.ride} in {self.park} on {self.day}"


class RideNumbering(models.Model):
    """The one row that whoever makes rides locks: ride_ids are given in order and without holes, since a snapshot_id
    has 20 bits for them and the server's AUTO_INCREMENT loses a number with every try that is rolled back."""

    numbering_id = models.PositiveSmallIntegerField(primary_key=True)
    last_ride_id = models.IntegerField(help_text="the highest that was ever given: never given again")

    class Meta:
        db_table = "ride_numbering"

    def __str__(self) -> str:
        return f"rides up to {self.last_ride_id}"
