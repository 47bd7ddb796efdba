"""Closed parks whose rides say OPERATING all night: left out of a day's figures, and told; open parks are not hit."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from quality.check.run import check
from quality.models import DataQualityLog, ResolutionStatus
from tests.quality.check.clean_year import milliseconds, observe
from warehouse.history.reading import park_days
from warehouse.models import Park, Ride, RideStatusSnapshot

pytestmark = pytest.mark.django_db
DAYS = [date(2025, 8, 1) + timedelta(days=n) for n in range(5)]
LATER = datetime(2026, 1, 1, tzinfo=UTC)
MINUTES = range(0, 24 * 60, 5)
Word = tuple[str, int | None]


def make_park(zone: str = "UTC", rides: int = 1) -> tuple[Park, list[Ride]]:
    park = Park.objects.create(park_name="P", timezone=zone, themeparks_wiki_id="p" * 36, destination_wiki_id="d")
    return park, [
        Ride.objects.create(park=park, ride_name=f"Ride {n}", themeparks_wiki_id=f"ride-{n}") for n in range(rides)
    ]


def say(ride: Ride, word: Callable[[int, int], Word | None], zone: str = "UTC") -> None:
    """What the ride says every five minutes of each day, by minute of the park's day and number of the day."""
    rows = []
    for number, day in enumerate(DAYS):
        midnight = milliseconds(datetime(day.year, day.month, day.day, tzinfo=ZoneInfo(zone)))
        for minute in MINUTES:
            if (said := word(minute, number)) is not None:
                rows.append((ride.pk, midnight + minute * 60_000, *said))
    observe(rows)


def figures(park: Park) -> list[tuple[float, float | None]]:
    """Hours in operation of all rides together, and their mean wait, by day."""
    found = []
    for day in park_days(park, DAYS[1], DAYS[3], LATER):
        rides = day.rides.values()
        shown = sum(ride.standby_minutes for ride in rides)
        mean = sum(ride.standby_sum for ride in rides) / shown if shown else None
        found.append((round(sum(ride.operating_minutes for ride in rides) / 60, 2), mean))
    return found


def told() -> list:
    return [finding for finding in check(None, None, None, LATER).findings if finding.reason == "open_at_night"]


def hours(first: int, last: int, minute: int) -> bool:
    return first * 60 <= minute < last * 60


def kraken(minute: int, day: int) -> Word | None:
    """30 minutes from 9 to 21, said every half hour; 0 every five minutes until dawn."""
    if hours(9, 21, minute):
        return ("OPERATING", 30) if minute % 30 == 0 else None
    return ("OPERATING", 0)


def test_zeros_said_all_night_are_left_out_and_told():
    park, (ride,) = make_park()
    say(ride, kraken)
    assert figures(park) == [(12, 30)] * 3
    (finding,) = told()
    assert (finding.entity_key, finding.scope, finding.count) == (park.themeparks_wiki_id, "2025-08", 5)
    assert "OPERATING without a wait" in finding.description
    assert finding.examples[0]["from"] == "2025-08-01T00:00:00+00:00"


@pytest.mark.parametrize("night", [0, None])
@pytest.mark.parametrize("zone", ["America/Los_Angeles", "Asia/Tokyo", "Europe/Berlin"])
def test_night_is_the_parks_own_and_no_wait_is_as_good_as_zero(zone, night):
    park, (ride,) = make_park(zone)

    def word(minute, day):
        return ("OPERATING", night) if (said := kraken(minute, day)) == ("OPERATING", 0) else said

    say(ride, word, zone)
    assert figures(park) == [(12, 30)] * 3
    assert told()


def test_a_park_that_is_open_round_the_clock_with_waits_is_not_hit():
    park, (ride, other) = make_park(rides=2)
    say(ride, lambda minute, day: ("OPERATING", 20 if hours(9, 21, minute) else 5))
    say(other, lambda minute, day: ("OPERATING", 0))  # a walk-on, beside one that has a line
    assert figures(park) == [(48, pytest.approx((12 * 20 + 12 * 5) / 48))] * 3
    assert told() == []


def test_a_quiet_park_with_honest_zeros_by_day_that_closes_is_not_hit():
    park, rides = make_park(rides=3)
    for ride in rides:
        say(ride, lambda minute, day: ("OPERATING", 0) if hours(10, 18, minute) else ("CLOSED", None))
    assert figures(park) == [(24, 0)] * 3
    assert told() == []


def test_a_quiet_park_that_falls_silent_at_night_is_not_hit():
    park, (ride,) = make_park()
    say(ride, lambda minute, day: ("OPERATING", 0) if hours(10, 18, minute) else None)
    assert figures(park) == [(round(8 - 5 / 60, 2), 0)] * 3  # it closed with its last word
    assert told() == []


def test_a_late_evening_of_walk_ons_is_not_hit():
    park, (ride,) = make_park()

    def word(minute, day):  # open from noon to 2 at night, the last line at 22
        if hours(2, 12, minute):
            return ("CLOSED", None)
        return ("OPERATING", 15 if hours(12, 22, minute) else 0)

    say(ride, word)
    assert figures(park) == [(14, pytest.approx(15 * 10 / 14))] * 3
    assert told() == []


def test_a_night_in_which_rides_go_up_and_down_is_not_hit():
    park, (ride, other) = make_park(rides=2)
    say(ride, lambda minute, day: ("OPERATING", 0))
    say(other, lambda minute, day: ("DOWN" if minute // 60 % 2 else "OPERATING", None))
    assert [hours for hours, _ in figures(park)] == [36] * 3
    assert told() == []


def test_a_wait_holds_until_the_park_closes():
    park, (ride, other) = make_park(rides=2)
    say(ride, lambda minute, day: ("OPERATING", 40) if minute in (9 * 60, 12 * 60, 15 * 60, 18 * 60, 20 * 60) else None)
    say(other, kraken)
    assert figures(park) == [(24, 35)] * 3  # the park closed at 21, when nobody else showed a wait any more


def test_without_a_time_zone_nobody_knows_when_night_is():
    park, (ride,) = make_park(zone="")
    say(ride, kraken)
    assert [hours for hours, _ in figures(park)] == [24] * 3
    assert told() == []


def test_a_night_that_is_gone_is_resolved():
    _, (ride,) = make_park()
    say(ride, kraken)
    check(None, None, None, LATER)
    RideStatusSnapshot.objects.filter(wait_time=0).delete()
    check(None, None, None, LATER)
    assert DataQualityLog.objects.get(reason="open_at_night").resolution_status == ResolutionStatus.RESOLVED


def test_a_month_of_such_nights_is_one_finding_of_each_month():
    _, (ride,) = make_park()
    say(ride, kraken)
    rows = [(ride.pk, milliseconds(datetime(2025, 9, 3, hour, minute, tzinfo=UTC)), "OPERATING", 0)
            for hour in range(8) for minute in range(0, 60, 5)]  # fmt: skip
    observe(rows)
    assert [finding.scope for finding in told()] == ["2025-08", "2025-09"]
