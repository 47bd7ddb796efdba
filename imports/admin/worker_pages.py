"""Workers, their queue and what became of their tasks, in the admin.

django-q2 brings pages that let whoever may view a failed task run it again. They are replaced: tasks are a window.
"""

import django_q.admin  # noqa: F401  (registers its pages, which are replaced here)
from django.contrib import admin
from django.utils import timezone
from django.utils.html import format_html
from django_q.models import Failure, OrmQ, Success

from imports.workers import queue
from imports.workers.job_runs import first_words
from imports.workers.models import WORKER_STALE_SECONDS, Role, Worker
from warehouse.admin.operator_overrides import ReadOnlyAdmin
from warehouse.text import duration_in_words

#: without a round: a worker makes one every 3 s, the others every 5 to 15 s
STALE_SECONDS = {role.value: WORKER_STALE_SECONDS if role == Role.WORKER else 60 for role in Role}

for model in (Failure, OrmQ, Success):
    admin.site.unregister(model)


@admin.register(Worker)
class WorkerAdmin(ReadOnlyAdmin):
    """The processes of clusters of the last day, alive or gone, and how long the queue's first task has waited."""

    list_display = ("process", "role", "state", "doing_now", "since", "seen")
    list_display_links = None
    csv_display = ("name", "role", "state", "doing", "started_at", "seen_at", "ended_at", "ended_by")
    list_filter = ("role",)
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
        if worker.ended_at is not None:
            return f"ended, by {worker.ended_by}" if worker.ended_by else "ended"
        alive = (timezone.now() - worker.seen_at).total_seconds() < STALE_SECONDS[worker.role]
        return format_html('<span class="{}">{}</span>', *_STATES[alive])

    @admin.display(description="task in hand", ordering="doing")
    def doing_now(self, worker):
        return worker.doing or "-"

    @admin.display(description="since", ordering="started_at")
    def since(self, worker):
        return worker.started_at

    @admin.display(description="last seen", ordering="seen_at")
    def seen(self, worker):
        return f"{duration_in_words((timezone.now() - worker.seen_at).total_seconds())} ago"


_STATES = {True: ("site-good", "alive"), False: ("site-bad", "gone, or frozen")}


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
        return first_words(task)

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
        return first_words(task)


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
