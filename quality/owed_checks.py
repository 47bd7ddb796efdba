"""Checks that are owed: what came in and was not looked at yet, kept in a table until a check has seen it.

Whoever brings rows in says so in the transaction that says that they are there (`owe`). Any check pays what it covers
(quality.check.run), so that it does not matter who comes first: the command right after its import, a worker's task,
`--resume`, `check_quality`, or the daily check. A check reads what it covers before it looks at rows, and what it paid
is gone only after its findings are written: one that dies leaves it owed, two at once do the same twice, and what came
in meanwhile has a row of its own.
"""

from collections.abc import Collection, Iterable
from datetime import date, datetime

from django.db import transaction
from django.db.models import Count, Min

from quality.models import OwedCheck
from warehouse.server.away import patient


def owe(*, park_id: int, first_day: date, last_day: date, cause: str) -> None:
    """These days of a park are to be checked, in place of what the same cause owed before, of which they are more.

    To be called in the transaction that brings them to an end.
    """
    # by key: a DELETE by the cause alone would lock the gap that others insert into
    _strike_out(list(OwedCheck.objects.filter(cause=cause).values_list("pk", flat=True)))
    OwedCheck.objects.create(park_id=park_id, first_day=first_day, last_day=last_day, cause=cause)


@patient
def owed(causes: Collection[str] | None = None) -> list[OwedCheck]:
    """What is owed, the oldest first: all, or what these causes left."""
    rows = OwedCheck.objects.select_related("park")
    return list(rows if causes is None else rows.filter(cause__in=causes))


def covered_by(parks: Iterable[int] | None, first_day: date | None, last_day: date | None) -> list[int]:
    """The keys of what a check of these parks and days (None: all) will have paid when it has come to its end."""
    rows = OwedCheck.objects.all()
    if parks is not None:
        rows = rows.filter(park_id__in=list(parks))
    if first_day is not None:
        rows = rows.filter(first_day__gte=first_day)
    if last_day is not None:
        rows = rows.filter(last_day__lte=last_day)
    return list(rows.values_list("pk", flat=True))


def paid(keys: Collection[int]) -> None:
    """A check has seen these, and its findings are written. Paid twice is as good."""
    _strike_out(keys)


def _strike_out(keys: Collection[int]) -> None:
    """All of them but those that somebody else is striking out: they go with his COMMIT, or stay owed. A process that
    stood still in the midst of it was waited for, 50 s at a time."""
    if not keys:
        return
    with transaction.atomic():
        free = OwedCheck.objects.select_for_update(skip_locked=True).filter(pk__in=keys)
        OwedCheck.objects.filter(pk__in=list(free.values_list("pk", flat=True))).delete()


def standing() -> tuple[int, datetime | None]:
    """How many are owed, and since when the oldest is."""
    found = OwedCheck.objects.aggregate(many=Count("pk"), since=Min("owed_since"))
    return found["many"], found["since"]
