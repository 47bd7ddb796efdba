"""One cycle: an archive, an import of it under fire, the way to its end, and what is stored held against the oracle."""

import random
import resource
import shutil
import time
import traceback
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from tests.torture import archive, inside, live, oracle, stored
from tests.torture.lane import Lane
from tests.torture.strikes import STRIKES, Strike

STRIKES_A_CYCLE = 16
ROUNDS_TO_THE_END = 15


@dataclass(frozen=True)
class Plan:
    """What follows from the seed alone."""

    seed: int
    destinations: int
    days: int
    files_together: int
    strikes: tuple[tuple[Strike, int], ...]  # each with the seed of what it draws


def plan_of(
    seed: int,
    only: Sequence[str] = (),
    strikes: int = STRIKES_A_CYCLE,
    of: Sequence[tuple[Strike, float]] = tuple(STRIKES),
) -> Plan:
    """`only`: strikes of these names, `of` those with their weights."""
    chance = random.Random(f"{seed} plan")
    wanted = [(strike, weight) for strike, weight in of if not only or strike.__name__ in only]
    kinds, weights = zip(*wanted, strict=True)
    chosen = chance.choices(kinds, weights, k=strikes)
    return Plan(
        seed,
        destinations=chance.randint(3, 4),
        days=chance.randint(24, 32),
        files_together=chance.choice([1, 2, 5, 64]),
        strikes=tuple((strike, chance.randrange(1 << 30)) for strike in chosen),
    )


@dataclass
class Outcome:
    """What came of a cycle: fit for pickling."""

    seed: int
    seconds: float = 0.0
    cpu_seconds: float = 0.0
    files: int = 0
    mutated: int = 0
    unreadable: int = 0
    rows: int = 0
    kills: dict[str, int] = field(default_factory=dict)
    times: list[tuple[str, float]] = field(default_factory=list)
    lost: int = 0
    doubled: int = 0
    altered: int = 0
    troubles: list[str] = field(default_factory=list)  # differences, and whatever did not come to its end
    notes: list[str] = field(default_factory=list)  # what is odd, and no difference

    @property
    def is_sound(self) -> bool:
        return not self.troubles


def run(plan: Plan, lane: Lane) -> Outcome:
    outcome, began, cpu = Outcome(plan.seed), time.monotonic(), _cpu_seconds()
    try:
        _run(plan, lane, outcome)
    except Exception:
        outcome.troubles.append(traceback.format_exc())
    outcome.kills, outcome.notes = dict(lane.kills), lane.notes
    outcome.seconds, outcome.cpu_seconds = time.monotonic() - began, _cpu_seconds() - cpu
    return outcome


def _run(plan: Plan, lane: Lane, outcome: Outcome) -> None:
    from imports.archive import batches

    batches.FILES_MAX = plan.files_together
    lane.begin()
    shutil.rmtree(lane.archive, ignore_errors=True)
    made = archive.make(lane.archive, plan.seed, plan.destinations, plan.days)
    outcome.files, outcome.mutated = made.files, made.mutated
    expected = oracle.expected_of(lane.archive, now())
    outcome.unreadable, outcome.rows = expected.unreadable, len(expected.snapshots)
    for strike, seed in plan.strikes:
        if lane.is_done():
            break
        at = time.monotonic()
        strike(lane, random.Random(seed))
        outcome.times.append((strike.__name__, time.monotonic() - at))
        lane.see_to_the_server()
        lane.children.reap()
    at = time.monotonic()
    to_the_end(lane)
    outcome.times.append(("to the end", time.monotonic() - at))
    collected = any(kind.startswith("beside collect_live") for kind in lane.kills)
    if collected:
        live.once_more(lane)
    connection = lane.server.connect()
    found = stored.compare(connection, expected)
    if collected:
        live.compare(connection, found)
    connection.close()
    outcome.lost, outcome.doubled, outcome.altered = found.lost, found.doubled, found.altered
    outcome.troubles += found.lines
    outcome.troubles += check_again(lane)
    outcome.troubles += lane.server.differences()


def _cpu_seconds() -> float:
    """Of this process and all that has ended below it."""
    return sum(
        usage.ru_utime + usage.ru_stime
        for usage in map(resource.getrusage, (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    )


def to_the_end(lane: Lane) -> None:
    """Resume until every import of the archive is COMPLETED, and its checks and sums are made."""
    said = ""
    for _ in range(ROUNDS_TO_THE_END):
        lane.see_to_the_server()
        lane.children.call(inside.unqueue)
        open_imports = [
            name for (name,) in lane.ask("SELECT import_id FROM import_checkpoints WHERE status <> 'COMPLETED'")
        ]
        if open_imports:
            _, said = lane.children.run("import_archive", "--resume", *open_imports)
            continue
        begun = {name for (name,) in lane.ask("SELECT DISTINCT destination_wiki_id FROM import_checkpoints")}
        lacking = [folder.name for folder in lane.archive.iterdir() if folder.name not in begun]
        if not lacking:
            break
        named = [word for name in sorted(lacking) for word in ("--destination", name)]
        _, said = lane.children.run("import_archive", "--source", lane.archive, *named)
    else:
        raise RuntimeError(f"not COMPLETED after {ROUNDS_TO_THE_END} resumes: {said[-1500:]}")
    status, said = lane.children.run("check_quality", "--owed")
    if status:
        raise RuntimeError(f"check_quality --owed: {said[-1500:]}")


def check_again(lane: Lane) -> list[str]:
    """A look at all that is stored finds nothing that was not found, and the sums of days are what the rows say; else
    what is not so."""
    troubles = []
    before = _findings(lane)
    for arguments in (("rebuild_days", "--verify"), ("check_quality",)):
        status, said = lane.children.run(*arguments)
        if status:
            troubles.append(f"{' '.join(arguments)}: exit status {status}: {said[-800:]}")
    after = _findings(lane)
    for key in sorted(before.items() ^ after.items(), key=repr)[:6]:
        troubles.append(f"a finding that another check says otherwise: {key}")
    return troubles


def now() -> datetime:
    return datetime.now(UTC)


def _findings(lane: Lane) -> dict:
    rows = lane.ask(
        "SELECT fingerprint, reason, entity_type, entity_key, occurrences, resolution_status FROM data_quality_log "
        "WHERE park_id IS NULL OR park_id IN (SELECT park_id FROM import_checkpoints)"  # the live park owes no check
    )
    return {row[0]: row[1:] for row in rows}
