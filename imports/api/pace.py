"""When the API may be asked: a row for each limit that it has, shared by all processes on all hosts.

A model of this app like those of imports.models, through which Django finds it.
"""

from datetime import UTC, datetime
from typing import NamedTuple

from django.db import connection, models, transaction

from warehouse.outside import shown
from warehouse.server.away import patient

WHY_MAX = 300
HOW_TO_LIFT = "manage.py collect_live --lift-hold, or Lift the hold under Live collections, asks again before"


class Hold(NamedTuple):
    """That an API is not asked before `until` (aware, UTC), and what it said. `of_history`: its history alone."""

    until: datetime
    why: str
    of_history: bool

    def row_of(self, api: str) -> str:
        """The key of its row, of the API at this URL."""
        return budget_of(api) if self.of_history else api

    def __str__(self) -> str:
        what = "The history of the API" if self.of_history else "The API"
        return f"{what} is not asked before {self.until:%Y-%m-%d %H:%M}Z" + (f": {self.why}" if self.why else "")


class TooLongToWait(Exception):
    """The next request is `seconds` away, further than the caller wants to sleep; `hold`: what somebody said."""

    def __init__(self, seconds: float, hold: Hold | None):
        said = f"no request may be sent for another {seconds:.0f} s"
        if hold is not None:
            said = f"{said}. {hold}; {HOW_TO_LIFT}"
        super().__init__(said)
        self.seconds = seconds


class ApiPace(models.Model):
    """When the next request to an API may be sent: one row a limit, shared by all processes on all hosts.

    The limit a minute has the row of the API's URL: requests are spaced evenly, each taking the next place in time, so
    that no window of a minute ever holds more than asked for. An hour's budget has a row of its own (`budget_of`): what
    is there may be asked in one go, and what is left is what the API said last. The clock is the server's.
    """

    api = models.CharField(max_length=200, primary_key=True)
    next_request_at = models.DateTimeField()
    remaining = models.IntegerField(null=True, help_text="of a budget, as the API said last; empty: not said")
    resets_at = models.DateTimeField(null=True, help_text="when the budget is whole again; empty: not said")
    held_until = models.DateTimeField(null=True, help_text="so long the API asked to be left alone; empty: it did not")
    held_why = models.CharField(max_length=WHY_MAX, db_default="", help_text="in which words")
    asked_by = models.CharField(
        max_length=16, db_default="", help_text="whose budget it is: a fingerprint of the key; empty: asked without one"
    )

    class Meta:
        db_table = "api_pace"

    def __str__(self) -> str:
        return f"{self.api}: next request from {self.next_request_at:%H:%M:%S}Z"

    @classmethod
    @patient
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
                raise TooLongToWait(wait, next((hold for hold in cls.holds(api) if not hold.of_history), None))
        return wait

    @classmethod
    @patient
    def hold(cls, api: str, seconds: float, why: str) -> None:
        """No request of anybody before `seconds` from now; a later place that was set before stays. `why`: in its
        words."""
        microseconds = round(seconds * 1e6)
        with connection.cursor() as cursor:
            cursor.execute(
                "UPDATE api_pace SET next_request_at = "
                "GREATEST(next_request_at, UTC_TIMESTAMP(6) + INTERVAL %s MICROSECOND), "
                "held_why = IF(held_until > UTC_TIMESTAMP(6) + INTERVAL %s MICROSECOND, held_why, %s), "
                "held_until = GREATEST(COALESCE(held_until, UTC_TIMESTAMP(6)), "
                "UTC_TIMESTAMP(6) + INTERVAL %s MICROSECOND) WHERE api = %s",
                [microseconds, microseconds, shown(why, WHY_MAX), microseconds, api],
            )

    @classmethod
    def holds(cls, api: str) -> list[Hold]:
        """That of the API at this URL and that of its history budget, as far as they last still."""
        now = _server_now()
        found = []
        for row in cls.objects.filter(api__in=[api, budget_of(api)]).order_by("api"):
            of_history = row.api != api
            until = row.next_request_at if of_history else row.held_until
            why = "the requests of the hour are used up" if of_history else row.held_why
            if until is not None and until > now:
                found.append(Hold(until, why, of_history))
        return found

    @classmethod
    def lift(cls, api: str) -> list[Hold]:
        """Ask again before that: at worst it is refused again. Returns what lasted still."""
        with transaction.atomic():
            list(cls.objects.select_for_update().filter(api__in=[api, budget_of(api)]).order_by("api"))
            lifted = cls.holds(api)
            now = _server_now()
            if any(not hold.of_history for hold in lifted):
                cls.objects.filter(api=api).update(next_request_at=now, held_until=None, held_why="")
            if any(hold.of_history for hold in lifted):
                cls.objects.filter(api=budget_of(api)).update(next_request_at=now, remaining=None, resets_at=None)
        return lifted

    @classmethod
    @patient
    def told(cls, api: str, asked_by: str, remaining: int, resets_in_seconds: int) -> None:
        """Keep what the API said of the budget `api` (see `budget_of`) of `asked_by`. 0 remaining holds it."""
        values: list[int | str] = [0 if remaining else resets_in_seconds, remaining, resets_in_seconds, asked_by]
        with connection.cursor() as cursor:
            cursor.execute(
                "INSERT INTO api_pace (api, next_request_at, remaining, resets_at, asked_by) VALUES (%s, "
                "UTC_TIMESTAMP(6) + INTERVAL %s SECOND, %s, UTC_TIMESTAMP(6) + INTERVAL %s SECOND, %s) "
                "ON DUPLICATE KEY UPDATE next_request_at = UTC_TIMESTAMP(6) + INTERVAL %s SECOND, remaining = %s, "
                "resets_at = UTC_TIMESTAMP(6) + INTERVAL %s SECOND, asked_by = %s",
                [api, *values, *values],
            )

    @classmethod
    @patient
    def spent_until(cls, api: str, asked_by: str) -> tuple[datetime, float] | None:
        """When something is left of the budget `api` of `asked_by` again (aware, UTC), and the seconds until then.

        None: there is now, as far as is known. What was said to somebody with another key says nothing here.
        """
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT next_request_at, TIMESTAMPDIFF(MICROSECOND, UTC_TIMESTAMP(6), next_request_at) FROM api_pace "
                "WHERE api = %s AND asked_by = %s AND next_request_at > UTC_TIMESTAMP(6)",
                [api, asked_by],
            )
            row = cursor.fetchone()
        return row and (row[0].replace(tzinfo=UTC), row[1] / 1e6)


def _server_now() -> datetime:
    with connection.cursor() as cursor:
        cursor.execute("SELECT UTC_TIMESTAMP(6)")
        now: datetime = cursor.fetchone()[0]
    return now.replace(tzinfo=UTC)


def budget_of(api: str) -> str:
    """The row of the history budget of the API at this URL."""
    return f"{api}#history"
