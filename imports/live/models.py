"""What asking the live API leaves behind: its pace, a row for every collection, and how fresh each park is.

They are models of this app like those of imports.models, through which Django finds them.
"""

from datetime import datetime, timedelta

from django.db import connection, models, transaction
from django.db.models import F, Q

from warehouse.models import Park

SILENT_AFTER = timedelta(minutes=30)


class TooLongToWait(Exception):
    """The next request is further away than the caller wants to sleep."""


class ApiPace(models.Model):
    """When the next request to an API may be sent: one row an API, shared by all processes on all hosts.

    Requests are spaced evenly, each taking the next place in time, so that no window of a minute ever holds more
    than asked for. The clock is the server's.
    """

    api = models.CharField(max_length=200, primary_key=True)
    next_request_at = models.DateTimeField()

    class Meta:
        db_table = "api_pace"

    def __str__(self) -> str:
        return f"{self.api}: next request from {self.next_request_at:%H:%M:%S}Z"

    @classmethod
    def reserve(cls, api: str, per_minute: float, longest_wait_seconds: float) -> float:
        """Take the next place of the `api` (its URL), of `per_minute` that there are; returns the seconds until it.

        TooLongToWait: it is more than `longest_wait_seconds` away, and none was taken.
        """
        step = round(60e6 / per_minute)
        # durable: inside the caller's transaction the row would stay locked while everybody else waits for it
        with transaction.atomic(durable=True), connection.cursor() as cursor:
            cursor.execute(
                "INSERT INTO api_pace (api, next_request_at) VALUES (%s, UTC_TIMESTAMP(6) + INTERVAL %s MICROSECOND) "
                "ON DUPLICATE KEY UPDATE next_request_at = "
                "GREATEST(next_request_at, UTC_TIMESTAMP(6)) + INTERVAL %s MICROSECOND",
                [api, step, step],
            )
            cursor.execute(
                "SELECT TIMESTAMPDIFF(MICROSECOND, UTC_TIMESTAMP(6), next_request_at) FROM api_pace WHERE api = %s",
                [api],
            )
            wait = max(0.0, (cursor.fetchone()[0] - step) / 1e6)
            if wait > longest_wait_seconds:
                raise TooLongToWait(f"no request may be sent for another {wait:.0f} s")
        return wait

    @classmethod
    def hold(cls, api: str, seconds: float) -> None:
        """No request of anybody before `seconds` from now; a later place that was set before stays."""
        with connection.cursor() as cursor:
            cursor.execute(
                "UPDATE api_pace SET next_request_at = "
                "GREATEST(next_request_at, UTC_TIMESTAMP(6) + INTERVAL %s MICROSECOND) WHERE api = %s",
                [round(seconds * 1e6), api],
            )


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
    failures = models.JSONField(default=list, blank=True, help_text="destination and error")

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
