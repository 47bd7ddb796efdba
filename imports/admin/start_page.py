"""Start import: what is asked for, what the source has of it, what is imported already, and then the start itself.

Any page can link here with the form filled in (park, destination, from, to, source, days; park and destination more
than once): that asks for a preview, which a worker makes (imports.workers.preview_task), and leads to its page. There
it can be watched and cancelled. The start begins what the preview showed, from what it found: no source is asked while
somebody waits.
"""

from datetime import datetime
from typing import Any

from django.contrib import admin, messages
from django.contrib.admin.models import ADDITION, LogEntry
from django.core.exceptions import PermissionDenied
from django.db import DatabaseError, transaction
from django.db.models import Q
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed, JsonResponse, QueryDict
from django.shortcuts import get_object_or_404, redirect
from django.template.loader import render_to_string
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils import timezone
from django.utils.html import format_html, format_html_join

from imports.admin.start_form import ASKING, StartForm, for_people, sources
from imports.archive import beginning, preview
from imports.archive.checkpoint import AT_WORK, ImportCheckpoint
from imports.archive.request import RequestError
from imports.archive.transitions import TransitionRefused
from imports.sources import allowed
from imports.sources.source import ArchiveError
from imports.workers import preview_task, queue
from imports.workers.models import Worker
from imports.workers.preview_model import ImportPreview, PreviewState
from warehouse.outside import shown as shown_text
from warehouse.partitioning.partitions import PartitionsError
from warehouse.server import errors
from warehouse.text import count_of, duration_in_words, size_in_words

#: what is said of an import that was begun so
DAYS_ASKED = {"all": "", "missing": ", what is new only", "changed": ", changed days only"}
WITHOUT_A_WORKER_SECONDS = 10.0
SAID_MAX = 1_000  # characters


class StartPages:
    """The pages, for the admin of imports."""

    def __init__(self, model_admin: admin.ModelAdmin):
        self._admin = model_admin

    def urls(self) -> list:
        """Below the list of imports."""
        pages = [
            ("start/", self.ask, "imports_start"),
            ("start/previews/<int:preview_id>/", self.preview, "imports_preview"),
            ("start/previews/<int:preview_id>/state/", self.state, "imports_preview_state"),
            ("start/previews/<int:preview_id>/cancel/", self.cancel, "imports_preview_cancel"),
            ("start/previews/<int:preview_id>/look/", self.look, "imports_preview_look"),
            ("start/previews/<int:preview_id>/start/", self.start, "imports_preview_start"),
        ]
        return [path(route, self._admin.admin_site.admin_view(view), name=name) for route, view, name in pages]

    # --- asking and looking on ------------------------------------------------------------------------------------
    def ask(self, request: HttpRequest) -> HttpResponse:
        """The form; where it is filled in, a preview of it is asked for."""
        self._refuse_strangers(request)
        data = request.POST if request.method == "POST" else request.GET
        offered = sources()
        initial = {"days": "all", "source": offered[0]}
        if not data.keys() & ASKING:
            initial |= {name: data[name] for name in ("source", "from", "to") if data.get(name)}
            return self._page(request, StartForm(None, [], initial))
        filled_in = data.copy()
        filled_in.pop("csrfmiddlewaretoken", None)
        for name, value in initial.items():
            filled_in[name] = filled_in.get(name) or value
        form = StartForm(filled_in, [], initial)
        if not form.is_valid():
            return self._page(request, form)
        asked = {name: filled_in.getlist(name) for name in filled_in if name in form.fields}
        made = preview_task.ask_for(asked, form.request(), form.cleaned_data["source"], request.user.get_username())
        return redirect("admin:imports_preview", made.pk)

    def preview(self, request: HttpRequest, preview_id: int) -> HttpResponse:
        """How far it is, or what came of it, and the form as it was asked with."""
        self._refuse_strangers(request)
        row = get_object_or_404(ImportPreview, pk=preview_id)
        form = StartForm(_as_asked(row), row.listed, {})
        form.is_valid()
        return self._page(request, form, row)

    def state(self, request: HttpRequest, preview_id: int) -> HttpResponse:
        """JSON for who looks on: whether it goes on, how far it is, and in the end what came of it, as HTML."""
        self._refuse_strangers(request)
        row = get_object_or_404(ImportPreview, pk=preview_id)
        context = shown(row, timezone.now())
        answer: dict[str, Any] = {
            "moving": context["moving"],
            "said": shown_text(context["said"], SAID_MAX),
            "stuck": context["stuck"],
        }
        if not context["moving"]:
            answer["html"] = render_to_string("imports/preview.html", context, request)
        return JsonResponse(answer)

    def cancel(self, request: HttpRequest, preview_id: int) -> HttpResponse:
        """Nobody wants to know any more."""
        row = self._posted(request, preview_id)
        if isinstance(row, ImportPreview):
            row.cancel()
            return redirect("admin:imports_preview", row.pk)
        return row

    def look(self, request: HttpRequest, preview_id: int) -> HttpResponse:
        """Where no worker is: in this very request, for WITHOUT_A_WORKER_SECONDS at most."""
        row = self._posted(request, preview_id)
        if isinstance(row, ImportPreview):
            preview_task.look(row.pk, WITHOUT_A_WORKER_SECONDS)
            return redirect("admin:imports_preview", row.pk)
        return row

    # --- starting -------------------------------------------------------------------------------------------------
    def start(self, request: HttpRequest, preview_id: int) -> HttpResponse:
        """Begin what the preview showed, hand it to the workers, and say what has changed since."""
        row = self._posted(request, preview_id)
        if not isinstance(row, ImportPreview):
            return row
        if row.state == PreviewState.READY and row.is_too_old(timezone.now()):
            self._say(request, "That preview is over half an hour old: this one is of now", messages.WARNING)
            again = preview_task.ask_for(row.asked, row.request, row.source, request.user.get_username())
            return redirect("admin:imports_preview", again.pk)
        try:
            with transaction.atomic():
                # the second of two that press waits for the first here, and finds it started
                if not ImportPreview.objects.filter(pk=row.pk, state=PreviewState.READY).update(
                    state=PreviewState.STARTED
                ):
                    return self._not_ready(request, row)
                changed = _changed_since(row)
                checkpoints, not_queued = _begin(row)
                ImportPreview.objects.filter(pk=row.pk).update(started=[each.pk for each in checkpoints])
                _log(request, checkpoints)
        except (RequestError, ArchiveError, TransitionRefused, PartitionsError) as error:
            self._say(request, f"Not started: {for_people(str(error))}", messages.ERROR)
            return redirect("admin:imports_preview", row.pk)
        except DatabaseError as error:
            self._say(request, f"Not started: {errors.in_words(error)}", messages.ERROR)
            return redirect("admin:imports_preview", row.pk)
        for said in [*changed, *([not_queued] if not_queued else [])]:
            self._say(request, said, messages.WARNING)
        if len(checkpoints) == 1:
            self._say(request, f"Started: {checkpoints[0]}", messages.SUCCESS)
            return redirect("admin:imports_importcheckpoint_change", checkpoints[0].pk)
        names = ", ".join(str(checkpoint.park) for checkpoint in checkpoints[:5])
        more = f" and {len(checkpoints) - 5} more" if len(checkpoints) > 5 else ""
        self._say(request, f"Started {count_of(len(checkpoints), 'import')}: {names}{more}", messages.SUCCESS)
        return redirect(f"{reverse('admin:imports_importcheckpoint_changelist')}?show=workers")

    def _not_ready(self, request: HttpRequest, row: ImportPreview) -> HttpResponse:
        row.refresh_from_db()
        if row.state != PreviewState.STARTED:
            self._say(request, "Not started: there is no finished preview to start from", messages.ERROR)
            return redirect("admin:imports_preview", row.pk)
        begun = ImportCheckpoint.objects.filter(pk__in=row.started).select_related("park")
        said = format_html("Started already, once: {}", links(begun))
        self._admin.message_user(request, said, messages.WARNING)
        return redirect("admin:imports_importcheckpoint_changelist")

    # --- what they share ------------------------------------------------------------------------------------------
    def _refuse_strangers(self, request: HttpRequest) -> None:
        if not self._admin.has_operate_permission(request):  # type: ignore[attr-defined]
            raise PermissionDenied

    def _posted(self, request: HttpRequest, preview_id: int) -> ImportPreview | HttpResponse:
        self._refuse_strangers(request)
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        return get_object_or_404(ImportPreview, pk=preview_id)

    def _say(self, request: HttpRequest, said: str, level: int) -> None:
        self._admin.message_user(request, said, level)

    def _page(self, request: HttpRequest, form: StartForm, row: ImportPreview | None = None) -> HttpResponse:
        context = {
            **self._admin.admin_site.each_context(request),
            **({} if row is None else shown(row, timezone.now())),
            "form": form,
            "sources": sources(),
            "allowed": allowed.allowed(),
            "title": "Start import",
            "opts": self._admin.opts,
            "media": self._admin.media,
            "workers": Worker.alive().count(),
        }
        return TemplateResponse(request, "imports/start.html", context)


def shown(row: ImportPreview, now: datetime) -> dict[str, Any]:
    """A preview as its template shows it, as of `now`: `moving`: it goes on by itself; `stuck`: no worker is there."""
    alive = Worker.alive().count()
    lost = row.is_lost(now)
    waits = row.state == PreviewState.WAITING
    found = row.result or {}
    return {
        "row": row,
        "moving": row.is_under_way and not lost,
        "stuck": waits and not alive,
        "lost": lost,
        "said": _said(row, now, alive),
        "error": for_people(row.error),
        "again": f"{reverse('admin:imports_start')}?{_as_asked(row).urlencode()}",
        "found": found,
        "totals": _totals(found.get("shown", [])),
        "busy": _busy(found.get("shown", [])) if row.state == PreviewState.READY else [],
        "startable": row.state == PreviewState.READY and not row.is_too_old(now),
        "seconds_without_a_worker": int(WITHOUT_A_WORKER_SECONDS),
    }


def _as_asked(row: ImportPreview) -> QueryDict:
    """The form as it was sent."""
    data = QueryDict(mutable=True)
    for name, values in row.asked.items():
        data.setlist(name, values)
    return data


def links(checkpoints) -> str:
    """To the pages of imports, with commas."""
    found = [(reverse("admin:imports_importcheckpoint_change", args=[each.pk]), each) for each in checkpoints]
    return format_html_join(", ", '<a href="{}">{}</a>', found)


def _said(row: ImportPreview, now: datetime, alive: int) -> str:
    since = duration_in_words((now - row.created_at).total_seconds())
    if row.state == PreviewState.WAITING:
        if not alive:
            return f"No worker is alive, so nobody looks at {row.source} yet ({since})."
        return f"Waits for a worker, of which {alive} {'is' if alive == 1 else 'are'} alive ({since})."
    if row.state == PreviewState.RUNNING:
        trouble = f" No answer yet: {row.trouble}. It is tried again." if row.trouble else ""
        return f"Looks at {row.source} ({since}): {row.progress or 'begins'}.{trouble}"
    return ""


def _totals(parts: list[dict[str, Any]]) -> dict[str, Any]:
    sizes = [part["bytes"] for part in parts]
    counts = {name: sum(part[name] for part in parts) for name in ("files", "imported", "missing", "to_read")}
    return counts | {"size": "" if None in sizes else size_in_words(sum(sizes) / 1e6)}


def _busy(parts: list[dict[str, Any]]) -> list[ImportCheckpoint]:
    """Imports that stand in the way, as of now."""
    theirs = Q()
    for part in parts:
        theirs |= Q(park__in=part["park_ids"], destination_wiki_id=part["destination"])
    if not theirs:
        return []
    return [
        checkpoint
        for checkpoint in ImportCheckpoint.objects.filter(AT_WORK, theirs).select_related("park")
        if checkpoint.queued_at is not None or checkpoint.is_alive()
    ]


def _changed_since(row: ImportPreview) -> list[str]:
    """Imports of the same parks that went on since the preview: what they read is no longer what it counted."""
    assert row.result is not None, "it is READY"
    parks = {pk for part in row.result["shown"] for pk in part["park_ids"]}
    since = ImportCheckpoint.objects.filter(park__in=parks, updated_at__gt=row.ended_at, files_processed__gt=0)
    return [
        f"Since the preview {each} has gone on: {each.status}, {each.files_processed} of {each.files_total} files"
        for each in since.select_related("park")[:5]
    ]


def _begin(row: ImportPreview) -> tuple[list[ImportCheckpoint], str]:
    """The imports, queued, and a sentence about what could not be."""
    assert row.result is not None, "it is READY"
    source = preview_task.source_of(row.request)
    runs = beginning.begin(preview.plans_of(row.result, preview_task.request_of(row.request, source, row.listed)))
    checkpoints = [checkpoint for run in runs for checkpoint in run.checkpoints]
    not_queued = queue.why_not_queued(runs)
    if not checkpoints:
        raise RequestError(not_queued or "Nothing is left to import here")
    queue.enqueue(checkpoints)
    return checkpoints, not_queued


def _log(request: HttpRequest, checkpoints: list[ImportCheckpoint]) -> None:
    for checkpoint in checkpoints:
        asked = "missing" if checkpoint.missing_only else "changed" if checkpoint.changed_only else "all"
        what = (
            f"Start: {checkpoint.start_date} to {checkpoint.end_date}, {count_of(checkpoint.files_total, 'day')}"
            f"{DAYS_ASKED[asked]}, from {checkpoint.source}; nothing → {checkpoint.status}"
            if checkpoint.generation == 0
            else f"Start again of what was unfinished, at {checkpoint.last_processed_date or checkpoint.start_date}"
        )
        LogEntry.objects.log_actions(request.user.pk, [checkpoint], ADDITION, what, single_object=True)
