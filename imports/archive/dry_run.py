"""A dry run: every file of a plan read and checked, nothing written. Answers what an import would meet."""

from collections import Counter
from collections.abc import Callable
from datetime import date, datetime
from typing import TextIO

from imports.archive.growth import sudden_growth
from imports.archive.planning import DestinationPlan
from imports.archive.prefetch import readings
from imports.archive.slow_clock import ClockIsSlow, slow_clock
from imports.loading.attribution import unknown_parks
from imports.loading.loader import months_of
from imports.loading.resolver import Resolver
from warehouse.partitioning import partitions
from warehouse.server import catalog
from warehouse.text import count_of


def dry_run(plans: list[DestinationPlan], clock: Callable[[], datetime], out: TextIO) -> None:
    """Write to `out`, by destination: files, days without one, events, and what is wrong with how many of them.

    ClockIsSlow, after the last destination: an import would stop there.
    """
    months: set[date] = set()
    slow: list[str] = []
    for plan in plans:
        out.write(
            f"{plan.destination}, {plan.first} to {plan.last}: {count_of(len(plan.files), 'file')}, "
            f"{count_of(plan.days_missing, 'day')} without one, {plan.days_imported():,} imported already\n"
        )
        parks = {park.themeparks_wiki_id for park in plan.parks}
        events: Counter[str | None] = Counter()
        issues: Counter[str] = Counter()
        of_no_park = 0
        for reading in readings(plan.request.source, plan.files, clock):
            if reading.missing or reading.unreadable:
                out.write(f"  {reading.file.key}: {reading.unreadable or 'gone since it was listed'}\n")
                continue
            validated = reading.validated
            if trouble := slow_clock(reading, clock()):
                out.write(f"  an import would stop here: {trouble}\n")
                slow.append(trouble)
                break
            if not plan.request.force and (
                found := sudden_growth(plan.destination, reading.file, validated, parks or None, Resolver())
            ):
                out.write(f"  {found.description} An import would stop there unless it is given --force\n")
            months |= months_of(validated.observations)
            events.update(observation.park_id for observation in validated.observations)
            unknown = unknown_parks(validated, parks)
            of_no_park += sum(validated.rejected.get(park_id, 0) for park_id in {None, *unknown})
            for (park_id, reason), issue in validated.issues.found.items():
                if not parks or park_id in parks or park_id is None or park_id in unknown:
                    issues[reason] += issue.count
            for rejection in validated.parkless_rejections:
                issues[rejection.reason] += 1
        for park_id, count in sorted(events.items(), key=lambda item: item[0] or ""):
            if not parks or park_id in parks:
                out.write(f"  park {park_id or 'not named'}: {count_of(count, 'event')} that can be stored\n")
        if of_no_park:
            out.write(f"  no park that is known: {count_of(of_no_park, 'event')}, none of which can be stored\n")
        for reason, count in issues.most_common():
            out.write(f"  {reason}: {count:,}\n")
    wanted = partitions.plan(catalog.partitions(partitions.TABLE), months)
    out.write(f"{count_of(len(wanted.adds), 'month partition')} would be added. Nothing was written.\n")
    if slow:
        raise ClockIsSlow(slow[0])
