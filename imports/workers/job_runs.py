"""What became of the runs of recurring jobs: django-q2's tasks of a job's group, Q_CLUSTER["save_limit"] of which it
keeps for each job (and failed ones beside them), so that the last ten of a weekly job are there."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Max
from django_q.models import OrmQ, Task

RUNS_SHOWN = 10
WORDS_MAX = 300


@dataclass(frozen=True)
class Run:
    """One run: when it began, how long it took (seconds), whether it went well, and what came of it in words."""

    task_id: str
    started: datetime
    seconds: float
    went_well: bool
    outcome: str


def of_job(name: str) -> list[Run]:
    """The last RUNS_SHOWN of a job, the newest first; of one done in slices each slice is a run."""
    return [
        _run(task) for task in Task.objects.filter(group=name).defer("args", "kwargs").order_by("-stopped")[:RUNS_SHOWN]
    ]


def last_of_each(names: Iterable[str]) -> dict[str, Run]:
    """The last run of each of these jobs that has run. Two queries."""
    newest = list(Task.objects.filter(group__in=list(names)).order_by().values("group").annotate(last=Max("stopped")))
    found: dict[str, Run] = {}
    tasks = Task.objects.filter(
        group__in=[each["group"] for each in newest], stopped__in=[each["last"] for each in newest]
    )
    last = {each["group"]: each["last"] for each in newest}
    for task in tasks.defer("args", "kwargs"):
        if task.stopped == last[task.group]:
            found[task.group] = _run(task)
    return found


def waiting() -> set[str]:
    """The names of the jobs of which a run waits in the queue, or is being done."""
    return {str(row.group()) for row in OrmQ.objects.all()}


def first_words(task: Task) -> str:
    """Of its result, or of its error without the traceback."""
    said = str(task.result or "").split(" : Traceback", 1)[0].strip()
    return said[:WORDS_MAX] or ("no words" if task.success else "it failed without a word")


def _run(task: Task) -> Run:
    return Run(task.id, task.started, task.time_taken(), task.success, first_words(task))
