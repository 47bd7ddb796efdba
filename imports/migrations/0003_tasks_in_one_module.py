"""Stored names of tasks follow them into imports.tasks.

A schedule keeps its times and whether it is switched on, a waiting message its place in the queue: only the dotted
path of the function changes. Milliseconds, both ways.
"""

from django.db import migrations
from django_q.signing import BadSignature, SignedPackage

MOVED = {
    "imports.source_tasks.collect_live": "imports.tasks.collect_live",
    "imports.schedules.sync_metadata": "imports.tasks.sync_metadata",
    "imports.slices.import_slice": "imports.tasks.import_slice",
}


def _follow(apps, moved: dict[str, str]) -> None:
    for before, after in moved.items():
        apps.get_model("django_q", "Schedule").objects.filter(func=before).update(func=after)
    for message in apps.get_model("django_q", "OrmQ").objects.all():
        task = _task_of(message.payload)
        if task.get("func") in moved:
            message.payload = SignedPackage.dumps(task | {"func": moved[task["func"]]})
            message.save(update_fields=["payload"])


def _task_of(payload: str) -> dict:
    try:
        return SignedPackage.loads(payload)
    except BadSignature:  # signed with another SECRET_KEY: no worker will run it either
        return {}


def forwards(apps, schema_editor):
    _follow(apps, MOVED)


def backwards(apps, schema_editor):
    _follow(apps, {after: before for before, after in MOVED.items()})


class Migration(migrations.Migration):
    dependencies = [
        ("imports", "0002_sources"),
        ("django_q", "0018_task_success_index"),
    ]
    operations = [migrations.RunPython(forwards, backwards)]
