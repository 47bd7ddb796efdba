"""Pause everything, imports and recurring jobs, on one page that asks first; and one way back. Each pause is kept."""

from django.contrib import admin, messages
from django.contrib.admin.models import ADDITION, CHANGE, LogEntry
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import path

from imports.admin import job_pages
from imports.admin.import_pages import may_operate
from imports.archive.pause_model import WHY_MAX, Pause
from imports.workers import standstill
from warehouse.admin.operator_overrides import ReadOnlyAdmin
from warehouse.text import count_of

LISTED_MAX = 50
# In the history of each import and job; the pause itself is the one line that home tells.
PAUSED, RESUMED = "Paused with everything", "Resumed with everything"


@admin.register(Pause)
class PauseAdmin(ReadOnlyAdmin):
    """The pauses there were: who, when, why, what was stopped, and what its end did not restore."""

    list_display = ("begun_at", "begun_by", "why", "ended", "ended_by", "stopped", "not_restored")
    csv_display = ("begun_at", "begun_by", "why", "ended_at", "ended_by", "stopped", "not_restored")
    fields = ("begun_at", "begun_by", "why", "ended", "ended_by", "imports_stopped", "jobs_stopped", "not_restored")
    readonly_fields = fields

    def get_urls(self):
        page = self.admin_site.admin_view(self.everything_view)
        return [path("everything/", page, name="imports_pause_everything"), *super().get_urls()]

    @admin.display(description="ended", ordering="ended_at")
    def ended(self, pause):
        return pause.ended_at or "lasts"

    @admin.display(description="stopped")
    def stopped(self, pause):
        return f"{count_of(len(pause.imports), 'import')}, {count_of(len(pause.jobs), 'job')}"

    @admin.display(description="not restored")
    def not_restored(self, pause):
        return "; ".join(pause.left)

    @admin.display(description="imports")
    def imports_stopped(self, pause):
        return ", ".join(f"{each['import_id']} of {each['park']}" for each in pause.imports) or "none"

    @admin.display(description="recurring jobs")
    def jobs_stopped(self, pause):
        return ", ".join(each["name"] for each in pause.jobs) or "none"

    def everything_view(self, request: HttpRequest) -> HttpResponse:
        """What would be stopped, or what is; POST begins or ends it."""
        if not (may_operate(request) or self.has_view_permission(request)):
            raise PermissionDenied
        if request.method == "POST":
            if not may_operate(request):
                raise PermissionDenied
            (_end if request.POST.get("move") == "resume" else _begin)(request)
            return redirect("admin:index")
        pause = Pause.current()
        at_work = standstill.at_work()
        context = {
            **self.admin_site.each_context(request),
            "title": "Everything is paused" if pause else "Pause everything",
            "opts": self.opts,
            "pause": pause,
            "said": pause and pause.in_words(),
            "imports": at_work.imports[:LISTED_MAX],
            "imports_more": max(0, len(at_work.imports) - LISTED_MAX),
            "jobs": at_work.jobs,
            "may_operate": may_operate(request),
            "why_max": WHY_MAX,
        }
        return TemplateResponse(request, "imports/pause.html", context)


def _begin(request: HttpRequest) -> None:
    try:
        pause, stopped = standstill.begin(request.user.get_username(), request.POST.get("why", ""))
    except standstill.PauseRefused as refused:
        messages.error(request, str(refused))
        return
    why = f". Reason: {pause.why}" if pause.why else ""
    _log(request, pause, stopped, ADDITION, f"Pause everything: {stopped} stopped{why}", f"{PAUSED}{why}")
    messages.success(request, f"Everything is paused: {stopped} stopped. Nothing begins until it is resumed.")


def _end(request: HttpRequest) -> None:
    try:
        pause, restored = standstill.end(request.user.get_username())
    except standstill.PauseRefused as refused:
        messages.error(request, str(refused))
        return
    left = f". Left as it is: {'; '.join(pause.left)}" if pause.left else ""
    _log(request, pause, restored, CHANGE, f"Resume everything: {restored} go on{left}", RESUMED)
    messages.success(request, f"Everything goes on: {restored}.")
    for sentence in pause.left:
        messages.warning(request, f"Left as it is: {sentence}")


def _log(request: HttpRequest, pause: Pause, which: standstill.Stopped, flag: int, said: str, of_each: str) -> None:
    """In the history of the pause, and in that of everything it touched."""
    log = LogEntry.objects.log_actions
    log(request.user.pk, [pause], flag, said, single_object=True)
    for checkpoint in which.imports:
        log(request.user.pk, [checkpoint], CHANGE, of_each, single_object=True)
    for job in which.jobs:
        job_pages.log(request.user, job, of_each)
