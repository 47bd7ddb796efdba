"""What children of a lane do beside running commands. Each function is one child's."""

import json
import os
import random
import shutil
import signal
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from django.db import connection

ACTS = ["pause", "pause one", "queue", "cancel", "pause everything", "end pause"]


def import_with_a_decoder(archive: str) -> None:
    from imports.archive import decoder

    decoder.WORTH_ITS_START_BYTES = 0
    _import(archive)


def import_broken(archive: str, fault: str) -> None:
    """By an importer that has a fault."""
    from tests.torture import planted

    planted.FAULTS[fault]()
    _import(archive)


def import_at_another_time(archive: str, timestamp: float) -> None:
    import time_machine

    with time_machine.travel(timestamp, tick=True):
        _import(archive)


def _import(archive: str) -> None:
    import manage
    from imports.models import ImportCheckpoint

    how = ["--resume"] if ImportCheckpoint.objects.exists() else ["--source", archive, "--all"]
    connection.close()
    sys.argv = ["manage.py", "import_archive", *how]
    manage.main()


# --- a proxy ---------------------------------------------------------------------------------------------------------
def through(socket: str) -> dict:
    """Changes of the database's settings."""
    return {"OPTIONS": {**connection.settings_dict["OPTIONS"], "unix_socket": socket}}


def proxy(cuts: Sequence[tuple[str, int, int]], address: str, told: str) -> None:
    """Cuts once each at these packets: moment, number, how many connections are refused then."""
    from tests.cutting_proxy import CuttingProxy

    found = CuttingProxy(connection.settings_dict, "")
    made = [found.cut(moment, number, refuse=refuse) for moment, number, refuse in cuts]
    socket = found.settings(connection.settings_dict)["OPTIONS"]["unix_socket"]

    def end(*args: object) -> None:
        Path(told).write_text(str(sum(cut.happened.is_set() for cut in made)))
        shutil.rmtree(Path(socket).parent, ignore_errors=True)
        os._exit(0)  # its threads hold nothing that anybody waits for

    signal.signal(signal.SIGTERM, end)
    Path(f"{address}.new").write_text(socket)
    os.rename(f"{address}.new", address)
    while True:
        time.sleep(0.05)


# --- operators -------------------------------------------------------------------------------------------------------
def act(name: str, which: float) -> None:
    from imports.archive.transitions import TransitionRefused
    from imports.models import ImportCheckpoint
    from imports.workers import standstill

    with suppress(TransitionRefused, standstill.PauseRefused):
        found = list(ImportCheckpoint.objects.exclude(status="COMPLETED").order_by("pk"))
        if name == "pause everything":
            standstill.begin("torture", "a trial")
        elif name == "end pause":
            standstill.end("torture")
        elif found:
            one = found[int(which * len(found))]
            if name == "pause":
                for checkpoint in found:
                    with suppress(TransitionRefused):
                        checkpoint.pause("torture", seen=checkpoint.seen())
            elif name == "pause one":
                one.pause("torture", seen=one.seen())
            elif name == "queue":
                one.queue()
            else:
                one.cancel("torture", "a trial", seen=one.seen())


def end_pause() -> None:
    from imports.workers import standstill

    with suppress(standstill.PauseRefused):
        standstill.end("torture")


def restore() -> None:
    """Take back what was cancelled: asked for anew it would be begun anew, beside what is left of it."""
    from imports.archive.transitions import TransitionRefused
    from imports.models import ImportCheckpoint

    for checkpoint in ImportCheckpoint.objects.filter(dismissed_at__isnull=False):
        with suppress(TransitionRefused):
            checkpoint.restore()


def unqueue() -> None:
    """What is queued waits for nobody any more: an operator pauses it."""
    from imports.archive.transitions import TransitionRefused
    from imports.models import ImportCheckpoint

    end_pause()
    for checkpoint in ImportCheckpoint.objects.filter(queued_at__isnull=False).exclude(status="COMPLETED"):
        with suppress(TransitionRefused):
            checkpoint.pause("torture")


# --- workers ---------------------------------------------------------------------------------------------------------
def messages(to: str) -> None:
    from imports.archive.beginning import groups
    from imports.workers.queue import waiting

    found = [[[one.pk, one.generation] for one in group] for group in groups(waiting())]
    Path(to).write_text(json.dumps(found))


def slices(of: str) -> None:
    """What a worker does with each message, in one order or the other, and with the first of them once more."""

    found = json.loads(Path(of).read_text())
    random.shuffle(found)
    for _message in [*found, *found[:1]]:
        pass


def cluster(roles: str) -> None:
    """A cluster, whose processes say who they are in the file `roles`."""
    from django.core.management import call_command
    from django_q.conf import Conf

    from imports.workers import rounds, sentinel

    def told(role: str, function):
        def called(*args, **kwargs):
            with open(roles, "a") as file:
                file.write(f"{role} {os.getpid()}\n")
            return function(*args, **kwargs)

        return called

    for role, name in (("worker", "work"), ("pusher", "push"), ("monitor", "keep_results")):
        setattr(rounds, name, told(role, getattr(rounds, name)))
    sentinel.WatchfulSentinel.__init__ = told("sentinel", sentinel.WatchfulSentinel.__init__)
    Conf.WORKERS = Conf.QUEUE_LIMIT = 2
    with open(roles, "a") as file:
        file.write(f"cluster {os.getpid()}\n")
    sys.argv = ["manage.py", "qcluster"]
    call_command("qcluster")


def pid_of(roles: Path, role: str, which: float) -> int | None:
    """One that lives, of those that have that role."""
    if not roles.exists():
        return None
    pids = [int(line.split()[1]) for line in roles.read_text().splitlines() if line.startswith(f"{role} ")]
    pids = [pid for pid in pids if Path(f"/proc/{pid}").exists()]
    return pids[int(which * len(pids))] if pids else None
