"""MISSING_FIELD: what the catalogue should say of a ride or a park, and does not."""

from collections.abc import Container, Iterator
from datetime import date

from django.db.models import Q

from quality.check.profiles import ParkProfile
from quality.check.window import Window
from quality.evidence import EXAMPLES_MAX
from quality.findings import Finding
from quality.grouping import group_subjects, together
from quality.reasons import REASONS
from warehouse.models import Park, Ride
from warehouse.zones import known_zone


def missing_metadata(window: Window, park: ParkProfile) -> Iterator[Finding]:
    """Rides of which entity_metadata holds nothing, or a kind alone, which imports bring (imports.loading.kinds): one
    finding a park, however many they are."""
    kind_alone = Q(metadata__listed=False, metadata__catalogue_park="", metadata__latitude=None)
    rides = Ride.objects.filter(Q(metadata=None) | kind_alone, park=park.park).order_by("-ride_id")
    count = rides.count()
    if count:
        total = Ride.objects.filter(park=park.park).count()
        yield Finding(
            reason="missing_metadata",
            entity_type="park",
            entity_key=park.park.themeparks_wiki_id,
            entity_id=park.park.pk,
            scope="",
            description=f"{park.park}: {REASONS['missing_metadata'].say(count, total=total)}",
            count=count,
            examples=[
                {"ride_id": ride.ride_id, "name": ride.ride_name, "themeparks_wiki_id": ride.themeparks_wiki_id}
                for ride in rides[:EXAMPLES_MAX]
            ],
        )


def missing_time_zones(parks: dict[int, Park], today: date) -> Iterator[Finding]:
    """Parks without a time zone, or with one that does not exist."""
    for park in parks.values():
        if known_zone(park.timezone) is None:
            problem = f"the time zone {park.timezone!r}, which does not exist" if park.timezone else "no time zone"
            yield _of_park(park, "missing_time_zone", {"timezone": park.timezone}, problem=problem)


def time_zone_findings(park_ids: Container[int], today: date) -> list[Finding]:
    """What the metadata sync records of these parks as soon as it wrote them: the check's findings, word for word.

    All parks are looked at, as by the check, since those of many parks are reported as one.
    """
    parks = {park.pk: park for park in Park.objects.order_by("pk")}
    missing = list(missing_time_zones(parks, today))
    concerned = {finding.fingerprint for finding in missing if finding.park_id in park_ids}
    return [f for f in group_subjects(missing, None, together) if concerned & {f.fingerprint, *f.supersedes}]


def missing_destinations(parks: dict[int, Park], today: date) -> Iterator[Finding]:
    """Parks that belong to no destination."""
    for park in parks.values():
        if not park.destination_wiki_id:
            yield _of_park(park, "missing_destination", {"destination": None})


def _of_park(park: Park, reason: str, example: dict, **measured: object) -> Finding:
    return Finding(
        reason=reason,
        entity_type="park",
        entity_key=park.themeparks_wiki_id,
        entity_id=park.pk,
        scope="",
        description=REASONS[reason].say(1, park=park, **measured),
        examples=[example],
    )
