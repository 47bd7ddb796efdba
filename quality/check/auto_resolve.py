"""Auto-resolve: for each detector the evidence that its issue is gone, which lets the system resolve it, or None.

A record that is not found again is not gone by that alone: the check must have read all that would show it.
"""

from datetime import timedelta
from itertools import pairwise

from quality import import_ledger
from quality.check import gaps, invalid, partial, seams
from quality.check.profiles import ParkProfile
from quality.check.window import Window
from quality.models import TO_DO, DataQualityLog
from warehouse.days import midnight
from warehouse.instants import milliseconds_of
from warehouse.rides import stays

NOT_FOUND = "A check no longer finds it."


def not_found(window: Window, park: ParkProfile | None, row: DataQualityLog) -> str | None:
    """For what is as it is now, whatever the window."""
    return NOT_FOUND


def not_found_in_period(window: Window, park: ParkProfile | None, row: DataQualityLog) -> str | None:
    """For what is about a period of its own: all of it, and the month before, was read."""
    return NOT_FOUND if window.judges(row.timestamp_start, row.timestamp_end) else None


def not_found_since(window: Window, park: ParkProfile | None, row: DataQualityLog) -> str | None:
    """For what began once and has no end: everything since then was read."""
    since_then = window.ends_with_history and row.timestamp_start >= midnight(window.read_from)
    return NOT_FOUND if since_then else None


def not_found_in_months(window: Window, park: ParkProfile | None, row: DataQualityLog) -> str | None:
    """For figures of whole months. What lies outside of all months is seen by a check of the whole history."""
    inside = midnight(window.read_from) <= row.timestamp_start and (
        row.timestamp_end or row.timestamp_start
    ) <= midnight(window.read_to)
    return NOT_FOUND if inside or (window.begins_with_history and window.ends_with_history) else None


def not_found_in_months_read(window: Window, park: ParkProfile, row: DataQualityLog) -> str | None:
    """As `not_found_in_months`, for what is looked for in queue rows, which a check of some parks does not read."""
    return not_found_in_months(window, park, row) if partial.was_looked_for(park, row) else None


def days_imported(window: Window, park: ParkProfile, row: DataQualityLog) -> str | None:
    """The ledger shows the days; those that it still lacks are reported as a gap with another beginning."""
    first, last = row.days()
    left = [run for run in park.ledger.missing_runs() if run.first <= last and run.last >= first]
    if not all(window.concerns(midnight(run.first), midnight(run.last + timedelta(days=1))) for run in left):
        return None
    days = f"{first} to {last}" if last > first else f"{first}"
    if left:
        return f"The ledger has changed: of {days} it now lacks {', '.join(map(_run, left))}, reported on its own."
    return f"Filled: the ledger shows {days} as read."


def _run(run: import_ledger.MissingRun) -> str:
    return f"{run.first} to {run.last}" if run.days > 1 else f"{run.first}"


def hours_asked_for(window: Window, park: ParkProfile, row: DataQualityLog) -> str | None:
    """For what lies between two feeds, or a month of it: the days of one of them speak for all of its hours now, or
    something was heard in them. Of what is left another finding tells."""
    begin, end = row.timestamp_start, row.timestamp_end or row.timestamp_start
    left = [hole for hole in seams.holes_of(park) if hole.begin < end and hole.end > begin]
    if not all(seams.concerns(window, hole.begin, hole.end) for hole in left):
        return None
    if left:
        lacking = ", ".join(seams.in_words(hole.begin, hole.end) for hole in left)
        return f"The ledger has changed: nothing was asked for {lacking} now, reported on its own."
    if any(hole.begin < end and hole.end > begin for hole in park.covered.seam_holes):
        return "Spoken for: observations of the park lie in these hours."
    return "Filled: no hour between the two feeds is left that nobody asked for."


def hours_filled(window: Window, park: ParkProfile, row: DataQualityLog) -> str | None:
    """For silent hours: how many observations they hold now, as far as the park is known beyond their end."""
    if not window.judges(row.timestamp_start, row.timestamp_end):
        return None
    begin, end = row.timestamp_start, row.timestamp_end or row.timestamp_start
    observed = park.observations_in(milliseconds_of(begin), milliseconds_of(end))
    return f"Filled: {observed:,} observations lie in these hours now." if observed else NOT_FOUND


def ride_heard_of(window: Window, park: ParkProfile, row: DataQualityLog) -> str | None:
    """For a silent ride: on how many days of its period it was heard of. For a group: it is not found again."""
    if not window.judges(row.timestamp_start, row.timestamp_end):
        return None
    ride = next((ride for ride in park.rides if row.entity_type == "ride" and ride.ride_id == row.entity_id), None)
    first, last = row.days()
    days = gaps.days_heard_of(ride, first, last) if ride else 0
    return f"Filled: the ride was heard of on {days} days of the period." if days else NOT_FOUND


def ride_is_back(window: Window, park: ParkProfile | None, row: DataQualityLog) -> str | None:
    """Asked of the tables, not of the window: a check reads its months, orphans may lie in any."""
    if row.entity_id is not None and invalid.has_no_orphans(row.entity_id):
        return f"ride_id {row.entity_id} is in rides again, or nothing belongs to it any more."
    return None


def mended_files() -> list[tuple[DataQualityLog, str]]:
    """Unreadable files, and such as were held back, that were read without fault since."""
    about_files = ("unreadable_file", "sudden_growth")
    rows = list(DataQualityLog.objects.filter(reason__in=about_files, resolution_status__in=TO_DO))
    files_of = {row.pk: set(row.evidence.get("files", {row.source_file})) for row in rows}
    read = import_ledger.imported_since(set().union(*files_of.values()))
    return [
        (row, f"Mended: {row.source_file} was read." if len(files_of[row.pk]) == 1 else "Mended: all files were read.")
        for row in rows
        if files_of[row.pk] <= read
    ]


def moves_taken_back() -> list[tuple[DataQualityLog, str]]:
    """Moves of rides that what was imported since has shown to be none: no stay follows on the other any more."""
    rows = list(DataQualityLog.objects.filter(reason="ride_moved", entity_type="ride", resolution_status__in=TO_DO))
    courses = stays.of_rides([row.entity_id for row in rows if row.entity_id is not None])
    gone = []
    for row in rows:
        told = row.evidence["examples"][0]
        steps = pairwise(stay.park_id for stay in courses.get(row.entity_id or 0, []))
        if (told["from_park_id"], told["to_park_id"]) not in set(steps):
            gone.append((row, "Taken back: what was imported since shows that it did not move so."))
    return gone
