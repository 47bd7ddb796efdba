"""A ride that rows are at hand for, on its way to a ride_id."""

from dataclasses import dataclass

from warehouse.models import Park


@dataclass(frozen=True, slots=True)
class WantedRide:
    """What a file, an answer or the catalogue says of an entity whose ride is wanted."""

    entity_id: str
    park: Park  # where it was heard of first
    name: str  # as it was heard last; "" where it has none
    seen_at: str  # UTC, YYYY-MM-DD HH:MM:SS[.mmm]: when it was first heard of
    named_at: str = ""  # when it was called so; "": then, too

    def __post_init__(self) -> None:
        if not self.named_at:
            object.__setattr__(self, "named_at", self.seen_at)
