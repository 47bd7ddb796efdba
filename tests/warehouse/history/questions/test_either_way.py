"""Sums and rows give the same answers: every question, of days that are summed up, and of the same days when all or
some of them are stale; and the truths of small archives through the command."""

import csv
import io
import json
import random
from datetime import date, timedelta

import pytest
from django.core.management import call_command

from tests.clock import standing_still
from tests.warehouse.history.questions.planted import NOW, a_park, a_ride, days, local, said
from warehouse.history.answers import written
from warehouse.history.answers.answer import Answer, Asked
from warehouse.history.answers.asked import QUESTIONS
from warehouse.history.recompute import recompute
from warehouse.instants import milliseconds_of
from warehouse.models import Park, QueueData, RideStatusSnapshot, StaleDay
from warehouse.rides import stale_days
from warehouse.snapshot_id import snapshot_id_of

pytestmark = pytest.mark.django_db
FIRST = date(2025, 10, 30)
DAYS = days(FIRST, 8)  # with an hour twice, on November 2
BEFORE = [day - timedelta(weeks=52) for day in DAYS[:5]]


def ask(*arguments: str) -> list[dict]:
    out = io.StringIO()
    call_command("ask", *arguments, "--format", "json", stdout=out, stderr=io.StringIO())
    return json.loads(out.getvalue())


@pytest.fixture
def archive():
    """Four rides that open, break down and close at random, with waits, return times and prices."""
    chance = random.Random(13)
    park = a_park()
    rides = [a_ride(park, f"Ride {number}", "SHOW" if number == 3 else "ATTRACTION", tier=1) for number in range(4)]
    rows, queues = [], []
    for day in [*BEFORE, *DAYS]:
        for ride in rides:
            for hour in range(10, 23):
                at = local(f"{day} {hour}:{chance.randrange(60):02}")
                status = "CLOSED" if hour == 22 else chance.choice(["OPERATING"] * 4 + ["DOWN"])
                key = snapshot_id_of(ride.pk, milliseconds_of(at))
                wait = chance.choice([None, 5, 20, 60, 95]) if status == "OPERATING" else None
                rows.append(
                    RideStatusSnapshot(
                        snapshot_id=key, ride=ride, recorded_at=at, status=status, wait_time=wait,
                        computed_is_open=status == "OPERATING", data_source="ARCHIVE", wait_told=True,
                    )
                )  # fmt: skip
                if chance.random() < 0.3:
                    price = {"price_amount": chance.choice([15, 20, 21.5]), "price_currency": "USD"}
                    state = {"queue_type": "PAID_RETURN_TIME", "return_time_state": "AVAILABLE"}
                    queues.append(QueueData(snapshot_id=key, **state, **price))
    RideStatusSnapshot.objects.bulk_create(rows)
    QueueData.objects.bulk_create(queues)
    return park


def everything(park: Park) -> dict[str, list[dict]]:
    """Each question's answer, but for where its figures come from."""
    found = {}
    (ride,) = park.rides.filter(ride_name="Ride 0")
    for whose in ({}, {"kinds": None}, {"ride": ride}):
        asked = Asked([park], DAYS[0], DAYS[-1], NOW, count=40, **whose)
        for name, question in QUESTIONS.items():
            if "ride" in whose and "ride" not in question.of:
                continue
            for by in question.by or (None,):
                asked.by = by
                found[f"{name} {by} of {list(whose)}"] = objects(question.answer(asked))
        asked.each_ride_once = True
        found[f"longest of each of {list(whose)}"] = objects(QUESTIONS["longest"].answer(asked))
    return found


def objects(answer: Answer) -> list[dict]:
    rows = json.loads("".join(written.as_json(answer)))
    return [{key: value for key, value in row.items() if key != "from_rows"} for row in rows]


@pytest.mark.django_db(transaction=True)
def test_every_answer_is_the_same_from_sums_from_rows_and_from_both(archive):
    stale_days.mark((archive.pk, day) for day in [*BEFORE, *DAYS])
    from_rows = everything(archive)
    of_days = from_rows["park-days None of []"]
    assert [bool(row["observations"] and row["standby_mean"]) for row in of_days] == [True] * 8
    assert from_rows["compare total of []"][0]["days_matched"] == 5
    assert len(from_rows["longest None of []"]) > 20
    recompute(archive.pk, NOW, until=DAYS[3])
    assert StaleDay.objects.count() == 4
    assert everything(archive) == from_rows
    recompute(archive.pk, NOW)
    assert not StaleDay.objects.exists()
    assert everything(archive) == from_rows
    stale_days.mark((archive.pk, day) for day in DAYS[::2])  # beside their sums
    assert everything(archive) == from_rows


def test_today_until_noon_is_no_half_of_a_year_before():
    """Both days alike: 20 minutes in the morning, 60 in the afternoon. Of today the morning is over."""
    park = a_park()
    ride = a_ride(park)
    today, like = date(2025, 11, 7), date(2024, 11, 8)
    for day in (today, like):
        said(ride, f"{day} 10:00", "OPERATING", 20)
    said(ride, f"{like} 12:00", "OPERATING", 60)
    said(ride, f"{like} 22:00", "CLOSED")
    stale_days.mark([(park.pk, today), (park.pk, like)])
    with standing_still() as clock:
        clock.set(local(f"{today} 12:00"))
        (row,) = ask("compare", "--park", str(park.pk), "--from", str(today), "--to", str(today))
        (of_today,) = ask("ride-days", "--ride", str(ride.pk), "--from", str(today), "--to", "2025-11")
    assert (row["wait_change"], row["until"], row["days"], row["days_matched"]) == (0, "12:00", 1, 1)
    assert (row["operating_minutes"], row["operating_minutes_before"]) == (120, 120)
    assert (of_today["date"], of_today["operating_minutes"]) == (str(today), 120)
    assert sum(of_today[f"{state}_minutes"] for state in STATES) == 720


STATES = ("operating", "down", "closed", "refurbishment", "unknown")


@pytest.mark.parametrize(
    ("day", "zone", "minutes"),
    [
        (date(2025, 3, 9), "America/New_York", 1380),
        (date(2025, 11, 2), "America/New_York", 1500),
        (date(2025, 4, 6), "Australia/Lord_Howe", 1470),
        (date(2025, 10, 5), "Australia/Lord_Howe", 1410),
        (date(2024, 2, 29), "Asia/Tokyo", 1440),
    ],
)
def test_minutes_add_up_to_the_day_known_or_not(day, zone, minutes):
    park = a_park("P", zone)
    ride = a_ride(park)
    period = ("--from", str(day), "--to", str(day))
    (unknown,) = ask("ride-days", "--ride", str(ride.pk), *period)
    assert (unknown["unknown_minutes"], unknown["operating_minutes"]) == (minutes, None)
    stale_days.mark([(park.pk, day)])
    said(ride, f"{day} 10:00", "OPERATING", 20)
    said(ride, f"{day} 20:00", "CLOSED")
    (known,) = ask("ride-days", "--ride", str(ride.pk), *period)
    assert sum(known[f"{state}_minutes"] for state in STATES) == minutes
    assert (known["operating_minutes"], known["standby_mean"]) == (600, 20)
    (of_park,) = ask("park-days", "--park", str(park.pk), *period)
    assert sum(of_park[f"{state}_minutes"] for state in STATES) == minutes


def test_a_day_that_nobody_collected_is_no_wait_and_no_hours():
    park = a_park()
    ride = a_ride(park)
    said(ride, "2025-07-03 10:00", "OPERATING", 60)
    stale_days.mark((park.pk, day) for day in days(date(2025, 7, 2), 4))
    said(ride, "2025-07-06 10:00", "OPERATING", 60)
    rows = ask("park-days", "--park", str(park.pk), "--from", "2025-07-04", "--to", "2025-07-05")
    for row in rows:
        told = {key for key, value in row.items() if value is not None}
        assert told == {"park_id", "park_uuid", "park_name", "date", "unknown_minutes", "from_rows", "as_of"}
        assert row["unknown_minutes"] == 1440


def test_csv_and_json_give_the_same(archive):
    stale_days.mark((archive.pk, day) for day in DAYS)
    arguments = ("ride-days", "--park", str(archive.pk), "--from", str(DAYS[0]), "--to", str(DAYS[1]))
    out = io.StringIO()
    call_command("ask", *arguments, "--format", "csv", stdout=out, stderr=io.StringIO())
    rows = list(csv.DictReader(io.StringIO(out.getvalue())))
    texts = [{key: "" if value is None else str(value) for key, value in row.items()} for row in ask(*arguments)]
    for row, text in zip(rows, texts, strict=True):
        assert {key for key in row if row[key] != text[key]} <= {"as_of", "price_min", "price_max"}
        for price in ("price_min", "price_max"):
            assert (float(row[price]) if row[price] else "") == (float(text[price]) if text[price] else "")
