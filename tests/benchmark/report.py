"""Figures, printed as one table, and written into docs/performance.md between two marks."""

import platform
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from statistics import median

from django.db import connection

from tests.benchmark.commands import PROJECT

DOCUMENT = PROJECT / "docs" / "performance.md"
BEGIN, END = "<!-- figures of bin/bench: begin -->", "<!-- figures of bin/bench: end -->"


@dataclass(frozen=True)
class Figure:
    """One row: what was measured in each round, of which the median is the figure."""

    name: str
    rounds: Sequence[float]
    target: str = ""
    speed: str = ""  # beside the ratio, of that day and machine

    def cells(self) -> tuple[str, str, str, str, str]:
        each = ", ".join(_short(value) for value in self.rounds) if len(self.rounds) > 1 else ""
        return self.name, _short(median(self.rounds)), each, self.target, self.speed


def _short(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def table(figures: Sequence[Figure]) -> str:
    """As Markdown."""
    rows = [("what", "median", "rounds", "target", "that day"), *(figure.cells() for figure in figures)]
    lines = ["| " + " | ".join(row) + " |" for row in rows]
    return "\n".join([lines[0], "|---|---|---|---|---|", *lines[1:]])


def circumstances() -> str:
    """When, what, and where."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT VERSION()")
        (server,) = cursor.fetchone()
    commit = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"], cwd=PROJECT, capture_output=True, text=True, check=False
    ).stdout.strip()
    cores = len(__import__("os").sched_getaffinity(0))
    return (
        f"{datetime.now(UTC):%Y-%m-%d}, commit {commit or 'not known'}, {server}, Python "
        f"{sys.version.split()[0]}, {cores} cores, {_processor()}"
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
    before, _, rest = document.partition(BEGIN)
    _, _, after = rest.partition(END)
    DOCUMENT.write_text(f"{before}{BEGIN}\n{text}\n{END}{after}")
