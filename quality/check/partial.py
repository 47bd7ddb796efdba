"""MISSING_FIELD: archive events that are silent about a queue of which the events around them speak.

Whether an archive event repeats the whole state of a ride is not known outside of the archive. Where many are silent
about a queue and the next ones speak of it again, events say only what changed, and no wait means nothing.
"""

from collections.abc import Iterator

from quality.check.profiles import ParkProfile
from quality.check.rows import QUEUE_BITS
from quality.check.window import Window
from quality.evidence import EXAMPLES_MAX
from quality.findings import Finding
from quality.models import DataQualityLog
from quality.reasons import REASONS
from warehouse.days import midnight
from warehouse.instants import instant_at
from warehouse.partitioning.partitions import add_months

# A line that opens and closes is silent now and then, and a wait that is lacking once in 50 events changes no figure.
LACKING_MIN = 20  # events of a ride in a month
LACKING_SHARE = 0.05  # of its OPERATING events


def partial_states(window: Window, park: ParkProfile) -> Iterator[Finding]:
    """One finding a month and queue, over the rides of the park."""
    found: dict[tuple, list[tuple]] = {}
    for ride in park.rides:
        for month, omissions in ride.omissions_of_months:
            for queue, bit in QUEUE_BITS.items():
                lacking = omissions.lacking.get(bit, 0)
                if lacking >= max(LACKING_MIN, LACKING_SHARE * omissions.events):
                    found.setdefault((month, queue), []).append((lacking, omissions.events, ride, omissions))
    for (month, queue), rides in sorted(found.items()):
        rides.sort(key=lambda each: (-each[0], each[2].ride_id))
        lacking, events = sum(each[0] for each in rides), sum(each[1] for each in rides)
        sentence = REASONS["partial_state"].say(
            lacking, events=events, share=lacking / events, rides=len(rides), queue=queue, month=month
        )
        yield Finding(
            reason="partial_state",
            entity_type="park",
            entity_key=park.park.themeparks_wiki_id,
            entity_id=park.park.pk,
            scope=f"{month:%Y-%m} {queue}",
            description=f"{park.park}: {sentence}",
            start=midnight(month),
            end=midnight(add_months(month, 1)),
            count=lacking,
            examples=[
                {
                    "ride_id": ride.ride_id,
                    "name": ride.name,
                    "queue": queue,
                    "from": f"{instant_at(omissions.first_ms[QUEUE_BITS[queue]]):%Y-%m-%d %H:%M:%S}",
                    "lacking": of_ride,
                    "events": of_all,
                }
                for of_ride, of_all, ride, omissions in rides[:EXAMPLES_MAX]
            ],
        )


def was_looked_for(park: ParkProfile, row: DataQualityLog) -> bool:
    """A check of some parks reads no queue rows: what it does not find of queues beside the standby line may be so."""
    return park.queues_read or row.evidence["examples"][0]["queue"] == "STANDBY"
