"""Small archives whose truth is known, all the way: from rows, from sums, on a page, by the command, in the export."""

import json
from datetime import UTC, date, datetime
from io import StringIO

import pytest
from django.core.management import call_command

from tests.warehouse.admin.day_pages import rows_of_csv, stand_still
from tests.warehouse.history.planting import make_park, plant
from warehouse.admin.day_pages import links
from warehouse.history.reading import park_days
from warehouse.models import Park, Ride, RideDay

pq = pytest.importorskip("pyarrow.parquet", reason="pyarrow is not installed (requirements-export.lock)")
pytestmark = pytest.mark.django_db(transaction=True)
NOW = datetime(2026, 1, 1, tzinfo=UTC)
DAY, NEXT = date(2025, 7, 4), date(2025, 7, 5)
UNKNOWN = {"operating_minutes": None, "down_minutes": None, "standby_mean": None, "unknown_minutes": 1440}


def said(*words: tuple) -> list[tuple]:
    """(hours and minutes of DAY, or with a day of July before them, status, wait, ...)."""
    return [(f"2025-07-{local if ' ' in local else f'04 {local}'}", *rest) for local, *rest in words]


NIGHT = [(f"{day:02} {hour:02}:{minute:02}", "OPERATING", 0) for day in (3, 4, 5) for hour in (*range(10), 22, 23)
         for minute in (0, 20, 40)]  # fmt: skip
#: zone, what the first ride says (others are a second one's), truths by day
TRUTHS = {
    "down for ten hours": (
        "America/New_York",
        [said(("10:00", "DOWN", None), ("20:00", "CLOSED", None))],
        {DAY: {"down_minutes": 600, "operating_minutes": 0}},
    ),
    "open for twelve hours, told four times": (
        "Asia/Tokyo",
        [
            said(
                ("10:00", "OPERATING", 10),
                ("12:00", "OPERATING", 30),
                ("18:00", "OPERATING", 20),
                ("22:00", "CLOSED", None),
            )
        ],
        {DAY: {"operating_minutes": 720, "standby_mean": 23.33, "standby_max": 30, "observations": 4}},
    ),
    "down over midnight": (
        "Europe/London",
        [said(("10:00", "OPERATING", 5), ("20:30", "DOWN", None), ("05 06:00", "CLOSED", None))],
        {DAY: {"down_minutes": 210}, NEXT: {"down_minutes": 360}},
    ),
    "down as the park shuts": (
        "America/New_York",
        [
            said(
                ("10:00", "OPERATING", 5),
                ("21:50", "DOWN", None),
                ("05 10:00", "OPERATING", 5),
                ("05 22:00", "CLOSED", None),
            ),
            said(
                ("10:00", "OPERATING", 5),
                ("22:00", "CLOSED", None),
                ("05 10:00", "OPERATING", 5),
                ("05 22:00", "CLOSED", None),
            ),
        ],
        {DAY: {"hours_down": 10, "hours_operating": 710}, NEXT: {"hours_down": 0, "down_share": 0}},
    ),
    "archive beside two late live rows": (
        "America/New_York",
        [
            said(
                ("10:00", "OPERATING", 10),
                ("14:00", "DOWN", None),
                ("16:00", "OPERATING", 10),
                ("20:00", "CLOSED", None),
                ("21:00", "DOWN", None, "LIVE"),
                ("23:00", "OPERATING", 60, "LIVE"),
            )
        ],
        {DAY: {"down_share": 0.2, "standby_max": 10, "told_by": "ARCHIVE"}},
    ),
    "nobody collected": (
        "America/Los_Angeles",
        [said(("03 10:00", "OPERATING", 60), ("05 10:00", "OPERATING", 60), ("05 20:00", "CLOSED", None))],
        {DAY: UNKNOWN},
    ),
    "open all night with zeros": (
        "America/New_York",
        [
            said(
                *sorted(
                    [*NIGHT, *((f"{day:02} {hour}:00", "OPERATING", 30) for day in (3, 4, 5) for hour in range(10, 22))]
                )
            )
        ],
        {DAY: {"operating_minutes": 720, "standby_mean": 30}},
    ),
    "past midnight": (
        "Australia/Lord_Howe",
        [said(("20:00", "OPERATING", 15), ("05 02:00", "CLOSED", None))],
        {DAY: {"operating_minutes": 240}, NEXT: {"operating_minutes": 120}},
    ),
}


@pytest.fixture
def rides() -> dict[str, Ride]:
    """The first ride of each archive, all of them summed up."""
    found = {}
    for name, (zone, words, _) in TRUTHS.items():
        _, planted = make_park(zone, len(words))
        for ride, of_ride in zip(planted, words, strict=True):
            plant(ride, of_ride)
        found[name] = planted[0]
    call_command("rebuild_days", stdout=StringIO(), stderr=StringIO())
    return found


def rounded(value):
    return round(value, 2) if isinstance(value, float) else value


def test_the_truth_comes_out_wherever_it_is_asked(rides, admin_client, tmp_path, monkeypatch):
    stand_still(monkeypatch, NOW)
    call_command("export_history", "--to", str(tmp_path), stdout=StringIO(), stderr=StringIO())
    of_export = {}
    for file in json.loads((tmp_path / "manifest.json").read_text())["files"]:
        if file["dataset"] == "ride_days":
            of_export |= {
                (row["ride_id"], row["day"]): row for row in pq.read_table(tmp_path / file["path"]).to_pylist()
            }
    for name, (_, _, truths) in TRUTHS.items():
        ride = rides[name]
        limits = {"from": DAY, "to": NEXT}
        out = StringIO()
        call_command("ask", "ride-days", "--ride", ride.themeparks_wiki_id, "--from", str(DAY), "--to", str(NEXT),
                     "--format", "json", stdout=out, stderr=StringIO())  # fmt: skip
        by_command = {row["date"]: row for row in json.loads(out.getvalue())}
        taken = admin_client.get(links.ride(ride.pk, csv="ride-days", show="days", **limits))
        by_page = {row["date"]: row for row in rows_of_csv(taken)}
        from_rows = {
            day.day: day.rides.get(ride.pk) for day in park_days(Park.objects.get(pk=ride.park_id), DAY, NEXT, NOW)
        }
        for day, truth in truths.items():
            told = {key: rounded(by_command[f"{day}"][key]) for key in truth}
            assert told == truth, (name, "command")
            assert {key: rounded(_read(by_page[f"{day}"][key])) for key in truth} == truth, (name, "page")
            sums = RideDay.objects.filter(ride_id=ride.pk, day=day).values().first()
            assert (sums is None) == (from_rows.get(day) is None) == (truth is UNKNOWN), name
            for key in truth.keys() & (sums or {}).keys() - {"told_by"}:
                kept = of_export[ride.pk, day][key]
                assert getattr(from_rows[day], key) == sums[key] == kept == truth[key], (name, key)


def _read(cell: str):
    if not cell:
        return None
    try:
        return float(cell) if "." in cell else int(cell)
    except ValueError:
        return cell
