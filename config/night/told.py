"""Last night in words, line by line, and as what becomes JSON."""

from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

from config.night import EndedImport, JobRuns, Night
from warehouse.templatetags.figures import percent
from warehouse.text import count_of, duration_in_words, size_in_words
from warehouse.zones import there_in_words


def heading(night: Night) -> str:
    """Since when, by the clock of its zone."""
    return f"Since {there_in_words(night.since, night.zone)}"


def summary(night: Night) -> str:
    """In one line."""
    failed = [
        said
        for count, said in (
            (night.failed, f"{count_of(night.failed, 'import')} failed"),
            (night.failed_runs, f"{count_of(night.failed_runs, 'job run')} failed"),
            (night.live_was_poor, f"live data came in {percent(night.live_share)} of the cases"),
        )
        if count
    ]
    if failed:
        return "; ".join(failed)
    return "No import ended and no job ran" if night.was_idle else "All went well"


def sentences(night: Night) -> dict[str, str]:
    """What home shows as figures: label -> in words."""
    findings = [f"{count:,} {kind.lower().replace('_', ' ')}" for kind, count in night.findings.items() if count]
    runs = count_of(night.runs, "run")
    if any(job.at_least for job in night.jobs):
        runs = f"at least {runs}"
    live = "not asked"
    if night.live_share is not None:
        live = (
            f"{percent(night.live_share)} of {count_of(night.destinations_asked, 'question')} answered, "
            f"in {count_of(night.collections, 'collection')}"
        )
    size = "size not measured before and since"
    if night.growth_mb is not None:
        size = f"{size_in_words(night.growth_mb)} by the measurements"
    return {
        "imports ended": f"{night.ended:,}, of which {night.failed:,} failed, {count_of(night.rows, 'row')}",
        "jobs": f"{runs}, {night.failed_runs:,} failed",
        "new findings": ", ".join(findings) or "none",
        "live": live,
        "growth": f"{count_of(night.rows_imported, 'row')} imported, {night.rows_live:,} live; {size}",
    }


def ended_in_words(each: EndedImport) -> str:
    """What came of an import, without its park."""
    how = "given up" if each.dismissed else "FAILED" if each.failed else "completed"
    said = f"{how} after {duration_in_words(each.seconds)}, {count_of(each.rows, 'row')}"
    return f"{said}: {each.why}" if each.failed and each.why else said


def job_in_words(job: JobRuns) -> str:
    """How often it ran, without its name."""
    return f"{'at least ' if job.at_least else ''}{count_of(job.runs, 'run')}, {job.failed:,} failed"


def as_text(night: Night) -> Iterator[str]:
    """Line by line."""
    yield f"{heading(night)}: {summary(night)}"
    yield ""
    for label, said in sentences(night).items():
        yield f"{label}: {said}"
    if night.named:
        yield ""
        yield "Imports that ended"
        for each in night.named:
            yield f"  {each.park}, {each.first} to {each.last} ({each.import_id}): {ended_in_words(each)}"
        if night.ended > len(night.named):
            yield f"  and {night.ended - len(night.named):,} more"
    if night.jobs:
        yield ""
        yield "Jobs"
        for job in night.jobs:
            yield f"  {job.name}: {job_in_words(job)}"


def as_json(night: Night) -> dict[str, Any]:
    """Ready for a DjangoJSONEncoder."""
    return {
        **asdict(night),
        "zone": str(night.zone),
        "live_share": night.live_share,
        "went_well": night.went_well,
    }
