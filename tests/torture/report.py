"""What came of the cycles: a line each, and the table, which --write puts into docs/reliability.md."""

import os
import platform
import subprocess
import sys
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from tests.torture.cycle import Outcome

PROJECT = Path(__file__).resolve().parents[2]
DOCUMENT = PROJECT / "docs" / "reliability.md"


class Told:
    """Of what is told."""

    of_a_cluster = False
    chosen: Sequence[str] = ()  # further options that decide over what happens in a cycle


def command() -> str:
    return "bin/torture --cluster" if Told.of_a_cluster else "bin/torture"


def say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def line_of(outcome: Outcome) -> str:
    kills = ", ".join(f"{number} {kind}" for kind, number in sorted(outcome.kills.items()) if number)
    lines = [
        f"cycle {outcome.seed}: {outcome.files} files, {outcome.rows:,} rows, {outcome.seconds:.0f} s; {kills}; "
        f"lost {outcome.lost}, doubled {outcome.doubled}, altered {outcome.altered}"
    ]
    if os.environ.get("TORTURE_TIMES"):
        lines.append(f"    {outcome.cpu_seconds:.1f} s of CPU; ")
        lines[-1] += ", ".join(f"{name} {seconds:.1f}" for name, seconds in outcome.times)
    lines += [f"    note: {note}" for note in outcome.notes]
    if not outcome.is_sound:
        lines += [f"    {trouble}" for trouble in outcome.troubles]
        lines.append(f"    Again:  {again(outcome.seed)}")
    return "\n".join(lines)


def again(seed: int, cycles: int = 1) -> str:
    return " ".join([command(), f"--seed {seed} --cycles {cycles}", *Told.chosen])


def table(outcomes: Sequence[Outcome]) -> str:
    """As Markdown."""
    kills: Counter = Counter()
    for outcome in outcomes:
        kills.update(outcome.kills)
    rows = [
        ("cycles", f"{len(outcomes):,}"),
        ("day files", f"{sum(one.files for one in outcomes):,}"),
        ("of them mutated", f"{sum(one.mutated for one in outcomes):,}"),
        ("of them unreadable", f"{sum(one.unreadable for one in outcomes):,}"),
        ("snapshots held against the oracle", f"{sum(one.rows for one in outcomes):,}"),
        *(
            (kind, f"{number:,}")
            for kind, number in sorted(kills.items(), key=lambda each: (-each[1], each[0]))
            if number
        ),
        ("**rows lost**", f"**{sum(one.lost for one in outcomes):,}**"),
        ("**rows doubled**", f"**{sum(one.doubled for one in outcomes):,}**"),
        ("**rows altered**", f"**{sum(one.altered for one in outcomes):,}**"),
        ("cycles that did not end as they should", f"{sum(not one.is_sound for one in outcomes):,}"),
    ]
    return "\n".join(["| what | how many |", "|---|---|", *(f"| {what} | {many} |" for what, many in rows)])


def circumstances(outcomes: Sequence[Outcome], server: str, seconds: float, lanes: int) -> str:
    seeds = [outcome.seed for outcome in outcomes]
    commit = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"], cwd=PROJECT, capture_output=True, text=True, check=False
    ).stdout.strip()
    failed = [again(outcome.seed) for outcome in outcomes if not outcome.is_sound]
    said = f" What failed: `{'`, `'.join(failed)}`." if failed else ""
    return (
        f"{datetime.now(UTC):%Y-%m-%d}, commit {commit or 'not known'}, {server}, Python {sys.version.split()[0]}, "
        f"{os.cpu_count()} cores ({_processor()}), {lanes} lanes, {seconds / 60:.0f} minutes. Seeds {min(seeds)} to "
        f"{max(seeds)}: `{again(min(seeds), len(seeds))}`.{said}"
    )


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.machine()
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), platform.machine())


def write(text: str) -> None:
    """Into the document, in the place of the figures of before."""
    document = DOCUMENT.read_text()
    begin, end = (f"<!-- figures of {command()}: {which} -->" for which in ("begin", "end"))
    before, _, rest = document.partition(begin)
    _, _, after = rest.partition(end)
    DOCUMENT.write_text(f"{before}{begin}\n{text}\n{end}{after}")
