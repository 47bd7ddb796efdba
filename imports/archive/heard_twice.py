"""A park that is heard in two destinations' files on one day: stored from both, and told."""

from collections.abc import Collection, Iterable, Sequence
from datetime import date

from django.db.models import Q

from imports.archive.day_file_model import FileOutcome, ImportedFile
from imports.loading.counts import Counts
from imports.sources.source import DayFile, Feed
from quality.findings import Finding
from quality.reasons import REASONS
from warehouse.days import ONE_DAY, midnight
from warehouse.models import Park

#: (park_id, destination, key of the file, events) of files of one day
Elsewhere = Sequence[tuple[int, str, str, int]]


def heard_elsewhere(
    destination: str, feed: Feed, park_ids: Collection[int], files: Iterable[DayFile]
) -> dict[date, Elsewhere]:
    """Where these parks are heard on the days of these files beside `destination`; asked once for all of them.

    A month of delisted entities is no day.
    """
    if feed == Feed.DELISTED:
        return {}
    found: dict[date, list[tuple[int, str, str, int]]] = {}
    heard = ImportedFile.objects.filter(
        ~Q(feed=Feed.DELISTED),
        ~Q(destination_wiki_id=destination),
        park__in=park_ids,
        file_date__in={file.day for file in files},
        outcome=FileOutcome.IMPORTED,
    ).order_by("park_id", "destination_wiki_id")
    for row in heard.only("file_date", "park", "destination_wiki_id", "source_file", "events_read"):
        told = (row.park_id, row.destination_wiki_id, row.source_file, row.events_read)
        found.setdefault(row.file_date, []).append(told)
    return dict(found)


def heard_twice(destination: str, file: DayFile, counts: dict[int, Counts], elsewhere: Elsewhere) -> list[Finding]:
    """A finding for each park (by park_id) with events in this file whom another destination's file of the day knows.

    Whichever file comes second tells it, so the order of the imports does not matter.
    """
    here = {park_id for park_id, count in counts.items() if count.events_read}
    others = [each for each in elsewhere if each[0] in here]
    if not others:  # as nearly always: this is asked of each file
        return []
    parks = Park.objects.in_bulk(here)
    # a park stood for its destination while nobody knew that (imports.sources.captures): these are no two
    themselves = {park.themeparks_wiki_id for park in parks.values()}
    if destination in themselves:
        return []
    heard: dict[int, dict[str, tuple[str, int]]] = {}
    for park_id, other, key, events in others:
        if other not in themselves:
            heard.setdefault(park_id, {})[other] = (key, events)
    for park_id, by_destination in heard.items():
        by_destination[destination] = (file.key, counts[park_id].events_read)
    return [_finding(file, parks[park_id], by_destination) for park_id, by_destination in heard.items()]


def _finding(file: DayFile, park: Park, heard: dict[str, tuple[str, int]]) -> Finding:
    """`heard`: by destination, the file in which the park was heard, and of how many events."""
    sentence = REASONS["heard_in_two_destinations"].say(
        len(heard), day=file.day, destinations=" and ".join(sorted(heard))
    )
    return Finding(
        reason="heard_in_two_destinations",
        entity_type="park",
        entity_key=park.themeparks_wiki_id,
        entity_id=park.pk,
        scope=file.day.isoformat(),
        description=f"{park}: {sentence}.",
        start=midnight(file.day),
        end=midnight(file.day + ONE_DAY),
        count=len(heard),
        examples=[
            {"destination": uuid, "file": key, "events": events} for uuid, (key, events) in sorted(heard.items())
        ],
    )
