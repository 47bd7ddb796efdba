"""Workers, their queue and the recurring jobs in the admin.

django-q2 brings pages that let whoever may view a failed task run it again, and whoever may change a schedule run any
function. They are replaced: tasks are a window, and of a schedule the times alone can be changed.
"""

import django_q.admin  # noqa: F401  (registers its pages, which are replaced here)
from django import forms
from django.contrib import admin, messages
from django.contrib.admin.models import CHANGE, LogEntry
from django.db.models import OuterRef, Subquery
from django.utils import timezone
from django.utils.html import format_html
from django_q.models import Failure, OrmQ, Schedule, Success, Task
from django_q.tasks import async_task

from imports.workers import queue, schedules
from imports.workers.models import WORKER_STALE_SECONDS, Worker
from warehouse.admin.list_csv import ListCsvAdmin
from warehouse.admin.operator_overrides import ReadOnlyAdmin
from warehouse.text import duration_in_words

for model in (Failure, OrmQ, Schedule, Success):
    admin.site.unregister(model)


@admin.register(Worker)
class WorkerAdmin(ReadOnlyAdmin):
    """The worker processes of the last day, alive or gone, and how long the queue's first task has waited."""

    list_display = ("process", "state", "doing_now", "since", "seen")
    list_display_links = None
    csv_display = ("name", "state", "doing", "started_at", "seen_at")
    search_fields = ("name",)
    show_full_result_count = False

    def changelist_view(self, request, extra_context=None):
        waits = queue.oldest_message_age(timezone.now())
        said = (
            f"The first task of the queue has waited for {duration_in_words(waits.total_seconds())}." if waits else ""
        )
        return super().changelist_view(request, {"title": "Workers", "subtitle": said or None})

    @admin.display(description="worker", ordering="name")
    def process(self, worker):
        return str(worker)

    @admin.display(description="state", ordering="seen_at")
    def state(self, worker):
        alive = (timezone.now() - worker.seen_at).total_seconds() < WORKER_STALE_SECONDS
        return format_html('<span style="color: var({})">{}</span>', *_STATES[alive])

    @admin.display(description="task in hand", ordering="doing")
    def doing_now(self, worker):
        return worker.doing or "-"

    @admin.display(description="since", ordering="started_at")
    def since(self, worker):
        return worker.started_at

    @admin.display(description="last seen", ordering="seen_at")
    def seen(self, worker):
        return f"{duration_in_words((timezone.now() - worker.seen_at).total_seconds())} ago"


_STATES = {True: ("--desk-good, inherit", "alive"), False: ("--error-fg", "gone, or frozen")}


class TaskAdmin(ReadOnlyAdmin):
    """What tasks that ended have in common."""

    list_display = ("group", "func", "took", "stopped")
    list_display_links = ("group",)
    csv_display = ("group", "func", "started", "stopped", "success", "said")
    list_filter = ("group",)
    search_fields = ("name", "func", "group")
    fields = ("group", "func", "args", "kwargs", "started", "stopped", "attempt_count", "result_text")
    show_full_result_count = False

    def get_queryset(self, request):
        return super().get_queryset(request).defer("args", "kwargs")

    @admin.display(description="from call to end")
    def took(self, task):
        return duration_in_words(task.time_taken())

    @admin.display(description="result")
    def said(self, task):
        return _first_words(task)

    @admin.display(description="result")
    def result_text(self, task):
        return format_html("<pre>{}</pre>", task.result or "")


@admin.register(Success)
class SuccessAdmin(TaskAdmin):
    """Tasks that succeeded; slices of imports are not kept."""


@admin.register(Failure)
class FailureAdmin(TaskAdmin):
    """Tasks that failed, with the error in the list."""

    list_display = ("group", "func", "stopped", "why")

    @admin.display(description="why")
    def why(self, task):
        return _first_words(task)


def _first_words(task: Task) -> str:
    """Of its result, or of its error without the traceback."""
    return (str(task.result or "").split(" : Traceback", 1)[0])[:300]


@admin.register(OrmQ)
class QueueAdmin(ReadOnlyAdmin):
    """The messages in the queue: waiting, or fetched by a worker and not done yet."""

    list_display = ("id", "what", "func", "waits")
    list_display_links = None

    @admin.display(description="task")
    def what(self, row):
        return row.group() or row.name()

    @admin.display(description="state")
    def waits(self, row):
        seconds = (timezone.now() - row.lock).total_seconds()
        return "fetched by a worker" if seconds < 0 else f"waits for {duration_in_words(seconds)}"


class ScheduleForm(forms.ModelForm):
    """The times of a recurring job, and whether it is switched on: never which function runs."""

    enabled = forms.BooleanField(required=False, label="Switched on")

    class Meta:
        model = Schedule
        fields = ("schedule_type", "minutes", "cron", "next_run")
        labels = {"schedule_type": "How often", "cron": "Cron (UTC)", "next_run": "Next run (UTC)"}
        help_texts = {
            "minutes": "With Minutes: every so many",
            "cron": "With Cron: minute, hour, day of month, month, day of week; 30 2 * * * is 02:30 every day",
            "next_run": "With Cron it follows from the expression",
        }

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.fields["enabled"].initial = self.instance.repeats != 0
        self.fields["schedule_type"].choices = [
            choice for choice in Schedule.TYPE if choice[0] != Schedule.ONCE
        ]  # a schedule that runs once is deleted by running

    def clean(self):
        cleaned = super().clean()
        kind = cleaned.get("schedule_type")
        if kind == Schedule.CRON and not cleaned.get("cron"):
            self.add_error("cron", "Say when: minute, hour, day of month, month, day of week.")
        if kind == Schedule.MINUTES and not cleaned.get("minutes"):
            self.add_error("minutes", "Say every how many minutes, 1 or more.")
        return cleaned

    def save(self, commit=True):
        schedule = self.instance
        schedule.repeats = -1 if self.cleaned_data["enabled"] else 0
        if schedule.schedule_type == Schedule.CRON and {"cron", "schedule_type"} & set(self.changed_data):
            schedule.next_run = schedule.calculate_next_run()  # django-q2 does so for a new one only
        return super().save(commit)


@admin.register(Schedule)
class ScheduleAdmin(ListCsvAdmin):
    """The recurring jobs: their times can be changed, each switched off, or run now."""

    form = ScheduleForm
    list_display = ("name", "times", "next_run_or_off", "last_run", "func")
    fields = ("name", "purpose", "func", "enabled", "schedule_type", "minutes", "cron", "next_run")
    readonly_fields = ("name", "purpose", "func")
    actions = ("switch_on", "switch_off", "run_now")
    ordering = ("name",)

    def changelist_view(self, request, extra_context=None):
        return super().changelist_view(request, {"title": "Recurring jobs", **(extra_context or {})})

    def has_add_permission(self, request) -> bool:
        return False  # they come with manage.py sync_schedules

    def has_delete_permission(self, request, obj=None) -> bool:
        return False  # it would be back with the next sync_schedules: switch it off

    def get_queryset(self, request):
        last = Task.objects.filter(id=OuterRef("task"))
        return (
            super()
            .get_queryset(request)
            .annotate(last_success=Subquery(last.values("success")), last_stopped=Subquery(last.values("stopped")))
        )

    @admin.display(description="when")
    def times(self, schedule):
        return schedules.said(schedule)

    @admin.display(description="next run", ordering="next_run")
    def next_run_or_off(self, schedule):
        return "-" if schedule.repeats == 0 else schedule.next_run

    @admin.display(description="last run")
    def last_run(self, schedule):
        if schedule.last_stopped is None:
            return "-"
        return format_html(
            "{} {}", f"{schedule.last_stopped:%Y-%m-%d %H:%M}Z", "succeeded" if schedule.last_success else "failed"
        )

    @admin.display(description="purpose")
    def purpose(self, schedule):
        return next((job.purpose for job in schedules.JOBS if job.name == schedule.name), "-")

    @admin.action(description="Switch on", permissions=["change"])
    def switch_on(self, request, queryset):
        self._switch(request, queryset, -1, "switched on")

    @admin.action(description="Switch off", permissions=["change"])
    def switch_off(self, request, queryset):
        self._switch(request, queryset, 0, "switched off")

    @admin.action(description="Run now", permissions=["change"])
    def run_now(self, request, queryset):
        """Beside its times. With the arguments it is registered with, which are none."""
        for schedule in queryset:
            async_task(schedule.func, group=schedule.name)
            LogEntry.objects.log_actions(request.user.pk, [schedule], CHANGE, "Run now", single_object=True)
            self.message_user(request, f"{schedule.name}: handed to the workers", messages.SUCCESS)

    def _switch(self, request, queryset, repeats: int, said: str) -> None:
        for schedule in queryset:
            before = schedules.said(schedule)
            Schedule.objects.filter(pk=schedule.pk).update(repeats=repeats)
            LogEntry.objects.log_actions(request.user.pk, [schedule], CHANGE, f"{before} → {said}", single_object=True)
            self.message_user(request, f"{schedule.name}: {said}", messages.SUCCESS)
