"""Strikes at what works for an import: the decoder, the workers of a queue, and the processes of clusters."""

import os
import random
import signal
import time
from contextlib import suppress
from pathlib import Path

from tests.torture import inside
from tests.torture.hits import ended, trigger
from tests.torture.lane import Lane


def decoder(lane: Lane, chance: random.Random) -> None:
    """-9 of the process that decodes."""
    child = lane.children.start(inside.import_with_a_decoder, str(lane.archive), triggers=[lane.stop(chance)])
    hits, wanted = 0, chance.randint(1, 3)
    while child.poll() is None and hits < wanted:
        for pid in _children_of(child.pid):
            with suppress(OSError):
                if b"decoder_process" in Path(f"/proc/{pid}/cmdline").read_bytes():
                    time.sleep(chance.uniform(0, 0.3))
                    os.kill(pid, signal.SIGKILL)
                    hits += 1
        time.sleep(0.005)
    if chance.random() < 0.5:
        child.send(signal.SIGKILL)
    lane.kills["decoder"] += hits
    ended(lane, child, "importer", child.wait())


def _children_of(pid: int) -> list[int]:
    """Of each of its threads."""
    found: list[int] = []
    for children in Path(f"/proc/{pid}/task").glob("*/children"):
        with suppress(OSError):
            found += map(int, children.read_text().split())
    return found


def task_twice(lane: Lane, chance: random.Random) -> None:
    """The same message delivered to two workers at once, and once more; one of them may be killed."""
    if not lane.ask("SELECT 1 FROM import_checkpoints LIMIT 1"):
        lane.importer(chance).wait()
    lane.children.run("import_archive", "--resume", "--queue")
    messages = lane.folder / "messages"
    messages.unlink(missing_ok=True)
    lane.children.call(inside.messages, str(messages))
    one, other = (
        lane.children.start(inside.slices, str(messages), triggers=[trigger(chance)] if chance.random() < 0.5 else [])
        for _ in range(2)
    )
    for child in (one, other):
        ended(lane, child, "worker", child.wait())
    lane.kills["task delivered twice"] += 1
    lane.children.call(inside.unqueue)  # so that the next strike finds work


def clusters(lane: Lane, chance: random.Random) -> None:
    """One or two clusters at the queue, of which processes are killed one after the other."""
    lane.children.run("import_archive", "--source", str(lane.archive), "--all", "--queue")
    roles = lane.folder / "roles"
    roles.unlink(missing_ok=True)
    both = [lane.children.start(inside.cluster, str(roles), own_session=True) for _ in range(chance.choice([1, 1, 2]))]
    lane.kills["two clusters beside each other"] += len(both) - 1
    for _ in range(chance.randint(4, 8)):
        time.sleep(chance.uniform(0.2, 1.2))
        role = chance.choice(["worker"] * 4 + ["pusher", "monitor"] * 2 + ["sentinel", "sentinel", "cluster"])
        if (pid := inside.pid_of(roles, role, chance.random())) is not None:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
                lane.kills[role] += 1
    for child in both:
        child.end()
    lane.children.call(inside.unqueue)
