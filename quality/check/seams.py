"""GAP: hours between the days of two feeds of a park, which nobody asked for (docs/decisions/the-seam.md).

They follow from the ledger and the park's zone (quality.covered_hours). Where a row of the park stands in them all the
same, the archive's days reach further than UTC's, or the live collector was there: then they are no hole.
"""

import math
from collections.abc import Iterator
from datetime import date, datetime

from quality.check.profiles import HOUR_MS, ParkProfile
from quality.check.window import Window
from quality.covered_hours import Hole, days_touched
from quality.findings import Finding
from quality.import_ledger import ARCHIVE, HISTORY
from quality.reasons import REASONS
from warehouse.days import ONE_DAY
from warehouse.instants import milliseconds_of

HISTORY_URL = "themeparks-history:"  # what --source calls the History API
#: by feed: what the days before a hole are called, and those after it
_DAYS = {
    ARCHIVE: ("the archive's days", "those of the archive"),
    HISTORY: ("the History API's days", "those of the History API"),
}


def holes_of(park: ParkProfile) -> list[Hole]:
    """The hours between two feeds in which no row stands, as far as the window was read."""
    return [hole for hole in park.covered.seam_holes if not _is_heard(park, hole)]


def seam_holes(window: Window, park: ParkProfile) -> Iterator[Finding]:
    """One finding a hole."""
    zone = park.park.zone
    for hole in holes_of(park):
        sentence = REASONS["seam_hole"].say(
            1,
            hours=hole.hours,
            when=in_words(hole.begin, hole.end),
            before=_DAYS[hole.before][0],
            after=_DAYS[hole.after][1],
        )
        of_park, of_utc = days_touched(hole.begin, hole.end, zone), days_touched(hole.begin, hole.end)
        command = (
            f"manage.py import_archive --park {park.park.themeparks_wiki_id} --from {of_park[0]} --to {of_park[1]} "
            f"--source {HISTORY_URL}"
        )
        file = f"the archive's file of {_days(*of_utc)}, if there is one"
        yield Finding(
            reason="seam_hole",
            entity_type="park",
            entity_key=park.park.themeparks_wiki_id,
            entity_id=park.park.pk,
            scope=f"{hole.begin:%Y-%m-%dT%H:%M}",
            description=f"{park.park}: {sentence}. To fill it:  {command}  or {file}",
            start=hole.begin,
            end=hole.end,
            count=math.ceil(hole.hours),
            examples=[
                {
                    "from": f"{hole.begin:%Y-%m-%d %H:%M}",
                    "to": f"{hole.end:%Y-%m-%d %H:%M}",
                    "day of the park": _days(*of_park),
                    "day of the archive": _days(*of_utc),
                }
            ],
        )


def all_holes(findings: list[Finding]) -> dict[str, object]:
    """What the sentence of a month's holes of one park names: the month, and the hours in all."""
    return {"month": findings[0].start, "hours": sum(finding.count for finding in findings)}


def is_due(window: Window, finding: Finding) -> bool:
    """Whether it is about the days of the window, or lies beside them."""
    return finding.start is not None and concerns(window, finding.start, finding.end or finding.start)


def concerns(window: Window, begin: datetime, end: datetime) -> bool:
    """A hole lies beside the days that an import brought in, never among them."""
    return window.concerns(begin - ONE_DAY, end + ONE_DAY)


def in_words(begin: datetime, end: datetime) -> str:
    """2026-09-27 00:00 to 04:00 UTC"""
    until = f"{end:%H:%M}" if begin.date() == end.date() else f"{end:%Y-%m-%d %H:%M}"
    return f"{begin:%Y-%m-%d %H:%M} to {until} UTC"


def _is_heard(park: ParkProfile, hole: Hole) -> bool:
    """By full hours, each for itself: the window may begin or end within the hole."""
    hours = range(-(-milliseconds_of(hole.begin) // HOUR_MS), milliseconds_of(hole.end) // HOUR_MS)
    return any(park.hours_heard_in(hour * HOUR_MS, (hour + 1) * HOUR_MS) for hour in hours)


def _days(first: date, last: date) -> str:
    return f"{first}" if first == last else f"{first} to {last}"
