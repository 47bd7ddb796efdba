"""Park and ride ids, cached for a run. Three outcomes for a ride, none of them silent: found by its id, given to the
one ride of the park that has no id yet and is called the same (which is told), or new. Two ids are never merged.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime

from django.db import IntegrityError

from imports.events.validation import ReportedPark
from imports.loading.adoption import Adoption, adopted, ambiguous, choose
from imports.loading.noted import Noted
from imports.loading.wanted import WantedRide
from quality.findings import Finding
from warehouse.models import NAME_LENGTH, Park, Ride
from warehouse.outside import fitting
from warehouse.rides.numbering import take_numbers
from warehouse.rides.openings import Opening
from warehouse.server.turns import brief_transaction

__all__ = ["KnownRide", "Resolver", "WantedRide", "make_park", "placeholder_name"]


@dataclass(frozen=True, slots=True)
class KnownRide:
    """A ride as it is stored, or as it will be where the transaction commits; as it was when it was first asked for."""

    ride_id: int
    park_id: int
    park_wiki_id: str
    name: str
    park_is_set: bool = False  # by an operator: nothing moves it


@dataclass
class Resolver:
    """What is known of parks and rides by their themeparks_wiki_id. Ids made in a transaction are kept apart until
    `keep` is called after its commit; `forget` drops them after a rollback. So is what else was found of rides."""

    _rides: dict[str, KnownRide] = field(default_factory=dict)
    _new_rides: dict[str, KnownRide] = field(default_factory=dict)
    kinds: Noted[str, str] = field(default_factory=Noted)  # by entity: what the tables have or an operator set
    openings: Noted[int, Opening] = field(default_factory=Noted)  # by ride_id: what the tables have, or a later one

    def known(self, entity_ids: Iterable[str]) -> dict[str, KnownRide]:
        """The rides among `entity_ids` that exist, asked of the database only for those not seen before."""
        wanted = set(entity_ids)
        missing = [entity for entity in wanted if entity not in self._rides and entity not in self._new_rides]
        if missing:
            self._rides |= _rides_of(missing)
        return {
            entity: ride
            for entity in wanted
            if (ride := self._new_rides.get(entity) or self._rides.get(entity)) is not None
        }

    def resolve(self, wanted: Iterable[WantedRide], source_file: str) -> tuple[dict[str, KnownRide], list[Finding]]:
        """A ride for every wanted entity, made where there is none; findings say where names left a choice.

        To be called inside the transaction of the rows. IntegrityError: somebody else made one of them meanwhile.
        """
        by_entity = {ride.entity_id: ride for ride in wanted}
        resolved = self.known(by_entity)
        unknown = [ride for entity, ride in by_entity.items() if entity not in resolved]
        if not unknown:
            return resolved, []
        found = choose(unknown, _rides_without_id({ride.park.park_id for ride in unknown}))
        findings = [ambiguous(ride, candidates, source_file) for ride, candidates in found.ambiguous]
        for ride, ride_id in found.adoptions:
            findings.append(self._adopt(ride, ride_id, source_file))
        made = [
            Ride(
                ride_id=number,
                park=ride.park,
                ride_name=_fitting_name(ride),
                themeparks_wiki_id=ride.entity_id,
                named_at=_instant(ride.named_at) if ride.name.strip() else None,
            )
            for number, ride in zip(take_numbers(len(found.new)), found.new, strict=True)
        ]
        Ride.objects.bulk_create(made)
        self._new_rides |= {str(ride.themeparks_wiki_id): _known(ride) for ride in made}
        return self.known(by_entity), findings

    def renamed(self, entity_id: str, ride: KnownRide) -> None:
        """It is called otherwise from this transaction on."""
        self._new_rides[entity_id] = ride

    def _adopt(self, ride: WantedRide, ride_id: int, source_file: str) -> Finding:
        row = Ride.objects.select_for_update().select_related("park").get(pk=ride_id)
        if row.themeparks_wiki_id is not None:
            raise IntegrityError(f"ride {ride_id} was given an id meanwhile")
        row.themeparks_wiki_id = ride.entity_id
        row.save(update_fields=["themeparks_wiki_id"])
        self._new_rides[ride.entity_id] = _known(row)
        return adopted(Adoption(ride, row, source_file))

    def keep(self) -> None:
        """The transaction was committed: the rides made in it are there to stay."""
        self._rides |= self._new_rides
        self._new_rides = {}
        self.kinds.keep()
        self.openings.keep()

    def forget(self) -> None:
        """The transaction was rolled back: the rides made in it are not there, and their ids may go to others."""
        self._new_rides = {}
        self.kinds.forget()
        self.openings.forget()


def placeholder_name(entity_id: str) -> str:
    """For a ride whose events carry no name: until the metadata sync brings one."""
    return f"Unnamed {entity_id}"


def _rides_of(entity_ids: Iterable[str | None]) -> dict[str, KnownRide]:
    """The stored rides with these ids, by id."""
    rides = Ride.objects.filter(themeparks_wiki_id__in=entity_ids).select_related("park")
    return {str(ride.themeparks_wiki_id): _known(ride) for ride in rides}


def _known(ride: Ride) -> KnownRide:
    wiki_id = ride.park.themeparks_wiki_id
    return KnownRide(ride.ride_id, ride.park_id, wiki_id, ride.ride_name, "park_id" in ride.hand_set)


def _instant(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def _fitting_name(ride: WantedRide) -> str:
    return fitting(ride.name.strip(), NAME_LENGTH) or placeholder_name(ride.entity_id)


def _rides_without_id(park_ids: set[int]) -> dict[int, dict[int, str]]:
    found: dict[int, dict[int, str]] = {}
    for ride_id, park_id, name in Ride.objects.filter(park_id__in=park_ids, themeparks_wiki_id=None).values_list(
        "ride_id", "park_id", "ride_name"
    ):
        found.setdefault(park_id, {})[ride_id] = name
    return found


def make_park(destination: str, park_id: str, seen: ReportedPark) -> Park:
    """The park, made from what the file says where it is new: without a name its slug is it until the metadata sync."""
    with brief_transaction():  # another importer may want the same one
        park, _ = Park.objects.get_or_create(
            themeparks_wiki_id=park_id,
            defaults={
                "park_name": fitting(seen.name or seen.slug, NAME_LENGTH) or park_id,
                "park_slug": fitting(seen.slug, NAME_LENGTH),
                "timezone": fitting(seen.timezone, 64),
                "destination_wiki_id": destination,
            },
        )
    return park
