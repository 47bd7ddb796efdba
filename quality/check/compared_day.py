"""One park's day held against the source's figures of it, ride by ride."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, datetime
from zoneinfo import ZoneInfo

from django.db.models import Q

from quality.check import day_figures
from quality.check.source_figures import Beside, Difference, SourceDay, differences
from quality.findings import Finding
from quality.reasons import REASONS
from warehouse.ids import uuid_of
from warehouse.models import EntityMetadata, Park, Ride
from warehouse.text import count_of
from warehouse.zones import local_day

REASON = "differs_from_source"
#: Shows and restaurants are OPERATING for days without a word: 870 minutes of a day with 0 or 1 changes.
COMPARED_KIND = "ATTRACTION"


@dataclass
class ComparedDay:
    """One park and day: how many rides were compared, and which of them differ in what, the worst first."""

    park: Park
    day: date
    zone: ZoneInfo
    beside: Beside
    refused: int = 0  # events of the day that were not stored, of whatever entity: they have findings of their own
    compared: int = 0
    different: list[tuple[str, list[Difference]]] = field(default_factory=list)  # with the ride's name
    changes_alone: int = 0  # rides of which the source counted minutes under earlier rules
    gone: int = 0  # rides that are in no catalogue any more, of which the source says nothing

    @property
    def equal(self) -> int:
        """Rides that differ in nothing."""
        return self.compared - len(self.different)

    @property
    def remark(self) -> str:
        """What of it could not be compared; empty where all could."""
        return "; ".join(
            filter(
                None,
                [
                    "" if self.beside is Beside.NOTHING else self.beside.value,
                    f"{self.changes_alone} by changes alone, counted under earlier rules" * bool(self.changes_alone),
                    f"{self.gone} of which the source says nothing any more" * bool(self.gone),
                ],
            )
        )

    def finding(self) -> Finding:
        """Of the day, whether it differs or not."""
        told = [(name, difference) for name, found in self.different for difference in found]
        worst = "; ".join(f"{name}: {difference}" for name, difference in told[:3])
        if self.refused:
            worst += f"; {count_of(self.refused, 'event')} of the day refused"
        sentence = REASONS[REASON].say(len(self.different), day=self.day, compared=self.compared, worst=worst)
        start, end = local_day(self.day, self.zone)
        return Finding(
            reason=REASON,
            entity_type="park",
            entity_key=self.park.themeparks_wiki_id,
            entity_id=self.park.pk,
            scope=self.day.isoformat(),
            description=f"{self.park}: {sentence}",
            start=start,
            end=end,
            count=max(1, len(self.different)),
            examples=[
                {"ride": name, "date": self.day.isoformat(), "what": d.what, "ours": d.ours, "source": d.source}
                for name, d in told
            ],
        )


def compare_day(
    found: ComparedDay, told: list[SourceDay], *, known_since: datetime, has_delisted: bool, wait_limit: int
) -> ComparedDay:
    """Fill a day from our tables and what was `told` of it and of days near it.

    `known_since`: see day_figures.of_park. `has_delisted`: rides are stored that answers about the park may not name
    any more. `wait_limit`: see source_figures.differences.
    """
    ours = day_figures.of_park(found.park.pk, found.day, found.zone, known_since)
    by_id = {row.entity_id: row for row in told if row.day == found.day}
    rides = _rides(ours, by_id)
    named = {row.entity_id for row in told}
    for uuid in sorted(rides.keys() | by_id.keys()):
        ride, source = rides.get(uuid, _UNKNOWN), by_id.get(uuid)
        kind = ride.kind or (source.entity_type if source else "")
        if kind not in ("", COMPARED_KIND) or (ride.ride_id and ride.ride_id not in ours):
            continue  # no ride, or one that was in another park for a part of our day
        ride_day = ours.get(ride.ride_id)
        if source is None:
            if ride_day is None or not ride_day.observations:
                continue
            is_gone = uuid not in named and (has_delisted or not ride.listed)
            if is_gone or found.beside is Beside.NO_WHOLE_DAY:
                found.gone += 1
                continue
        found.compared += 1
        found.changes_alone += source is not None and source.unknown_minutes is None
        if several := differences(ride_day, source, found.beside, wait_limit):
            found.different.append((ride.name or (source.name if source else "") or uuid, several))
    found.different.sort(key=lambda ride: -max(difference.size for difference in ride[1]))
    return found


@dataclass(frozen=True, slots=True)
class _Ride:
    ride_id: int
    name: str
    kind: str  # empty: not known
    listed: bool  # in the catalogue


_UNKNOWN = _Ride(0, "", "", True)


def _rides(ours: Iterable[int], told: Iterable[str]) -> dict[str, _Ride]:
    """By UUID the rides of our day, and those of our tables that the source speaks of.

    Where the catalogue lists none of them it was not read yet, and says nothing about what is gone.
    """
    rows = Ride.objects.filter(Q(pk__in=list(ours)) | Q(themeparks_wiki_id__in=list(told)))
    metadata = {
        ride_id: (kind, listed)
        for ride_id, kind, listed in EntityMetadata.objects.filter(ride__in=rows).values_list(
            "ride_id", "entity_type", "listed"
        )
    }
    was_read = any(listed for _, listed in metadata.values())
    found = {}
    for ride_id, wiki_id, name in rows.values_list("ride_id", "themeparks_wiki_id", "ride_name"):
        if uuid := uuid_of(wiki_id):
            kind, listed = metadata.get(ride_id, ("", True))
            found[uuid] = _Ride(ride_id, name, kind, listed or not was_read)
    return found
