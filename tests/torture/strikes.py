"""What can happen to an import: one function each, which draws from the cycle's chance what the seed decides."""

import random
import signal
import time
from datetime import UTC, datetime, timedelta

from tests.torture import inside
from tests.torture.beside import beside
from tests.torture.children import Child
from tests.torture.hits import Strike, ended, number, trigger
from tests.torture.lane import STALE_SECONDS, Lane
from tests.torture.workers import clusters, decoder, task_twice


# --- killing ---------------------------------------------------------------------------------------------------------
def importer(lane: Lane, chance: random.Random) -> None:
    """-9 of an importer in the middle."""
    if chance.random() < 0.75:
        child = lane.importer(chance, trigger=trigger(chance))
    else:
        child = lane.importer(chance)
        time.sleep(chance.uniform(0.01, 0.6))
        child.send(signal.SIGKILL)
    ended(lane, child, "importer", child.wait())


def importer_of_jobs(lane: Lane, chance: random.Random) -> None:
    """-9 of a job, or of the command that has two."""
    if chance.random() < 0.6:
        child = lane.importer(chance, "--jobs", "2", trigger=trigger(chance, jobs_alone=True))
        status = child.wait()
        said = child.said()
        if "killed" in said or "signal 9" in said:
            lane.kills["job of an importer"] += 1
        ended(lane, child, "importer with jobs", status)
    else:
        child = lane.importer(chance, "--jobs", "2")
        time.sleep(chance.uniform(0.05, 0.8))
        child.send(signal.SIGKILL)
        ended(lane, child, "importer with jobs", child.wait())
    _until_alone(lane, child)


def _until_alone(lane: Lane, child: Child) -> None:
    """Jobs whose parent is gone pause behind the file in hand."""
    until = time.monotonic() + 60
    while child.group_lives():
        if time.monotonic() > until:
            lane.notes.append(f"jobs live 60 s after their parent: {child.said()[-300:]}")
            child.end()
        time.sleep(0.02)


def server(lane: Lane, chance: random.Random) -> None:
    """-9 of the server at a statement of an importer, which waits for it to come back."""
    away = chance.choice([0, 0, 0.5, 1.5])
    if chance.random() < 0.8:
        child = lane.importer(chance, trigger=trigger(chance, whom=lane.server_pid))
    else:
        child = lane.importer(chance)
        time.sleep(chance.uniform(0.05, 0.6))
        lane.server.kill()
    killed = []

    def restart() -> None:
        if lane.see_to_the_server(away):
            killed.append(1)

    status = child.wait(meanwhile=restart)
    restart()
    lane.kills["server"] += len(killed)
    ended(lane, child, "importer beside the server", status)
    if killed and status == 1:
        lane.kills["(server killed, and the importer gave up)"] += 1


# --- freezing, cutting, filling --------------------------------------------------------------------------------------
def frozen(lane: Lane, chance: random.Random) -> None:
    """An importer that stands still while another takes over, and wakes up behind it."""
    # it may stand still before it has begun anything, and wake up when all is done
    one = lane.importer(chance, trigger=trigger(chance, signal=signal.SIGSTOP), may_be_asked_anew=False)
    while one.poll() is None and not one.is_stopped:
        time.sleep(0.005)
    if one.poll() is None:
        time.sleep(STALE_SECONDS * 1.1)
        wakes_up_beside_it = chance.random() < 0.5  # and may do the rest, behind which nothing is to be asked for anew
        hit = trigger(chance) if chance.random() < 0.5 else None
        other = lane.importer(chance, trigger=hit, may_be_asked_anew=not wakes_up_beside_it)
        if wakes_up_beside_it:
            time.sleep(chance.uniform(0, 0.5))
            one.send(signal.SIGCONT)
            ended(lane, other, "importer", other.wait())
        else:
            ended(lane, other, "importer", other.wait())
            one.send(signal.SIGCONT)
        lane.kills["importer frozen"] += 1
    ended(lane, one, "importer", one.wait())


def cut(lane: Lane, chance: random.Random) -> None:
    """Connections that are cut before a packet or after it, and some that are not let in again at once."""
    cuts = [
        (chance.choice(["before", "after"]), number(chance, 600), chance.choice([0, 0, 1, 2]))
        for _ in range(chance.randint(1, 4))
    ]
    address, told = lane.folder / "proxy", lane.folder / "cut"
    for path in (address, told):
        path.unlink(missing_ok=True)
    proxy = lane.children.start(inside.proxy, cuts, str(address), str(told))
    while not address.exists():
        time.sleep(0.002)
    child = lane.importer(chance, database=inside.through(address.read_text()))
    ended(lane, child, "importer behind a cut", child.wait())
    proxy.send(signal.SIGTERM)
    proxy.wait()
    lane.kills["connection"] += int(told.read_text()) if told.exists() else 0


def full_disk_of_the_server(lane: Lane, chance: random.Random) -> None:
    if not lane.server.has_disk_of_its_own:
        return
    child = lane.importer(chance)
    time.sleep(chance.uniform(0, 0.5))
    with lane.server.full_disk():
        time.sleep(chance.uniform(0.2, 1.5))
        if chance.random() < 0.3:
            child.send(signal.SIGKILL)
    restarted = []
    status = child.wait(meanwhile=lambda: restarted.append(1) if lane.see_to_the_server() else None)
    lane.see_to_the_server()
    lane.kills["full disk of the server"] += 1
    ended(lane, child, "importer", status)


def full_disk_of_the_client(lane: Lane, chance: random.Random) -> None:
    """Not a file may grow beyond a few bytes, not even one in memory."""
    child = lane.importer(chance, file_bytes_max=chance.choice([0, 100, 2_000]))
    lane.kills["full disk of the client"] += 1
    ended(lane, child, "importer without a disk", child.wait())


# --- what people and clocks do ---------------------------------------------------------------------------------------
def operators(lane: Lane, chance: random.Random) -> None:
    """Pause, resume, cancel, pause everything: at any moment, by the functions of the admin's buttons."""
    if not lane.ask("SELECT 1 FROM import_checkpoints LIMIT 1"):
        return importer(lane, chance)
    child = lane.importer(chance, may_be_asked_anew=False)
    acts = [(chance.choice(inside.ACTS), chance.random()) for _ in range(chance.randint(1, 4))]
    for act, which in acts:
        time.sleep(chance.uniform(0, 0.3))
        status, said = lane.children.call(inside.act, act, which)
        if status:
            lane.notes.append(f"{act}: {said[-600:]}")
        lane.kills[f"operator's {act}"] += 1
    if chance.random() < 0.3:
        child.send(chance.choice([signal.SIGINT, signal.SIGTERM, signal.SIGKILL]))
    ended(lane, child, "importer", child.wait())
    lane.children.call(inside.unqueue)
    lane.children.call(inside.restore)


def clock(lane: Lane, chance: random.Random) -> None:
    """An importer whose clock is hours or days away."""
    step = timedelta(hours=chance.choice([-70, -5, -1, 1, 26, 70]))
    at = time.time() + step.total_seconds()
    child = lane.children.start(inside.import_at_another_time, str(lane.archive), at, triggers=[lane.stop(chance)])
    if chance.random() < 0.5:
        time.sleep(chance.uniform(0.1, 0.5))
        child.send(signal.SIGKILL)
    lane.kills["clock step"] += 1
    ended(lane, child, "importer", child.wait())


def slow_clock(lane: Lane, chance: random.Random) -> None:
    """An importer that goes on by a clock of years ago, in the middle of the archive's days."""
    if not lane.ask("SELECT 1 FROM import_checkpoints LIMIT 1"):
        return importer(lane, chance)
    path = chance.choice(sorted(lane.archive.rglob("*.json.gz")))
    day = datetime(*map(int, [*path.parts[-3:-1], path.name.split(".")[0]]), 12, tzinfo=UTC)
    child = lane.children.start(inside.import_at_another_time, str(lane.archive), day.timestamp())
    lane.kills["clock of years ago"] += 1
    ended(lane, child, "importer", child.wait())


STRIKES: list[tuple[Strike, float]] = [
    (importer, 11),
    (importer_of_jobs, 2),
    (server, 4),
    (decoder, 0.3),
    (frozen, 0.4),
    (cut, 0.7),
    (full_disk_of_the_server, 0.2),
    (full_disk_of_the_client, 0.2),
    (operators, 0.6),
    (clock, 0.3),
    (slow_clock, 0.3),
    (task_twice, 0.6),
    (clusters, 0.15),
    (beside, 0.6),
]
