"""Looking at a source for a preview of an import: in a worker, so that nobody waits for a source that does not answer.

The asking goes on in a thread of its own, and what the row says is written by another, every second: so a request that
hangs can be cancelled, at once for whoever looks on and for the worker. The thread that hangs is left behind; it ends
when its request does, and writes nothing.
"""

import logging
import threading
import time
from datetime import UTC, date, datetime
from typing import Any

from django.db import DatabaseError, connections
from django.db.models.functions import Now
from django.utils import timezone
from django_q.tasks import async_task

from imports.archive import preview
from imports.archive.request import Request, RequestError
from imports.sources import allowed
from imports.sources.opening import delisted_of, open_source
from imports.sources.source import ArchiveError, NotNow, Source, heard_trouble
from imports.workers.preview_model import FORGOTTEN_AFTER, UNDER_WAY, ImportPreview, PreviewState
from warehouse.server import errors

TASK = "imports.tasks.preview_import"
TIMEOUT_SECONDS = 600
EVERY_SECONDS = 0.5
#: A bucket that does not answer gives up after 140 s, and 300 at most; who lists a large one says so all the while.
SILENT_SECONDS = 320.0

logger = logging.getLogger(__name__)


def ask_for(asked: dict[str, list[str]], request: dict[str, Any], source: str, made_by: str) -> ImportPreview:
    """A row for a worker to look at. What the same person has under way is cancelled: a source that does not answer
    would keep one worker for each try. Those of yesterday are forgotten."""
    ImportPreview.objects.filter(created_at__lt=timezone.now() - FORGOTTEN_AFTER).delete()
    for other in ImportPreview.objects.filter(made_by=made_by, state__in=UNDER_WAY):
        other.cancel()
    made = ImportPreview.objects.create(asked=asked, request=request, source=source, made_by=made_by)
    async_task(TASK, made.pk, group=f"preview of {source}"[:100], timeout=TIMEOUT_SECONDS, save=False)
    return made


def look(preview_id: int, give_up_after_seconds: float | None = None) -> str:
    """Look for a preview that waits, and write down what came of it. Returns that in a sentence.

    Called twice, or late, it does nothing. `give_up_after_seconds`: for who makes people wait.
    """
    waiting = ImportPreview.objects.filter(pk=preview_id, state=PreviewState.WAITING)
    if not waiting.update(state=PreviewState.RUNNING, seen_at=Now()):
        return "nothing to do: cancelled, or looked at already"
    looking = _Looking(ImportPreview.objects.get(pk=preview_id))
    looking.start()
    mine = ImportPreview.objects.filter(pk=preview_id, state=PreviewState.RUNNING)
    begun = time.monotonic()
    while not looking.done.wait(EVERY_SECONDS):
        now = time.monotonic()
        if not mine.update(seen_at=Now(), progress=looking.progress, trouble=looking.trouble):
            looking.stop.set()
            return "cancelled"
        if give_up_after_seconds is not None and now - begun > give_up_after_seconds:
            return _give_up(looking, mine, give_up_after_seconds)
        if now - looking.said_at > SILENT_SECONDS:
            return _give_up(looking, mine, SILENT_SECONDS)
    mine.update(ended_at=Now(), listed=looking.listed, **looking.outcome)
    return looking.outcome.get("error") or "ready"


def source_of(request: dict[str, Any]) -> Source:
    """The source that is asked for, opened and not yet asked. ArchiveError: it cannot be, or is not allowed (any
    more: what lies at a path may be a link since)."""
    url = delisted_of(request["source"]) if request["delisted"] else request["source"]
    allowed.refuse_others(url)
    return open_source(url)


def request_of(request: dict[str, Any], source: Source, listed: list[str] | None) -> Request:
    """What is asked for of it; `listed`: its destinations, as far as they were asked for."""
    days = {name: date.fromisoformat(request[name]) if request[name] else None for name in ("first", "last")}
    flags = ("everything", "missing_only", "changed_only", "replace_live", "replace", "force")
    return Request(
        source=source,
        listed=listed,
        destinations=request["destinations"],
        parks=request["parks"],
        first=days["first"],
        last=days["last"],
        **{name: request[name] for name in flags},
    )


def _give_up(looking: "_Looking", mine: Any, seconds: float) -> str:
    looking.stop.set()
    trouble = f" ({looking.trouble})" if looking.trouble else ""
    said = f"no answer from {looking.request['source']} for {seconds:.0f} s{trouble}"
    mine.update(ended_at=Now(), state=PreviewState.FAILED, error=said, listed=looking.listed)
    return said


class _Stopped(Exception):
    """Nobody wants to know any more."""


class _Looking(threading.Thread):
    """Asks the source. `outcome` is what is to be written of it, once it is `done`."""

    def __init__(self, row: ImportPreview):
        super().__init__(name=f"preview-{row.pk}", daemon=True)
        self.request = row.request
        self.progress = self.trouble = ""
        self.said_at = time.monotonic()
        self.listed: list[str] = []
        self.stop, self.done = threading.Event(), threading.Event()
        self.outcome: dict[str, Any] = {}

    def run(self) -> None:
        """Ends with `done`, whatever happens."""
        heard_trouble.set(self._hear)
        try:
            self.outcome = {"state": PreviewState.READY, "result": self._look()}
        except _Stopped:
            pass
        except NotNow as waiting:
            self._fail(waiting.in_words())
        except (RequestError, ArchiveError) as error:
            self._fail(str(error))
        except DatabaseError as error:
            self._fail(errors.in_words(error))
        except Exception as error:
            logger.exception("a preview failed")
            self._fail(f"{type(error).__name__}: {error}")
        finally:
            connections.close_all()
            self.done.set()

    def _look(self) -> dict[str, Any]:
        source = source_of(self.request)
        self._say(f"asks {source.url} for its destinations")
        self.listed = source.list_destinations()
        return preview.look(request_of(self.request, source, self.listed), datetime.now(UTC), self._say)

    def _say(self, said: str) -> None:
        if self.stop.is_set():
            raise _Stopped
        self.progress, self.trouble, self.said_at = said[:400], "", time.monotonic()

    def _hear(self, said: str) -> None:
        if self.stop.is_set():
            raise _Stopped
        self.trouble = said[:400]

    def _fail(self, said: str) -> None:
        self.outcome = {"state": PreviewState.FAILED, "error": said}
