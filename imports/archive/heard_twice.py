"""A park that is heard in two destinations' files on one day: stored from both, and told."""

from imports.archive.day_file_model import FileOutcome, ImportedFile
from imports.loading.counts import Counts
from imports.sources.source import DayFile, Feed
from quality.findings import Finding
from quality.reasons import REASONS
from warehouse.days import ONE_DAY, midnight
from warehouse.models import Park


def heard_twice(destination: str, feed: Feed, file: DayFile, counts: dict[int, Counts]) -> list[Finding]:
    """A finding for each park (by park_id) with events in this file whom another destination's file of the day knows.

    Whichever file comes second tells it, so the order of the imports does not matter. A month of delisted entities is
    no day.
    """
    here = [park_id for park_id, count in counts.items() if count.events_read and feed != Feed.DELISTED]
    if not here:
        return []
    # a park stood for its destination while nobody knew that (imports.sources.captures): these are no two
    themselves = Park.objects.filter(pk__in=here).values_list("themeparks_wiki_id", flat=True)
    if destination in themselves:
        return []
    others = (
        ImportedFile.objects.filter(park__in=here, file_date=file.day, outcome=FileOutcome.IMPORTED)
        .exclude(feed=Feed.DELISTED)
        .exclude(destination_wiki_id__in=[destination, *themselves])
        .select_related("park")
        .order_by("park_id", "destination_wiki_id")
    )
    by_park: dict[int, list[ImportedFile]] = {}
    for other in others:
        by_park.setdefault(other.park_id, []).append(other)
    return [_finding(destination, file, counts[park_id].events_read, rows) for park_id, rows in by_park.items()]


def _finding(destination: str, file: DayFile, events: int, others: list[ImportedFile]) -> Finding:
    park = others[0].park
    heard = {other.destination_wiki_id: (other.source_file, other.events_read) for other in others}
    heard[destination] = (file.key, events)
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
