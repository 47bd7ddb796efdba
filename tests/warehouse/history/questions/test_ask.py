"""`manage.py ask`: names and dates as operators type them, tables, CSV and JSON; and docs/questions.md beside it."""

import csv
import io
import json
import os
import re
import shlex
import subprocess
import sys
from datetime import date, timedelta
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from tests.nowhere import NOWHERE_URL
from tests.warehouse.history.questions.planted import a_park, a_ride, days, plant, said
from warehouse.history.answers import written
from warehouse.history.answers.answer import Answer, Column
from warehouse.history.answers.asked import QUESTIONS
from warehouse.models import Park, QueueData, RideStatusSnapshot
from warehouse.rides import stale_days

ROOT = Path(__file__).parents[4]
DAY = date(2025, 7, 4)
RIDE_DAY_KEYS = {
    "ride_id", "ride_name", "date", "operating_minutes", "down_minutes", "closed_minutes", "refurbishment_minutes",
    "unknown_minutes", "standby_min", "standby_p50", "standby_mean", "standby_p90", "standby_max", "observations",
}  # fmt: skip


@pytest.fixture
def park(db):
    return a_park("Lakeside", "America/New_York")


@pytest.fixture
def ride(park):
    return a_ride(park, "Coaster", "ATTRACTION")


def ask(*arguments: str) -> str:
    out = io.StringIO()
    call_command("ask", *arguments, stdout=out, stderr=io.StringIO())
    return out.getvalue()


def objects(*arguments: str) -> list[dict]:
    return json.loads(ask(*arguments, "--format", "json"))


def refused(*arguments: str) -> str:
    with pytest.raises(CommandError) as caught:
        ask(*arguments)
    message = str(caught.value)
    assert "\n" not in message
    assert caught.value.returncode == 2 or message.startswith("Error: argument ")  # of argparse: 2 on a command line
    return message


# --- the contract of JSON --------------------------------------------------------------------------------------------
def test_ride_days_are_a_list_of_objects_and_null_where_nothing_is_known(park, ride):
    plant(ride, DAY, wait=20, down=60)
    known, unknown = objects("ride-days", "--ride", str(ride.pk), "--from", "2025-07-04", "--to", "2025-07-05")
    assert RIDE_DAY_KEYS <= known.keys() == unknown.keys()
    assert {key: known[key] for key in RIDE_DAY_KEYS} == {
        "ride_id": ride.pk, "ride_name": "Coaster", "date": "2025-07-04", "operating_minutes": 660, "down_minutes": 60,
        "closed_minutes": 720, "refurbishment_minutes": 0, "unknown_minutes": 0, "standby_min": 20, "standby_p50": 20,
        "standby_mean": 20, "standby_p90": 20, "standby_max": 20, "observations": 5,
    }  # fmt: skip
    assert (known["down_share"], known["known"], known["ride_uuid"]) == (0.0833, 1, ride.themeparks_wiki_id)
    said_of_it = {"ride_id": ride.pk, "ride_name": "Coaster", "date": "2025-07-05", "unknown_minutes": 1440}
    assert {key: unknown[key] for key in RIDE_DAY_KEYS} == dict.fromkeys(RIDE_DAY_KEYS) | said_of_it


def test_park_days_add_the_rides(park, ride):
    plant(ride, DAY, wait=20, down=360)
    plant(a_ride(park, "Other"), DAY, wait=40)
    plant(a_ride(park, "Restaurant", "RESTAURANT"), DAY)
    known, unknown = objects(
        "park-days", "--park", park.themeparks_wiki_id, "--from", "2025-07-04", "--to", "2025-07-05"
    )
    keys = RIDE_DAY_KEYS - {"ride_id", "ride_name"} | {"park_id", "park_name", "down_share", "rides"}
    assert keys <= known.keys() == unknown.keys()
    assert (known["park_id"], known["park_name"], known["rides"]) == (park.pk, "Lakeside", 2)
    assert (known["operating_minutes"], known["down_minutes"], known["down_share"]) == (1080, 360, 0.25)
    assert (known["standby_min"], known["standby_mean"], known["standby_max"]) == (20, 33.33, 40)
    assert (known["standby_p50"], known["standby_p90"]) == (40, 40)
    assert {key for key in keys if unknown[key] is not None} == {"park_id", "park_name", "date", "unknown_minutes"}
    (with_all,) = objects(
        "park-days", "--park", "Lakeside", "--from", "2025-07-04", "--to", "2025-07-04", "--kind", "all"
    )
    assert with_all["rides"] == 3


def test_a_stale_day_is_told_from_its_rows(park, ride):
    stale_days.mark([(park.pk, DAY)])
    said(ride, "2025-07-04 10:00", "OPERATING", 10)
    said(ride, "2025-07-04 12:00", "OPERATING", 30)
    said(ride, "2025-07-04 18:00", "OPERATING", 20)
    said(ride, "2025-07-04 22:00", "CLOSED")
    (of_ride,) = objects("ride-days", "--ride", "coaster", "--from", "2025-07-04", "--to", "2025-07-04")
    (of_park,) = objects("park-days", "--park", "lakeside", "--from", "2025-07-04", "--to", "2025-07-04")
    for row in (of_ride, of_park):
        assert (row["operating_minutes"], row["standby_mean"], row["standby_max"]) == (720, 23.33, 30)
        assert (row["standby_p50"], row["standby_p90"], row["observations"]) == (20, 30, 4)
        assert row["from_rows"] is True
    assert (of_ride["first_operating_local"], of_ride["last_closed_local"]) == ("10:00", "22:00")


# --- names and dates -------------------------------------------------------------------------------------------------
def test_months_stand_for_their_first_and_last_days(park, ride):
    plant(ride, date(2024, 2, 29))
    found = objects("ride-days", "--ride", ride.themeparks_wiki_id, "--from", "2024-02", "--to", "2024-02")
    assert (found[0]["date"], found[-1]["date"], len(found)) == ("2024-02-01", "2024-02-29", 29)


def test_without_dates_the_last_four_weeks_known_are_told(park, ride):
    plant(ride, *days(DAY, 3))
    found = objects("park-days", "--park", str(park.pk))
    assert (found[0]["date"], found[-1]["date"], len(found)) == ("2025-06-09", "2025-07-06", 28)


def test_names_that_may_be_several_say_which(park, ride):
    a_park("Lakeside Water Park")
    other = a_ride(park, "Coaster Two")
    assert len(objects("park-days", "--park", "Lakeside")) == 28  # its whole name, not part of one
    message = refused("park-days", "--park", "lake")
    assert re.search(r"'lake' may be 2 parks; give the park_id of one: \d+ Lakeside; \d+ Lakeside Water Park", message)
    assert f"{other.pk} Coaster Two (Lakeside)" in refused("ride-days", "--ride", "oaster")
    assert "no park is called 'Atlantis'" in refused("park-days", "--park", "Atlantis")
    assert "no ride is called '99999'" in refused("ride-days", "--ride", "99999")


def test_a_ride_is_looked_for_in_the_park_that_is_named(park, ride):
    a_ride(a_park("Elsewhere"), "Coaster")
    assert "may be 2 rides" in refused("ride-days", "--ride", "Coaster")
    assert {row["ride_id"] for row in objects("ride-days", "--ride", "Coaster", "--park", "Lakeside")} == {ride.pk}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ("", "manage.py ask --list"),
        ("weather", "weather is no question; there are park-days"),
        ("park-days", "park-days of what? Give --park"),
        ("ranking --ride Coaster", "ranking is asked of a park"),
        ("ranking --park Lakeside --count 3", "ranking takes no --count"),
        ("hours --park Lakeside --by moon", "hours takes --by all, day, weekday"),
        ("park-days --park Lakeside --by day", "park-days takes no --by"),
        ("longest --park Lakeside --count 0", "--count 0: give 1 or more"),
        ("park-days --park Lakeside --from 2025-08 --to 2025-07", "swap them"),
        ("park-days --park Lakeside --from 2199-01-01", "lies in the future"),
        ("park-days --park Lakeside --from 2025-7", "use YYYY-MM-DD"),
        ("park-days --park Lakeside --kind CASTLE", "--kind CASTLE: there are ATTRACTION"),
    ],
)
def test_what_cannot_be_answered_says_what_to_give(park, ride, arguments, message):
    assert message in refused(*shlex.split(arguments))


# --- forms -----------------------------------------------------------------------------------------------------------
def test_a_table_is_for_reading(park, ride):
    plant(ride, DAY, wait=20, down=60)
    head, row = ask("ride-days", "--ride", "Coaster", "--from", "2025-07-04", "--to", "2025-07-04").splitlines()
    assert head.split()[:2] == ["ride", "day"]
    assert row.split()[:4] == ["Coaster", "2025-07-04", "660", "60"]
    assert "8.3 %" in row


def test_csv_has_a_head_and_texts_are_no_formulas(park):
    plant(a_ride(park, '=HYPERLINK("x"), @home'), DAY, wait=20)
    text = ask("ride-days", "--park", "Lakeside", "--from", "2025-07-04", "--to", "2025-07-04", "--format", "csv")
    (row,) = csv.DictReader(io.StringIO(text))
    assert row["ride_name"] == '\'=HYPERLINK("x"), @home'
    assert (row["standby_mean"], row["price_min"]) == ("20.0", "")


@pytest.mark.parametrize("first", "=+-@")
def test_numbers_below_zero_stay_numbers_in_csv(first):
    columns = [Column("name"), Column("change")]
    assert list(written.as_csv(Answer(columns, [[f"{first}A1", -0.5]]))) == ["name,change", f"'{first}A1,-0.5"]


def test_no_rows_are_an_empty_list_and_a_head_alone(park):
    assert objects("prices", "--park", "Lakeside") == []
    assert ask("prices", "--park", "Lakeside", "--format", "csv").startswith(
        "ride_id,ride_uuid,ride_name,date,price_min"
    )


def test_remarks_go_to_stderr_alone(park, ride):
    plant(ride, DAY)
    err = io.StringIO()
    call_command(
        "ask",
        "park-days",
        "--park",
        "Lakeside",
        "--from",
        "2025-07-04",
        "--to",
        "2025-07-06",
        stdout=io.StringIO(),
        stderr=err,
    )
    assert "Lakeside, 2025-07-04 to 2025-07-06, days and hours there (America/New_York); as of" in err.getvalue()
    assert "Nothing is known of 2 of 3 days (2025-07-05, 2025-07-06)." in err.getvalue()


@pytest.mark.no_database
def test_a_reader_that_has_read_enough_ends_in_no_traceback():
    environment = {**os.environ, "DATABASE_URL": NOWHERE_URL}
    process = subprocess.Popen(
        [sys.executable, ROOT / "manage.py", "ask", "--list"],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment, text=True,
    )  # fmt: skip
    process.stdout.close()
    assert process.stderr.read() == ""
    assert process.wait() == 0


# --- each question ---------------------------------------------------------------------------------------------------
@pytest.fixture
def a_warehouse(park, ride):
    """What every example asks about: park 7, ride 123, and the name that one of them gives."""
    Park.objects.filter(pk=park.pk).update(park_name="Magic Kingdom Park")
    other = a_park("Elsewhere")
    some = days(DAY - timedelta(days=4), 31)
    figures = {"return_minutes": 60, "price_min": 15, "price_max": 20, "price_currency": "USD"}
    plant(ride, *some, wait=30, **figures)
    plant(ride, *(day - timedelta(weeks=52) for day in some), wait=20)
    plant(a_ride(park, "Gone"), *(day - timedelta(weeks=52) for day in some), wait=20)
    plant(a_ride(other, "Far"), *some, wait=10)
    said(ride, f"{DAY} 10:00", "OPERATING", 30)
    QueueData.objects.create(
        snapshot_id=RideStatusSnapshot.objects.get().pk, queue_type="BOARDING_GROUP", boarding_group_current="1-20"
    )
    return {"7": str(park.pk), "8": str(other.pk), "123": str(ride.pk)}


def test_every_question_answers_its_example_in_every_form(a_warehouse):
    for question in QUESTIONS.values():
        arguments = [a_warehouse.get(word, word) for word in shlex.split(question.example)]
        if "--format" in arguments:
            arguments = arguments[: arguments.index("--format")]
        if question.name != "times":  # of which nothing is planted
            assert objects(question.name, *arguments), question.name
        table = ask(question.name, *arguments).splitlines()
        assert question.name == "times" or len(table) > 1, question.name
        rows = list(csv.reader(io.StringIO(ask(question.name, *arguments, "--format", "csv"))))
        assert {len(row) for row in rows} == {len(rows[0])}
        assert rows[0][-1] == "as_of"


def test_a_comparison_tells_both_sides_and_the_coverage(a_warehouse):
    (row,) = objects("compare", "--park", a_warehouse["7"], "--from", "2025-07-01", "--to", "2025-08-09")
    assert (row["standby_mean"], row["standby_mean_before"], row["wait_change"]) == (30, 20, 0.5)
    assert (row["days"], row["days_matched"], row["before_from"]) == (40, 30, "2024-07-02")
    pairs = objects("compare", "--park", a_warehouse["7"], "--from", "2025-07-29", "--to", "2025-07-31", "--by", "day")
    assert [pair["standby_mean"] for pair in pairs] == [30, 30, None]


def test_hours_are_a_heat_map_in_figures(a_warehouse):
    table = ask("hours", "--ride", "Coaster", "--from", "2025-07-04", "--to", "2025-07-05", "--by", "day").splitlines()
    assert table[0].split()[0] == "10:00"
    assert table[1].split()[:2] == ["2025-07-04", "30.0"]


# --- documents -------------------------------------------------------------------------------------------------------
@pytest.mark.no_database
def test_the_list_and_the_document_name_the_same_questions():
    listed = ask("--list")
    document = (ROOT / "docs" / "questions.md").read_text()
    assert re.findall(r"^### ([a-z-]+)$", document, re.MULTILINE) == list(QUESTIONS)
    for question in QUESTIONS.values():
        line = f"manage.py ask {question.name} {question.example}"
        assert line in listed
        assert f"./{line}" in document, line
