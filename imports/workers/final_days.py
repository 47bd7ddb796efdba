"""Every night the days that have become final since, for whoever imports from the History API: queued for the workers.

Of the destinations that were imported from it before, from the first day that was; what the ledger lacks and nothing
else, so a night in which nobody was at it is made up for by the next.
"""

import time
from collections.abc import Callable
from datetime import UTC, datetime

from django.db.models import Min
from django.utils import timezone

from imports.archive import beginning, planning
from imports.archive.day_file_model import ImportedFile
from imports.archive.request import Request, RequestError
from imports.archive.transitions import TransitionRefused
from imports.sources.opening import HISTORY, open_source
from imports.sources.source import ArchiveError, Feed, NotNow
from imports.workers import queue
from warehouse.text import count_of
from warehouse.wire.bounds import within

DESTINATION_SECONDS = 90.0  # for what is asked of one; a worker ends a task after 300 s
BEGINS_NONE_AFTER_SECONDS = 180
IN_VAIN_MAX = 3  # destinations in a row about which nothing is answered: it is not one of them, it is the API


def enqueue_final_days(clock: Callable[[], datetime] = timezone.now) -> str:
    """Returns what came of it in words. A destination that is being imported already is left for the next night."""
    known = list(
        ImportedFile.objects.filter(feed=Feed.HISTORY)
        .order_by("destination_wiki_id")
        .values("destination_wiki_id")
        .annotate(first=Min("file_date"))
    )
    if not known:
        return "nothing to do: no destination was imported from the History API yet"
    said: list[str] = []
    queued = days = in_vain = 0
    began = time.monotonic()
    today = clock().astimezone(UTC).date()
    # Another one first each night: where the hour's budget ends, or nobody answers any more, it is not the same end.
    begin = today.toordinal() % len(known)
    try:
        source = open_source(HISTORY)
        for row in [*known[begin:], *known[:begin]]:
            if time.monotonic() - began > BEGINS_NONE_AFTER_SECONDS:
                said.append("the others are for the next night")
                break
            request = Request(source, (row["destination_wiki_id"],), first=row["first"], missing_only=True)
            try:
                with within(DESTINATION_SECONDS, sleeps_count=True):
                    plans = planning.plan(request, today)
                checkpoints = [checkpoint for run in beginning.begin(plans, clock) for checkpoint in run.checkpoints]
                queue.enqueue(checkpoints)
            except (RequestError, TransitionRefused) as error:
                said.append(f"{row['destination_wiki_id']}: {error}")
                continue
            except NotNow as error:
                in_vain += 1
                if not error.of_one or in_vain == IN_VAIN_MAX:
                    raise
                said.append(f"{row['destination_wiki_id']}: {error}")
                continue
            in_vain = 0
            queued += len(checkpoints)
            days += sum(len(plan.files) for plan in plans)
    except NotNow as waiting:
        said.append(waiting.in_words())
    except ArchiveError as error:
        said.append(str(error))
    return "; ".join([f"{count_of(days, 'day')} of {count_of(queued, 'park')} queued", *said])
