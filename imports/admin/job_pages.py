"""The recurring jobs in the admin: when each runs, what came of its last runs; switched on and off, run now.

django-q2's own page lets whoever may change a schedule run any function: of these the times alone can be changed. They
come with manage.py sync_schedules; none is added or deleted here.
"""

import django_q.admin  # noqa: F401  (registers its pages, which are replaced here)
from django import forms
from django.contrib import admin, messages
from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.admin.views.main import ChangeList
from django.contrib.contenttypes.models import ContentType
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django_q.models import Schedule
from django_q.tasks import async_task

from imports.admin.job_form import ScheduleForm
from imports.archive.pause_model import Pause
from imports.workers import job_runs, schedules, times
from warehouse.admin.list_csv import ListCsvAdmin
from warehouse.admin.operator_overrides import NOTHING_CHANGED
from warehouse.text import duration_in_words

admin.site.unregister(Schedule)
OUTCOME_SHOWN = 140  # characters, in the list


class JobList(ChangeList):
    """Asks for the last run of all its jobs at once."""

    def get_results(self, request):
        super().get_results(request)
        self.result_list = _with_last_run(list(self.result_list))


def _with_last_run(jobs: list[Schedule]) -> list[Schedule]:
    last, waiting = job_runs.last_of_each(job.name for job in jobs if job.name), job_runs.waiting()
    for job in jobs:
        job.last, job.waits = last.get(job.name), job.name in waiting
    return jobs


@admin.register(Schedule)
class ScheduleAdmin(ListCsvAdmin):
    """The recurring jobs: their times can be changed, each switched off, or run now."""

    form = ScheduleForm
    list_display = ("name", "times", "next_run_or_off", "last_run", "took", "outcome")
    csv_display = ("name", "times", "next_run_or_off", "last_began", "last_seconds", "went_well", "outcome", "func")
    actions = ("switch_on", "switch_off", "run_now")
    ordering = ("name",)
    change_list_template = "imports/job_list.html"
    change_form_template = "imports/job_page.html"
    times_of_a_form = ("enabled", "how", "minutes", "at", "weekday", "day", "cron", "next_run")
    known = ("purpose", "task", "times", "next_run_or_off")

    # --- the list -------------------------------------------------------------------------------------------------
    def get_changelist(self, request, **kwargs):
        return JobList

    def csv_rows(self, request, rows):
        return _with_last_run(rows)

    def changelist_view(self, request, extra_context=None):
        more = {"title": "Recurring jobs", "pause": Pause.current()}
        return super().changelist_view(request, {**more, **(extra_context or {})})

    @admin.display(description="when")
    def times(self, schedule):
        said = times.in_words(schedule)
        return f"switched off ({said})" if schedule.repeats == 0 else said

    @admin.display(description="next run", ordering="next_run")
    def next_run_or_off(self, schedule):
        problem = times.problem_of(schedule)
        if problem:
            return format_html('<span class="desk-trouble">{}</span>', problem)
        return "-" if schedule.repeats == 0 else f"{schedule.next_run:%Y-%m-%d %H:%M}Z"

    @admin.display(description="last run")
    def last_run(self, schedule):
        waits = format_html('<span class="desk-small">{}</span>', "one waits, or is at work") if schedule.waits else ""
        if schedule.last is None:
            return waits or "-"
        return format_html("{}{}", f"{schedule.last.started:%Y-%m-%d %H:%M}Z", waits)

    @admin.display(description="took")
    def took(self, schedule):
        return "-" if schedule.last is None else duration_in_words(schedule.last.seconds)

    @admin.display(description="what came of it")
    def outcome(self, schedule):
        if schedule.last is None:
            return "-"
        said = schedule.last.outcome
        shown = said if len(said) <= OUTCOME_SHOWN else f"{said[:OUTCOME_SHOWN]}…"
        return shown if schedule.last.went_well else _failed(shown)

    # --- the CSV alone --------------------------------------------------------------------------------------------
    @admin.display(description="last run")
    def last_began(self, schedule):
        return schedule.last and schedule.last.started

    @admin.display(description="seconds")
    def last_seconds(self, schedule):
        return schedule.last and round(schedule.last.seconds, 1)

    @admin.display(description="went well")
    def went_well(self, schedule):
        return schedule.last and schedule.last.went_well

    # --- a job ----------------------------------------------------------------------------------------------------
    def has_add_permission(self, request) -> bool:
        return False  # they come with manage.py sync_schedules

    def has_delete_permission(self, request, obj=None) -> bool:
        return False  # it would be back with the next sync_schedules: switch it off

    def get_fieldsets(self, request, obj=None):
        found = [(None, {"fields": self.known})]
        if self.has_change_permission(request, obj):
            found.append(("When it runs", {"fields": self.times_of_a_form}))
        return [*found, ("Last runs", {"fields": ("runs",)})]

    def get_readonly_fields(self, request, obj=None):
        return (*self.known, "runs")

    def get_form(self, request, obj=None, change=False, **kwargs):
        if not self.has_change_permission(request, obj):
            # whoever only looks gets no field at all: the form's own are not of the model
            return super().get_form(request, obj, change=change, **{**kwargs, "form": _Nothing, "fields": ()})
        return super().get_form(request, obj, change=change, **{**kwargs, "fields": ("minutes", "cron", "next_run")})

    def change_view(self, request, object_id, form_url="", extra_context=None):
        job = self.get_object(request, object_id)
        title = (job and job.name) or "Recurring job"
        more = {"pause": Pause.current(), "title": title, "subtitle": None, "show_save_and_continue": False}
        return super().change_view(request, object_id, form_url, {**more, **(extra_context or {})})

    def construct_change_message(self, request, form, formsets, add=False):
        return form.what_changed() or NOTHING_CHANGED

    def log_change(self, request, obj, message):
        return log(request.user, obj, message)

    @admin.display(description="purpose")
    def purpose(self, schedule):
        return next((job.purpose for job in schedules.JOBS if job.name == schedule.name), "-")

    @admin.display(description="task")
    def task(self, schedule):
        return schedule.func

    @admin.display(description="what they came to")
    def runs(self, schedule):
        found = job_runs.of_job(schedule.name) if schedule.name else []
        if not found:
            return "It has not run yet."
        rows = (
            (
                reverse(f"admin:django_q_{'success' if run.went_well else 'failure'}_change", args=[run.task_id]),
                f"{run.started:%Y-%m-%d %H:%M:%S}Z",
                duration_in_words(run.seconds),
                run.outcome if run.went_well else _failed(run.outcome),
            )
            for run in found
        )
        return format_html(
            '<table class="desk-runs"><thead><tr><th>Began</th><th>Took</th><th>What came of it</th></tr></thead>'
            "<tbody>{}</tbody></table>",
            format_html_join("", '<tr><td><a href="{}">{}</a></td><td>{}</td><td>{}</td></tr>', rows),
        )

    # --- actions --------------------------------------------------------------------------------------------------
    @admin.action(description="Switch on", permissions=["change"])
    def switch_on(self, request, queryset):
        self._switch(request, queryset, -1, "switched on")

    @admin.action(description="Switch off", permissions=["change"])
    def switch_off(self, request, queryset):
        self._switch(request, queryset, 0, "switched off")

    @admin.action(description="Run now", permissions=["change"])
    def run_now(self, request, queryset):
        """Beside its times. With the arguments it is registered with, which are none."""
        if self._refused(request):
            return
        for schedule in queryset:
            if problem := times.problem_of_task(schedule):
                self.message_user(request, f"{schedule.name} is not run: {problem}", messages.ERROR)
                continue
            async_task(schedule.func, group=schedule.name)
            log(request.user, schedule, "Run now")
            self.message_user(request, f"{schedule.name}: handed to the workers", messages.SUCCESS)

    def save_model(self, request, obj, form, change):
        """Its times alone: the account of the web may change nothing else of a job (deploy/grants.sql)."""
        obj.save(update_fields=["schedule_type", "minutes", "cron", "next_run", "repeats"])

    def _switch(self, request, queryset, repeats: int, said: str) -> None:
        if self._refused(request):
            return
        for schedule in queryset:
            before = schedules.said(schedule)
            changes, now = {"repeats": repeats}, timezone.now()
            if repeats and (problem := times.problem_of(schedule, now)):
                if problem != times.problem_of_next_run(schedule, now):
                    said_so = f"{schedule.name} stays off: {problem}. Change its times first"
                    self.message_user(request, said_so, messages.ERROR)
                    continue
                changes["next_run"] = times.next_run_set_right(schedule, now)
            if (schedule.repeats == 0) == (repeats == 0):
                self.message_user(request, f"{schedule.name}: is {said} already", messages.WARNING)
                continue
            Schedule.objects.filter(pk=schedule.pk).update(**changes)
            log(request.user, schedule, f"{before} → {said}")
            self.message_user(request, f"{schedule.name}: {said}", messages.SUCCESS)

    def _refused(self, request) -> bool:
        """While everything is paused: what was switched now would not be what the pause remembers."""
        pause = Pause.current()
        if pause is not None:
            self.message_user(request, f"Nothing was done. {pause.in_words()}. Resume everything first", messages.ERROR)
        return pause is not None


class _Nothing(forms.ModelForm):
    """The form of whoever may only look."""

    class Meta:
        model = Schedule
        fields = ()


def log(user, schedule: Schedule, said: str) -> LogEntry:
    """In its history, and by its name: a schedule of django-q2 calls itself by its function."""
    return LogEntry.objects.create(
        user_id=user.pk,
        content_type=ContentType.objects.get_for_model(Schedule),
        object_id=schedule.pk,
        object_repr=str(schedule.name or schedule.func)[:200],
        action_flag=CHANGE,
        change_message=said,
    )


def _failed(said: str) -> str:
    return format_html('<span class="desk-trouble">failed: {}</span>', said)
