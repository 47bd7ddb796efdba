"""Many findings at once: the page that confirms, which acts on what it showed, and the page of what one click did.

The confirmation shows findings as they stand and keeps them in its form (quality.admin.shown). The click moves those
that stand there still; what others moved meanwhile stays and is said, and so is what came meanwhile.
"""

from collections import Counter
from typing import Any

from django.contrib import messages
from django.contrib.admin.options import IncorrectLookupParameters
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html

from quality.acts import DONE, batch_in_words
from quality.admin import finding_view
from quality.admin.chips import address, chips_of
from quality.admin.filters import ALL, who_may_triage
from quality.admin.shown import NotShown, Shown
from quality.models import (
    DataQualityLog,
    DataQualityMove,
    ResolutionStatus,
    TransitionRefused,
    Triage,
    TriageBatch,
)
from quality.reasons import REASONS, title_of
from quality.states import NOTE_MAX, origins_of
from quality.taking_back import is_authors, standing, take_back
from warehouse.server import errors
from warehouse.server.away import despite_deadlocks
from warehouse.text import count_of, label_of

MOVED_AT_ONCE_MAX = 20_000  # 10,000 took 24 s beside twenty others, and a request has 120
LISTED_MAX = 20
SENTENCES_SHOWN = 5
AS_IT_IS, NOBODY = "", "-"  # of the field that assigns
VERBS = {
    ResolutionStatus.INVESTIGATING: ("Investigate", DONE[ResolutionStatus.INVESTIGATING]),
    ResolutionStatus.RESOLVED: ("Resolve", DONE[ResolutionStatus.RESOLVED]),
    ResolutionStatus.WONTFIX: ("Won't fix", DONE[ResolutionStatus.WONTFIX]),
}
AGAIN = "The findings were being written by others just now, and nothing was moved: click once more"


# --- the confirmation -------------------------------------------------------------------------------------------------
def confirm(model_admin, request: HttpRequest) -> HttpResponse:
    """GET: what the filters of the address find, to be confirmed. POST: the click."""
    if not model_admin.has_triage_permission(request):
        raise PermissionDenied
    try:
        matching = model_admin.matching(request)
    except IncorrectLookupParameters:
        return HttpResponseRedirect(reverse("admin:quality_dataqualitylog_changelist") + "?e=1")
    if request.method == "POST":
        return _click(model_admin, request, matching)
    return ask(model_admin, request, matching, by_filter=True)


def ask(model_admin, request: HttpRequest, queryset, *, by_filter: bool, target: str = "") -> HttpResponse:
    """The page that shows what is to be moved. `target`: what was chosen already; "": every verb is offered."""
    rows = queryset.order_by("pk").values_list("pk", "resolution_status", "assignee")[: MOVED_AT_ONCE_MAX + 1]
    shown = Shown.of(rows, by_filter=by_filter)
    if len(shown.held) > MOVED_AT_ONCE_MAX:
        messages.error(request, f"At most {MOVED_AT_ONCE_MAX:,} findings are moved at once: filter the list first")
        return HttpResponseRedirect(_back(request))
    if not shown.held:
        messages.info(request, "No finding fits any more: others have seen to them")
        return HttpResponseRedirect(_back(request))
    return _page(model_admin, request, shown, target)


def _page(model_admin, request: HttpRequest, shown: Shown, target: str, **more: Any) -> HttpResponse:
    by_status = Counter(shown.states.values())
    newest = sorted(shown.held, reverse=True)[:LISTED_MAX]
    rows = DataQualityLog.objects.filter(pk__in=newest).defer("evidence", "resolution_note").order_by("-pk")
    rows = finding_view.with_subjects(rows)
    reasons = {row.reason for row in rows}
    verb = VERBS[target][0] if target else "Triage"
    targets = [target] if target else list(VERBS)
    refused = sum(count for status, count in by_status.items() if target and status not in origins_of(target))
    all_listed = len(newest) == len(shown.held)
    reason = request.GET.get("reason") or (reasons.pop() if all_listed and len(reasons) == 1 else "")
    context = {
        **model_admin.admin_site.each_context(request),
        "title": f"{verb}: {count_of(len(shown.held), 'finding')}",
        "opts": model_admin.opts,
        "media": model_admin.media,
        "verb": verb,
        "target": target,
        "targets": [(each, VERBS[each][0]) for each in targets],
        "chips": chips_of(request.GET.dict()) if shown.by_filter else [],
        "reason": REASONS.get(reason),
        "reason_title": title_of(reason) if reason else "",
        "by_status": [
            (label_of(ResolutionStatus.choices, status), count) for status, count in sorted(by_status.items())
        ],
        "through": target != ResolutionStatus.INVESTIGATING and by_status[ResolutionStatus.OPEN],
        "legal": len(shown.held) - refused,
        "illegal": refused,
        "origins": origins_of(target) if target else [],
        "rows": rows,
        "not_listed": max(0, len(shown.held) - LISTED_MAX),
        "shown": shown.packed(),
        "note_max": NOTE_MAX,
        "needs_note": bool(target) and target != ResolutionStatus.INVESTIGATING,
        "names": who_may_triage(),
        "as_it_is": AS_IT_IS,
        "nobody": NOBODY,
        "post_url": reverse("admin:quality_dataqualitylog_triage_many") + _query(request),
        "back_url": _back(request),
        **more,
    }
    return TemplateResponse(request, "admin/quality/dataqualitylog/triage_many.html", context)


def _click(model_admin, request: HttpRequest, matching) -> HttpResponse:
    try:
        shown = Shown.unpacked(request.POST.get("shown", ""))
    except NotShown as error:
        messages.error(request, str(error))
        return HttpResponseRedirect(_back(request))
    move, note, hand = (request.POST.get(name, "") for name in ("move", "note", "assignee"))
    assign_to = None if hand == AS_IT_IS else "" if hand == NOBODY else hand
    target = request.POST.get("target", "")
    try:
        check_assignee(assign_to)
        triage = act(request, shown, move, note, assign_to)
    except TransitionRefused as refused:
        kept = {"error": str(refused), "note": note, "assignee": hand}
        return _page(model_admin, request, shown, target if target in VERBS else "", **kept)
    report(request, triage, move, assign_to)
    if shown.by_filter:
        _report_newcomers(request, matching, shown)
    return HttpResponseRedirect(_back(request))


def act(request: HttpRequest, shown: Shown, move: str, note: str, assign_to: str | None) -> Triage:
    """Move, or only assign, what stands as it was shown. TransitionRefused: with the sentence."""
    by, now = request.user.get_username(), timezone.now()
    try:
        if move == TriageBatch.ASSIGN:
            if assign_to is None:
                raise TransitionRefused("Choose to whom the findings are assigned")
            to = assign_to
            return despite_deadlocks(
                lambda: DataQualityLog.assign(shown.held, to, by=by, now=now, note=note, shown=shown.held)
            )
        states = shown.states
        return despite_deadlocks(
            lambda: DataQualityLog.transition(
                states, move, by=by, now=now, note=note, shown=states, assign_to=assign_to
            )
        )
    except Exception as error:
        if errors.is_locked(error):
            raise TransitionRefused(AGAIN) from error
        raise


def check_assignee(name: str | None) -> None:
    """TransitionRefused: nobody of this name may triage."""
    if name and name not in who_may_triage():
        raise TransitionRefused(f"Findings are assigned to those who may triage them, and {name} may not")


def _report_newcomers(request: HttpRequest, matching, shown: Shown) -> None:
    """What fits the filter by now and was not shown."""
    ids = matching.order_by("pk").values_list("pk", flat=True)[: 2 * MOVED_AT_ONCE_MAX]
    came = [pk for pk in ids if pk not in shown.held]
    if came:
        many = f"{len(came):,} more findings fit" if len(came) > 1 else "One more finding fits"
        url = reverse("admin:quality_dataqualitylog_triage_many") + _query(request)
        said = format_html('{} by now, and came after the page was made: left alone. <a href="{}">Look</a>', many, url)
        messages.warning(request, said)


def report(request: HttpRequest, triage: Triage, move: str, assign_to: str | None = None) -> None:
    """Say what was moved, with the way to take it back, and what was not."""
    if triage.count:
        many = f"{triage.count:,} findings are" if triage.count > 1 else "The finding is"
        done = VERBS[move][1] if move in VERBS else f"assigned to {assign_to or 'nobody'}"
        url = reverse("admin:quality_dataqualitylog_bulk", args=[triage.batch])
        messages.success(request, format_html('{} {}. <a href="{}">Take back</a>', many, done, url))
    elif not triage.refused:
        messages.info(request, "Nothing was to be changed")
    sentences(request, triage.refused, "were left alone alike")


def sentences(request: HttpRequest, said: list[str], alike: str) -> None:
    """The first few, and how many more."""
    for sentence in said[:SENTENCES_SHOWN]:
        messages.warning(request, sentence)
    if len(said) > SENTENCES_SHOWN:
        messages.warning(request, f"{len(said) - SENTENCES_SHOWN:,} more {alike}")


def _query(request: HttpRequest) -> str:
    query = request.GET.urlencode()
    return f"?{query}" if query else ""


def _back(request: HttpRequest) -> str:
    """The list that led here, of this desk and no other page."""
    back = request.GET.get("back", "")
    if not back.startswith("?"):
        back = address(request.GET.dict(), back=None) if request.GET else ""
    return reverse("admin:quality_dataqualitylog_changelist") + back


# --- what one click did -----------------------------------------------------------------------------------------------
def bulk(model_admin, request: HttpRequest, batch_id: int) -> HttpResponse:
    """GET: what was done, and what of it stands. POST: take it back."""
    if not model_admin.has_view_permission(request):
        raise PermissionDenied
    batch = get_object_or_404(TriageBatch, pk=batch_id)
    by, now = request.user.get_username(), timezone.now()
    if request.method == "POST":
        if not model_admin.has_triage_permission(request):
            raise PermissionDenied
        return _take_back(request, batch, by, now)
    stands = standing(batch)
    moved = DataQualityMove.objects.filter(batch=batch).values("finding")
    rows = DataQualityLog.objects.filter(pk__in=moved).defer("evidence", "resolution_note").order_by("-pk")
    listed = address({"batch": str(batch.pk), "status": ALL, "view": "list"})
    context = {
        **model_admin.admin_site.each_context(request),
        "title": f"Bulk {batch.pk}: {batch_in_words(batch)}",
        "opts": model_admin.opts,
        "media": model_admin.media,
        "batch": batch,
        "stands": stands,
        "moved_since": batch.findings - stands,
        "undos": list(batch.undone_by.order_by("pk")),
        "rows": finding_view.with_subjects(rows[:LISTED_MAX]),
        "not_listed": max(0, batch.findings - LISTED_MAX),
        "list_url": reverse("admin:quality_dataqualitylog_changelist") + listed,
        "may_triage": model_admin.has_triage_permission(request),
        "needs_note": not is_authors(batch, by, now),
        "note_max": NOTE_MAX,
    }
    return TemplateResponse(request, "admin/quality/dataqualitylog/bulk.html", context)


def _take_back(request: HttpRequest, batch: TriageBatch, by: str, now) -> HttpResponse:
    here = reverse("admin:quality_dataqualitylog_bulk", args=[batch.pk])
    try:
        done = despite_deadlocks(lambda: take_back(batch, by=by, now=now, note=request.POST.get("note", "")))
    except TransitionRefused as refused:
        messages.error(request, str(refused))
        return HttpResponseRedirect(here)
    except Exception as error:
        if not errors.is_locked(error):
            raise
        messages.error(request, AGAIN)
        return HttpResponseRedirect(here)
    if done.count:
        many = f"{done.count:,} findings stand" if done.count > 1 else "The finding stands"
        messages.success(request, f"Taken back: {many} where {'they' if done.count > 1 else 'it'} stood before")
    else:
        messages.error(request, "Nothing was taken back: no finding stands where this put it")
    sentences(request, done.left, "stay alike")
    shown = batch.pk if done.batch is None else done.batch
    return HttpResponseRedirect(reverse("admin:quality_dataqualitylog_bulk", args=[shown]))
