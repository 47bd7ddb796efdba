"""check(): every detector over a window and parks; findings are recorded, and what is gone is resolved.

A detector is a function of a window and a park (or of a window's observations, for what belongs to no park) that
yields findings. It reads nothing of the fact table's months: they are read once for all of them (scan.py).
Called by the command, the daily task, and after an import for the parks and days it touched.
"""

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime

from quality import import_ledger, owed_checks
from quality.check import auto_resolve, duplicates, gaps, invalid, missing_fields, nights, partial, seams
from quality.check.ahead import ScanAhead
from quality.check.profiles import ParkProfile
from quality.check.scan import Scan, scan
from quality.check.window import Window, window
from quality.findings import Finding
from quality.grouping import group_subjects, together
from quality.log import Recorded, record
from quality.models import TO_DO, DataQualityLog
from warehouse.days import midnight
from warehouse.models import Park
from warehouse.text import count_of


@dataclass
class Checked:
    """What a check found and did; where it was a dry run nothing of it was written."""

    window: Window
    rows_read: int = 0
    findings: list[Finding] = field(default_factory=list)
    resolved: list[tuple[DataQualityLog, str]] = field(default_factory=list)  # with the evidence
    recorded: Recorded = field(default_factory=Recorded)
    paid: int = 0  # checks that were owed, and are done with this one

    def outcome(self) -> str:
        """What became of the log, as one line: 9 new findings, 2 seen again (1 opened again), 3 resolved."""
        new, again, reopened = self.recorded.new, self.recorded.seen_again, self.recorded.reopened
        many = count_of(new, "new finding")
        return f"{many}, {again:,} seen again ({reopened:,} opened again), {len(self.resolved):,} resolved"


def check(
    parks: Iterable[int] | None,
    first_day: date | None,
    last_day: date | None,
    now: datetime,
    *,
    dry_run: bool = False,
    progress: Callable[[date, int], None] = lambda month, rows: None,
    ahead: ScanAhead | None = None,
) -> Checked:
    """Look for issues of the days `first_day` to `last_day` (UTC, inclusive; None: all) of parks (ids; None: all).

    Running it again changes last_seen_at and nothing else. Rows without a park (orphans, boundary partitions) are
    looked for when all parks are checked. What was owed of these days is paid at the end. `ahead`: has read some of
    these parks and days already. Call it outside of transactions.
    """
    today = now.astimezone(UTC).date()
    every_park = {park.pk: park for park in Park.objects.order_by("pk")}
    chosen = every_park if parks is None else {pk: every_park[pk] for pk in sorted(set(parks)) if pk in every_park}
    owed = owed_checks.covered_by(None if parks is None else chosen, first_day, last_day)
    checked = Checked(window(first_day, last_day, today))
    scanned = scan(
        checked.window,
        chosen.values(),
        whole=parks is None,
        find_near_duplicates=duplicates.near_duplicates_of_the_month,
        progress=progress,
        begun=None if ahead is None else ahead.begun(checked.window, chosen.values()),
    )
    checked.rows_read = scanned.rows
    for park in scanned.parks.values():
        park.take_ledger(import_ledger.of_park(park.park.pk))
        stored = _to_do(OF_A_PARK, park=park.park)
        for detector in OF_A_PARK:
            found = _grouped(detector, detector.find(scanned.window, park), park.park)
            _weigh(checked, detector, found, stored[detector.reason], scanned, park)
    of_the_chosen = {} if scanned.whole else {"park__in": chosen}
    stored = _to_do(OF_THE_CATALOGUE, **of_the_chosen)
    for detector in OF_THE_CATALOGUE:
        found = _grouped(detector, detector.find(every_park, today), None)
        _weigh(checked, detector, found, stored[detector.reason], scanned, None, chosen)
    if scanned.whole:
        stored = _to_do(OF_NO_PARK)
        for detector in OF_NO_PARK:
            _weigh(checked, detector, list(detector.find(scanned)), stored[detector.reason], scanned, None)
    checked.resolved += auto_resolve.mended_files()
    checked.resolved += auto_resolve.moves_taken_back()
    if not dry_run:
        checked.recorded = record(checked.findings, now)
        checked.resolved = [(row, why) for row, why in checked.resolved if row.resolve_by_system(why, now=now)]
        owed_checks.paid(owed)
        checked.paid = len(owed)
    return checked


def _grouped(detector: "Detector", found: Iterable[Finding], park: Park | None) -> list[Finding]:
    if detector.group_of is None:
        return list(found)
    return group_subjects(found, park, detector.group_of, detector.grouped)


def _to_do(detectors: Iterable["Detector"], **of_whom: object) -> dict[str, list[DataQualityLog]]:
    """The records that these detectors may find gone, by reason; asked for at once, since most have none.

    With a source file a record is the importer's or the metadata sync's, which may use the same word.
    """
    rows: dict[str, list[DataQualityLog]] = {detector.reason: [] for detector in detectors}
    for row in DataQualityLog.objects.filter(
        reason__in=rows, resolution_status__in=TO_DO, source_file="", **of_whom
    ).iterator():
        rows[row.reason].append(row)
    return rows


def _weigh(
    checked: Checked,
    detector: "Detector",
    found: list[Finding],
    stored: list[DataQualityLog],
    scanned: Scan,
    park: ParkProfile | None,
    chosen: Collection[int] = (),
) -> None:
    """Keep the findings that the window is about, and see which records of this reason are gone."""
    window = checked.window
    reported = [
        finding
        for finding in found
        if detector.is_due(window, finding) and (park or scanned.whole or finding.park_id in chosen)
    ]
    checked.findings += reported
    superseded = {fingerprint: finding for finding in reported for fingerprint in finding.supersedes}
    still_there = {finding.fingerprint for finding in found}.union(*(finding.supersedes for finding in found))
    for row in stored:
        if row.fingerprint in superseded:
            checked.resolved.append((row, f"Merged into: {superseded[row.fingerprint].description}"))
        elif row.fingerprint not in still_there and (why := detector.gone(window, park, row)):
            checked.resolved.append((row, why))


# --- the detectors ----------------------------------------------------------------------------------------------------
def _month(finding: Finding) -> str:
    return f"{finding.start:%Y-%m}"


def _about_the_window(window: Window, finding: Finding) -> bool:
    return window.concerns(finding.start, finding.end)


def _judged(window: Window, finding: Finding) -> bool:
    begun = finding.start is not None and finding.start >= midnight(window.judged_from)
    return begun and window.concerns(finding.start, finding.end)


def _always(window: Window, finding: Finding) -> bool:
    return True


@dataclass(frozen=True)
class Detector:
    """One reason: how it is found, which findings are for the window, which are reported as one, when it is gone.

    Findings with the same `group_of` are reported as one where they are many (quality.grouping); None: never.
    `grouped` says what the table's sentence of such a group names beside its count.
    """

    reason: str
    find: Callable[..., Iterable[Finding]]
    gone: Callable[..., str | None]  # of window, park (None where `find` is of no park) and record
    is_due: Callable[[Window, Finding], bool] = _always
    group_of: Callable[[Finding], str] | None = None
    grouped: Callable[[list[Finding]], dict[str, object]] = lambda findings: {}


OF_A_PARK = [
    Detector("missing_days", gaps.missing_days, auto_resolve.days_imported, _about_the_window),
    Detector("seam_hole", seams.seam_holes, auto_resolve.hours_asked_for, seams.is_due, _month, seams.all_holes),
    Detector("silent_hours", gaps.silent_hours, auto_resolve.hours_filled, _judged, _month, gaps.all_silent_hours),
    Detector("silent_ride", gaps.silent_rides, auto_resolve.ride_heard_of, _judged, _month, gaps.when_silent),
    Detector("duplicate_name", duplicates.same_names, auto_resolve.not_found, group_of=together),
    Detector("duplicate_observations", duplicates.same_observations, auto_resolve.not_found_since, group_of=together),
    Detector("coordinates_out_of_range", invalid.impossible_coordinates, auto_resolve.not_found, group_of=together),
    Detector(
        "frozen_wait", invalid.frozen_waits, auto_resolve.not_found_in_period, _judged, _month, invalid.month_of_frozen
    ),
    Detector("partial_state", partial.partial_states, auto_resolve.not_found_in_months_read, _about_the_window),
    Detector("open_at_night", nights.open_at_night, auto_resolve.not_found_in_period, _judged),
    Detector("missing_metadata", missing_fields.missing_metadata, auto_resolve.not_found),
]

#: Over all parks, whatever is asked for, so that a fault of all parks is reported once.
OF_THE_CATALOGUE = [
    Detector("checkpoint_in_future", invalid.checkpoints_in_future, auto_resolve.not_found, group_of=together),
    Detector("missing_time_zone", missing_fields.missing_time_zones, auto_resolve.not_found, group_of=together),
    Detector("missing_destination", missing_fields.missing_destinations, auto_resolve.not_found, group_of=together),
]

OF_NO_PARK = [
    Detector("orphan_snapshots", invalid.orphan_snapshots, auto_resolve.ride_is_back),
    Detector("orphan_queue_rows", invalid.orphan_queue_rows, auto_resolve.not_found_in_months),
    Detector("misnumbered_snapshots", invalid.misnumbered_snapshots, auto_resolve.not_found_in_months),
    Detector("guard_rows", invalid.guard_rows, auto_resolve.not_found),
]
DETECTORS = [*OF_A_PARK, *OF_THE_CATALOGUE, *OF_NO_PARK]
