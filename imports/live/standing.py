"""How the collecting of live states stands: what the home page, `manage.py status` and monitors say of it.

A collection that reached nobody is no success, whatever its task said: what counts is when a destination last answered.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db.models import Count, Q, Sum
from django_q.models import Schedule

from imports.live.collector import NothingToCollect, known_destinations
from imports.live.models import LiveCollection

TASK = "imports.tasks.collect_live"
LATE_AFTER_INTERVALS = 3
# one interval is a blink, and a worker may be busy with slices of imports for as long as it takes
LATE_AFTER_LEAST = timedelta(minutes=15)
SAID_BY = 3  # collections in a row in which a destination failed


@dataclass(frozen=True)
class Standing:
    """As of an instant. `last` is the last collection that was begun; `success` is when one last got an answer.

    `answered` of `asked` destinations in the last one that ended, and `why` the others did not: the first error.
    `failing`: destinations that gave no answer in the last SAID_BY collections, while others did.
    """

    is_on: bool
    destinations: int
    every: timedelta
    last: LiveCollection | None
    success: datetime | None
    first_attempt: datetime | None
    answered: int
    asked: int
    why: str
    failing: frozenset[str]

    @property
    def reached_nobody(self) -> bool:
        """The last collection that ended asked for something and got nothing."""
        return bool(self.asked) and not self.answered

    @property
    def late_after(self) -> timedelta:
        """How old the last success may be."""
        return max(self.every * LATE_AFTER_INTERVALS, LATE_AFTER_LEAST)

    def is_late(self, now: datetime) -> bool:
        """It is to run, there is something to collect, it was tried, and the last success is too long ago."""
        since = self.success or self.first_attempt
        return self.is_on and bool(self.destinations) and since is not None and now - since > self.late_after


@dataclass(frozen=True)
class Rate:
    """Of the questions of all collections of a period, those that were answered; what was not reached was not asked."""

    collections: int
    asked: int
    answered: int

    @property
    def share(self) -> float | None:
        """0 to 1; None: nothing was asked."""
        return self.answered / self.asked if self.asked else None


def standing() -> Standing:
    """Seven small queries."""
    job = Schedule.objects.filter(func=TASK).exclude(repeats=0).first()
    minutes = job.minutes if job and job.schedule_type == Schedule.MINUTES and job.minutes else None
    try:
        destinations = len(known_destinations())
    except NothingToCollect:
        destinations = 0
    recent = list(LiveCollection.objects.order_by("-collection_id")[: SAID_BY + 1])
    ended = [each for each in recent if each.finished_at is not None][:SAID_BY]
    newest = ended[0] if ended else None
    success = LiveCollection.objects.filter(destinations__gt=0).order_by("-collection_id").first()
    first = None if success else LiveCollection.objects.order_by("collection_id").first()
    failing = frozenset()
    if len(ended) == SAID_BY and any(each.destinations for each in ended):
        failing = frozenset.intersection(*(frozenset(f["destination"] for f in each.failures) for each in ended))
    return Standing(
        is_on=job is not None,
        destinations=destinations,
        every=timedelta(minutes=minutes or settings.LIVE_EVERY_MINUTES),
        last=recent[0] if recent else None,
        success=success and (success.finished_at or success.started_at),
        first_attempt=first and first.started_at,
        answered=newest.destinations if newest else 0,
        asked=newest.destinations + newest.failed + newest.not_reached if newest else 0,
        why=str(newest.failures[0]["error"]) if newest and newest.failures else "",
        failing=failing,
    )


def rate_since(begin: datetime, end: datetime | None = None) -> Rate:
    """Of the collections that began in [begin, end); `end` None: until now."""
    during = Q(started_at__gte=begin) & (Q(started_at__lt=end) if end else Q())
    found = LiveCollection.objects.filter(during).aggregate(Count("pk"), Sum("destinations"), Sum("failed"))
    answered = found["destinations__sum"] or 0
    return Rate(found["pk__count"], answered + (found["failed__sum"] or 0), answered)
