"""A dry run: every file of a plan read and checked, nothing written. Answers what an import would meet."""

from collections import Counter
from collections.abc import Callable, Iterator
from datetime import date, datetime
from typing import TextIO

from imports.archive.growth import sudden_growth
from imports.archive.planning import DestinationPlan
from imports.archive.prefetch import ReadAhead, Reading
from imports.archive.replace_live import weigh
from imports.archive.slow_clock import ClockIsSlow, slow_clock
from imports.loading.attribution import unknown_parks
from imports.loading.loader import months_of
from imports.loading.resolver import Resolver
from warehouse.models import Park
from warehouse.partitioning import partitions
from warehouse.server import catalog
from warehouse.server.away import looking_anew
from warehouse.text import count_of


def dry_run(plans: list[DestinationPlan], clock: Callable[[], datetime], out: TextIO) -> None:
    """Write to `out`, by destination: files, days without one, events, and what is wrong with how many of them.

    ClockIsSlow, after the last destination: an import would stop there.
    """
    months: set[date] = set()
    slow: list[str] = []
    for plan in plans:
        whose = f"{plan.destination}, {plan.of_park.name or plan.of_park.park_id}" if plan.of_park else plan.destination
        out.write(
            f"{whose}, {plan.first} to {plan.last}: {count_of(len(plan.files), 'file')}, "
            f"{count_of(plan.days_missing, 'day')} without one, {plan.days_imported():,} imported already\n"
        )
        files = [file for file in plan.files if not file.is_asked_for]
        if asked := len(plan.files) - len(files):  # each would be a request of an hour's budget
            out.write(f"  {count_of(asked, 'file')} still to be asked for, and not looked into\n")
        parks = {plan.of_park.park_id} if plan.of_park else {park.themeparks_wiki_id for park in plan.parks}
        events: Counter[str | None] = Counter()
        issues: Counter[str] = Counter()
        of_no_park = 0
        live = _LiveRows(plan)
        with ReadAhead(plan.request.source, files, clock) as read_ahead:
            for reading in read_ahead:
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
                live.add(reading)
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
        for line in live.lines():
            out.write(f"  {line}\n")
    wanted = partitions.plan(looking_anew(lambda: catalog.partitions(partitions.TABLE)), months)
    out.write(f"{count_of(len(wanted.adds), 'month partition')} would be added. Nothing was written.\n")
    if slow:
        raise ClockIsSlow(slow[0])


class _LiveRows:
    """What --replace-live would do to the LIVE rows of each park that is known; without the option nothing."""

    def __init__(self, plan: DestinationPlan):
        self._parks = plan.known_parks() if plan.request.replace_live else []
        self._force = plan.request.force
        self._would_go: Counter[Park] = Counter()
        self._would_stay: dict[Park, list[tuple[date, int]]] = {}

    def add(self, reading: Reading) -> None:
        for park in self._parks:
            weighed = weigh(park, reading.validated, reading.file.day)
            if weighed.far_less and not self._force:
                self._would_stay.setdefault(park, []).append((reading.file.day, len(weighed.live_ids)))
            else:
                self._would_go[park] += len(weighed.live_ids)

    def lines(self) -> Iterator[str]:
        for park in self._parks:
            yield f"{park}: {count_of(self._would_go[park], 'LIVE row')} would give way"
            if days := self._would_stay.get(park):
                named = ", ".join(f"{day}" for day, _ in days[:5]) + (" and more" if len(days) > 5 else "")
                yield (
                    f"{park}: {count_of(sum(count for _, count in days), 'LIVE row')} would stay, since the archive "
                    f"holds far less of {named}; --force replaces them"
                )
