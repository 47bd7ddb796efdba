"""What an import takes beside its limit, and again, of small files, and in memory."""

from dataclasses import dataclass, field
from datetime import date
from io import StringIO
from itertools import pairwise
from pathlib import Path
from statistics import median

from django.core.management import call_command

from tests.benchmark.commands import manage, start_seconds
from tests.benchmark.ready_made import bulk_create_speed, empty, load_seconds, stored
from tests.benchmark.report import Figure

FIRST_DAY = date(2021, 9, 1)  # five years and more of it lie in the past
CHECKED = "quality check of"


def archive(folder: Path, *, days: int, events: int, destinations: int = 1) -> Path:
    """A sample archive, made once."""
    made = folder / f"{days}x{events}x{destinations}"
    if not made.exists():
        call_command(
            "create_sample_archive", str(made), days=days, events_per_day=events, destinations=destinations, seed=1,
            start=FIRST_DAY, stdout=StringIO(),
        )  # fmt: skip
    return made


@dataclass
class _Round:
    events: int = 0
    start: float = 0
    seconds: dict[str, float] = field(default_factory=dict)
    peak_mb: dict[str, float] = field(default_factory=dict)
    bulk_create: float = 0


def large_files(folder: Path, rounds: int, days: int, *, peers: bool) -> list[Figure]:
    """Files of 5,000 events of three destinations: one job, two, the days, the same again, and the ready-made rows."""
    source = archive(folder, days=days, events=5000, destinations=3)
    found = [_large_round(source, peers=peers) for _ in range(rounds)]

    def ratios(one: str, other: str) -> list[float]:
        return [each.seconds[other] / each.seconds[one] for each in found]

    def speed(name: str) -> str:
        return f"{median(each.events / each.seconds[name] for each in found):,.0f} events/s"

    again = [each.seconds["one job"] / each.seconds["again"] for each in found]
    # with their starts, which is most of what the second takes
    passed = [(each.start + each.seconds["one job"]) / (each.start + each.seconds["missing only"]) for each in found]
    check = [each.seconds["check"] / each.seconds["one job"] for each in found]
    days_of = [each.seconds["days"] / each.seconds["one job"] for each in found]
    figures = [
        Figure("import, files of 5,000 events, one job, check included / LOAD DATA", ratios("one job", "LOAD DATA"),
               target="0.80", speed=speed("one job")),
        Figure("import with --jobs 2, check included / LOAD DATA in one session", ratios("two jobs", "LOAD DATA"),
               target="1.0", speed=speed("two jobs")),
        Figure("the quality check's share of the import", check, target="0.03 at most"),
        Figure("making the days afterwards / the import", days_of),
        Figure("first import / the same again", again, target="4"),
        Figure("first import / the same with --missing-only, their starts included", passed),
        Figure("peak memory, one job, MB", [each.peak_mb["one job"] for each in found], target="250"),
        Figure("peak memory, two jobs, MB", [each.peak_mb["two jobs"] for each in found], target="250"),
        Figure("LOAD DATA of the ready-made rows", [1.0], speed=speed("LOAD DATA")),
    ]  # fmt: skip
    if peers:
        of_peer = [each.bulk_create / (each.events / each.seconds["one job"]) for each in found]
        figures.append(Figure("bulk_create of the rows / import", of_peer))
    return figures


def _large_round(source: Path, *, peers: bool) -> _Round:
    found = _Round()
    start = found.start = start_seconds()

    def run(name: str, *arguments: str) -> list[tuple[float, str]]:
        ran = manage("import_archive", "--source", str(source), "--all", *arguments)
        found.seconds[name], found.peak_mb[name] = ran.seconds - start, ran.peak_mb
        return ran.lines

    empty()
    run("two jobs", "--jobs", "2", "--leave-days")
    empty()
    said = run("one job", "--jobs", "1", "--leave-days")
    found.seconds["check"] = sum(
        at - before for (before, _), (at, line) in pairwise(said) if line.strip().startswith(CHECKED)
    )
    run("again", "--jobs", "1", "--leave-days")
    run("missing only", "--jobs", "1", "--leave-days", "--missing-only")
    found.seconds["days"] = manage("rebuild_days").seconds - start
    snapshots, queues = stored()
    found.events = len(snapshots)
    empty()
    found.seconds["LOAD DATA"] = load_seconds(snapshots, queues)
    if peers:
        empty()
        found.bulk_create = bulk_create_speed(snapshots, queues)
    return found


def small_files(folder: Path, rounds: int) -> list[Figure]:
    """Files of 150 events of one destination, by the thousand."""
    many = 1000
    source = archive(folder, days=many, events=150)
    found = []
    for _ in range(rounds):
        start = start_seconds()
        empty()
        ran = manage("import_archive", "--source", str(source), "--all", "--leave-days")
        found.append((ran.seconds - start) * 1000 / many)
    return [Figure("a file of 150 events, ms, check included", found, target="3")]


def memory(folder: Path) -> list[Figure]:
    """Three months and twelve, of the same size a day: both are large enough for a process that decodes."""
    peaks = []
    for days in (90, 365):
        empty()
        source = archive(folder, days=days, events=1500)
        peaks.append(manage("import_archive", "--source", str(source), "--all").peak_mb)
    return [
        Figure("peak memory of 12 months / of three", [peaks[1] / peaks[0]], target="flat", speed=f"{peaks[1]:.0f} MB")
    ]
