"""One attraction under several ids: the same name, or the same waits at the same times."""

from datetime import UTC, datetime

from quality.check.run import check
from quality.grouping import SUBJECTS_SINGLE
from quality.models import IssueType
from tests.quality.check.clean_year import (
    LAKESIDE,
    NOW,
    add_ride,
    hours_of_lakeside,
    milliseconds,
    observe,
    records,
)
from warehouse.models import EntityMetadata

MAY = milliseconds(datetime(2025, 5, 1, 4, tzinfo=UTC))


def found():
    return check(None, None, None, NOW).findings


def copy_of_the_comet(ride_id: int, *, later_ms: int) -> list[tuple]:
    """What the Comet says from May on, under another id."""
    rows = records(LAKESIDE[0], "America/New_York", hours_of_lakeside, seed=1001)
    return [(ride_id, ms + later_ms, status, wait) for ms, status, wait in rows if ms > MAY]


def test_two_rides_of_one_park_with_the_same_name_are_found(year):
    add_ride(year.lakeside, "  COMÈT™ ")
    (finding,) = found()
    assert (finding.kind, finding.reason, finding.scope) == (IssueType.DUPLICATE, "duplicate_name", "comet")
    assert finding.description == "Lakeside: 2 rides are called Comet"
    assert finding.examples[0]["ride_id"] == year.ride("Comet").pk


def test_the_same_name_in_two_parks_is_normal_and_so_are_two_carts(year):
    add_ride(year.bergwelt, "Comet")
    add_ride(year.lakeside, "Lakeside Grill", "RESTAURANT")
    assert found() == []


def test_a_park_whose_rides_all_got_new_ids_is_one_finding(year):
    names = [attraction.name for attraction in LAKESIDE if attraction.kind == "ATTRACTION"]
    assert len(names) > SUBJECTS_SINGLE
    for name in names:
        add_ride(year.lakeside, name)
    (finding,) = found()
    assert finding.description == f"Lakeside: {len(names)} names are carried by two or more rides each"
    assert finding.count == len(names)


def test_two_rides_with_the_same_observations_are_found_though_their_clocks_differ(year):
    second = add_ride(year.lakeside, "Comet (second id)")
    observe(copy_of_the_comet(second.pk, later_ms=350))
    (finding,) = found()
    assert (finding.reason, finding.entity_id) == ("duplicate_observations", year.ride("Comet").pk)
    assert finding.description == "Lakeside: Comet and Comet (second id) report the same waits at the same times"


def test_three_ids_of_one_attraction_are_one_finding(year):
    for number in (2, 3):
        observe(copy_of_the_comet(add_ride(year.lakeside, f"Comet {number}").pk, later_ms=0))
    (finding,) = found()
    assert finding.count == 3


def test_rides_that_open_and_close_together_with_one_wait_are_no_duplicates(year):
    rides = [add_ride(year.lakeside, name) for name in ("Swing", "Slide")]
    EntityMetadata.objects.filter(ride__in=rides).update(entity_type="SHOW")
    rows = copy_of_the_comet(0, later_ms=0)
    observe(
        [
            (ride.pk, ms + 1, status, 5 if status == "OPERATING" and n % 2 else None)
            for n, (_, ms, status, _) in enumerate(rows)
            for ride in rides
        ]
    )
    assert found() == []
