"""Days of the real History API, with its own daily rows of them, against what the rule makes of their rows.

The captures (MIT, others') are no part of this repository; ARCHIVE_SAMPLES names the folder that has them.
"""

import json
from datetime import date, datetime
from zoneinfo import ZoneInfo

import pytest

from tests.captures import HISTORY_SAMPLES
from tests.warehouse.history.planting import LATER, tell
from warehouse.history.rule import DayOfPark
from warehouse.instants import milliseconds_of
from warehouse.models import HoursSource
from warehouse.rides.openings import Opening

pytestmark = pytest.mark.no_database
CAPTURED = HISTORY_SAMPLES
NEW_YORK = ZoneInfo("America/New_York")


def needs(name: str) -> dict:
    path = CAPTURED / name
    if not path.exists():
        pytest.skip(f"the captured answer is not here: {path} (its folder beside the one that ARCHIVE_SAMPLES names)")
    return json.loads(path.read_text())


def instant(text: str) -> datetime:
    return datetime.fromisoformat(text)


def words(history: list[dict]) -> list[tuple]:
    return [
        (instant(row["time"]).astimezone(NEW_YORK).strftime("%Y-%m-%d %H:%M:%S"), row["status"],
         row["queue"]["STANDBY"]["waitTime"])
        for row in history
    ]  # fmt: skip


def told(said: list[tuple], day: date, hours: tuple[str, str] | None, **known) -> DayOfPark:
    scheduled = {}
    if hours:
        scheduled[day] = ((tuple(milliseconds_of(instant(end)) for end in hours),), HoursSource.SCHEDULE)
    (found,) = tell({1: said}, day, now=LATER, scheduled=scheduled, **known)
    return found


@pytest.mark.parametrize(
    ("hours", "operating", "unknown"),
    [(("2026-09-26T11:30:00Z", "2026-09-27T03:00:00Z"), 929, 4), (None, 931, 2)],
    ids=["hours of the schedule", "inferred hours"],
)
def test_space_mountain(hours, operating, unknown):
    answer = needs("history-space-mountain-2026-09-26.json")
    daily = needs("daily-space-mountain-2026-09-26.json")["days"][0]
    opening = answer["opening"]
    opens, seen = (milliseconds_of(instant(opening[name])) for name in ("time", "observedAt"))
    wait = opening["queue"]["STANDBY"]["waitTime"]
    known = {"openings": {1: Opening(1, opens, seen, opening["status"], wait, False, "an answer")}}
    found = told(words(answer["history"]), date(2026, 9, 26), hours, **known).rides[1]
    assert (found.operating_minutes, found.unknown_minutes) == (operating, unknown)
    assert abs(found.operating_minutes - daily["operatingMinutes"]) <= 2
    if hours:  # with the hours that the source has, all is equal
        assert found.unknown_minutes == daily["unknownMinutes"]
        within = daily["inParkHours"]
        assert (found.hours_minutes, found.hours_operating, found.hours_down, found.hours_unknown) == tuple(
            within[f"{name}Minutes"] for name in ("scheduled", "operating", "down", "unknown")
        )
    standby = daily["standby"]
    assert (found.standby_min, found.standby_p50, found.standby_p90, found.standby_max) == tuple(
        standby[name] for name in ("min", "p50", "p90", "max")
    )
    assert abs(found.standby_sum / found.standby_minutes - standby["mean"]) < 1
    assert (found.first_operating_at, found.last_closed_at) == (
        instant(daily["firstOperatingAt"]),
        instant(daily["lastClosedAt"]),
    )
    assert found.observations == daily["changes"]


def test_a_pirates_adventure():
    captured = needs("pirates-adventure-2026-09-15.json")
    daily = captured["daily"]
    found = told(words(captured["history"]), date(2026, 9, 15), None).rides[1]
    assert (found.operating_minutes, found.down_minutes) == (daily["operatingMinutes"], daily["downMinutes"])
    assert (found.first_operating_at, found.last_closed_at, found.observations) == (
        instant(daily["firstOperatingAt"]),
        instant(daily["lastClosedAt"]),
        daily["changes"],
    )


def test_a_show_and_a_restaurant():
    """The captured show said one word on the first day, 50 seconds after midnight, and one on the second; when that
    was, that the show was closed before, and that another ride spoke, is made up."""
    rows = needs("daily-captured-rows.json")
    show = rows["show 51392ca4-f824-42d8-8808-8110ec8e0e22"]
    restaurant = rows["restaurant 55bdcccc-217b-416c-b8b0-4b6a87d16179"]
    first, second = date(2026, 9, 1), date(2026, 9, 2)
    hours = {
        first: ("2026-09-01T12:30:00Z", "2026-09-02T03:00:00Z"),
        second: ("2026-09-02T12:30:00Z", "2026-09-03T02:00:00Z"),
    }
    said = {
        1: [
            ("2026-08-31 22:00", "CLOSED", None),
            ("2026-09-01 00:00:50", "OPERATING", None),
            ("2026-09-02 00:00:50", "OPERATING", None),
        ],
        2: [("2026-08-30 09:00:00", "OPERATING", None)],
        3: [(f"{day} {hour}:00", "CLOSED", None) for day in ("2026-08-31", first, second, "2026-09-03")
            for hour in ("00", "12")],
    }  # fmt: skip
    said[3].insert(0, ("2026-08-30 12:00", "CLOSED", None))
    scheduled = {
        day: ((tuple(milliseconds_of(instant(end)) for end in ends),), HoursSource.SCHEDULE)
        for day, ends in hours.items()
    }
    days = tell(said, first, second, scheduled=scheduled)
    for number, dailies in ((1, show), (2, restaurant)):
        for daily, day in zip(dailies, days, strict=False):
            found = day.rides[number]
            assert (found.operating_minutes, found.unknown_minutes, found.hours_operating) == (
                daily["operatingMinutes"], daily["unknownMinutes"], daily["inParkHours"]["operatingMinutes"]
            )  # fmt: skip
            first_operating = daily["firstOperatingAt"]
            assert found.first_operating_at == (first_operating and instant(first_operating))
            assert found.last_closed_at is None
