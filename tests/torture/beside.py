"""Strikes that are other commands beside an import."""

import random
import time
from contextlib import nullcontext

from tests.torture import live
from tests.torture.hits import ended, trigger
from tests.torture.lane import Lane

BESIDE: list[tuple[str, ...]] = [
    ("maintain_partitions",),
    ("maintain_partitions", "--compact"),
    ("collect_storage_metrics",),
    ("check_quality",),
    ("rebuild_days",),
    ("partition_snapshots", "rollback"),
    live.COMMAND,
]


def beside(lane: Lane, chance: random.Random) -> None:
    """An importer beside another command, one of the two perhaps killed."""
    command = chance.choice(BESIDE)
    child = lane.importer(chance, trigger=trigger(chance) if chance.random() < 0.5 else None)
    time.sleep(chance.uniform(0, 0.3))
    triggers = [trigger(chance)] if chance.random() < 0.4 else []
    with live.api(lane) if command is live.COMMAND else nullcontext({}) as changed:
        other = lane.children.manage(*command, triggers=triggers, settings_changed=changed)
        ended(lane, child, "importer", child.wait())
        ended(lane, other, command[0], other.wait())
    lane.kills[f"beside {' '.join(command[:2])}"] += 1
    if command[0] == "partition_snapshots":
        whole_again(lane)


def whole_again(lane: Lane) -> None:
    """The fact table is partitioned, whatever became of the procedures."""
    said = ""
    for action in ("apply", "rollback", "apply", "rollback", "apply"):  # what is unfinished is gone on with
        status, said = lane.children.run("partition_snapshots", action)
        if status == 0 and action == "apply":
            lane.children.run("partition_snapshots", "cleanup", "--force")
            return
    raise RuntimeError(f"partition_snapshots apply: {said[-600:]}")
