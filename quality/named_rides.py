"""Which rides findings are about: their subjects, and those that their evidence names, kept in data_quality_rides.

Evidence is whatever a reason wants to show. A ride is named in it by `ride_id`, by its themeparks_wiki_id wherever that
stands, or, in a finding of a park, by its name under `ride` or `name`.
"""

import re
from collections.abc import Iterable, Iterator

from django.db.models import Q

from quality.findings import Finding
from quality.models import DataQualityLog, FindingRide
from warehouse.models import Ride

UUID = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")


def keep(findings: Iterable[Finding]) -> None:
    """Write down the rides of findings that are recorded already; what is known stays. Three queries at most."""
    named = {finding.fingerprint: list(_named(finding)) for finding in findings}
    wiki_ids = {name for names in named.values() for name in names if isinstance(name, str)}
    titles = {name for names in named.values() for name in names if isinstance(name, tuple)}
    if not any(named.values()):
        return
    known: dict[object, int] = {}
    if wiki_ids or titles:
        by_name = Q(park__in={park for park, _ in titles}, ride_name__in={title for _, title in titles})
        rides = Ride.objects.filter(Q(themeparks_wiki_id__in=wiki_ids) | (by_name if titles else Q()))
        for ride_id, wiki_id, park_id, title in rides.values_list("pk", "themeparks_wiki_id", "park_id", "ride_name"):
            known |= {wiki_id: ride_id, (park_id, title): ride_id}
    about = {
        fingerprint: {name if isinstance(name, int) else known.get(name) for name in names} - {None}
        for fingerprint, names in named.items()
    }
    about = {fingerprint: rides for fingerprint, rides in about.items() if rides}
    rows = DataQualityLog.objects.filter(fingerprint__in=about).values_list("pk", "fingerprint")
    FindingRide.objects.bulk_create(
        [FindingRide(finding_id=pk, ride_id=ride) for pk, key in rows for ride in sorted(about[key])],
        ignore_conflicts=True,
    )


def _named(finding: Finding) -> Iterator[int | str | tuple[int, str]]:
    """Ride ids, wiki ids, and names with the park they are of."""
    yield from finding.rides
    if finding.entity_type == "ride" and finding.entity_id is not None:
        yield finding.entity_id
    for example in finding.examples:
        yield from _in_evidence(example, finding.park_id)


def _in_evidence(value: object, park_id: int | None) -> Iterator[int | str | tuple[int, str]]:
    if isinstance(value, str):
        yield from (found.lower() for found in UUID.findall(value))
    elif isinstance(value, list | tuple):
        for item in value:
            yield from _in_evidence(item, park_id)
    elif isinstance(value, dict):
        for key, item in value.items():
            if key == "ride_id" and isinstance(item, int):
                yield item
            elif key in ("ride", "name") and isinstance(item, str) and park_id is not None:
                yield park_id, item
            yield from _in_evidence(item, park_id)
