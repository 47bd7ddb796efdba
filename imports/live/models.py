"""What asking the live API leaves behind: a row for every collection, and how fresh each park is.

They are models of this app like those of imports.models, through which Django finds them.
"""

from datetime import datetime, timedelta

from django.db import models
from django.db.models import F, Q

from warehouse.fields import RecordsField
from warehouse.models import Park

SILENT_AFTER = timedelta(minutes=30)


class LiveCollection(models.Model):
    """One run of the live collector: what it got. A run that was killed has no `finished_at`.

    Held on every row: rows_read = stored + already_known + duplicates + rejected.
    """

    collection_id = models.BigAutoField(primary_key=True)
    started_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True, blank=True)
    destinations = models.IntegerField(default=0, help_text="that answered")
    failed = models.IntegerField(default=0, help_text="destinations of which nothing was stored")
    not_reached = models.IntegerField(default=0, help_text="destinations left for the next run, for want of time")
    next_destination = models.CharField(max_length=36, blank=True, help_text="where the next run begins")
    rows_read = models.IntegerField(default=0, help_text="without the rows of the parks themselves")
    stored = models.IntegerField(default=0)
    already_known = models.IntegerField(default=0, help_text="states unchanged since an earlier collection")
    duplicates = models.IntegerField(default=0)
    rejected = models.IntegerField(default=0, help_text="not to be believed, or of no known park")
    findings = models.IntegerField(default=0, help_text="new ones")
    failures = RecordsField(keys=("destination", "error"), default=list, blank=True, help_text="destination and error")

    class Meta:
        db_table = "live_collections"
        ordering = ["-collection_id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(rows_read=F("stored") + F("already_known") + F("duplicates") + F("rejected")),
                name="live_collections_counts_add_up",
            ),
        ]

    def __str__(self) -> str:
        return f"collection of {self.started_at:%Y-%m-%d %H:%M}Z: {self.stored} stored"


class ParkFreshness(models.Model):
    """When a park was last heard of by the live collection, and whether it was open then."""

    park = models.OneToOneField(Park, on_delete=models.PROTECT, primary_key=True, related_name="freshness")
    collected_at = models.DateTimeField(help_text="last successful collection")
    observed_at = models.DateTimeField(null=True, blank=True, help_text="the newest state that was reported of it")
    rides_reported = models.IntegerField(default=0, help_text="rows of the last answer")
    is_open = models.BooleanField(
        default=False, help_text="an attraction was operating, within its hours if it has any"
    )
    open_until = models.DateTimeField(null=True, blank=True, help_text="end of the longest hours; empty: not reported")

    class Meta:
        db_table = "live_freshness"
        verbose_name = "park freshness"
        verbose_name_plural = "park freshness"
        ordering = ["observed_at"]

    def __str__(self) -> str:
        return f"{self.park}, last observed {self.observed_at or 'never'}"

    def silent_for(self, now: datetime) -> timedelta | None:
        """How long nothing new was reported of an open park, from SILENT_AFTER on; None: it is closed, or not silent.

        `now` is aware. A collector that does not run makes every open park silent.
        """
        if not self.is_open or (self.open_until is not None and now >= self.open_until):
            return None
        silence = now - (self.observed_at or self.collected_at)
        return silence if silence >= SILENT_AFTER else None

    @staticmethod
    def is_open_at(now: datetime) -> Q:
        """The rows of parks that are open at `now` (aware), as far as is known."""
        return Q(is_open=True) & (Q(open_until=None) | Q(open_until__gt=now))

    @classmethod
    def is_silent(cls, now: datetime) -> Q:
        """The rows for which `silent_for` says how long."""
        since = now - SILENT_AFTER
        return cls.is_open_at(now) & (Q(observed_at__lte=since) | Q(observed_at=None, collected_at__lte=since))
