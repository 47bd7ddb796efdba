"""Sums of days, made anew by whoever comes along, are what the rows say: after whatever imports, live rows, withdrawn
rows, moves, time zones, hours, openings and kinds came in whatever order, with or without a process that died between.
"""

import os
import random
import signal
import threading
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.db import connection, transaction
from django.utils import timezone

from imports.archive import post_import_check
from imports.archive.pipeline import run_import
from imports.events.dayfile import decode
from imports.events.validation import validate
from imports.loading import loader
from imports.models import ImportCheckpoint
from tests import killed_holders
from tests.imports import forks
from tests.imports.building import DAY, OTHER_PARK, PARK, event, packed, ride, runs, write_day
from tests.waiting import HANG_SECONDS, until
from tests.warehouse.conftest import another_session as another_session
from warehouse.history import all_parks, stored_days, verifying
from warehouse.history.known_days import known_days
from warehouse.instants import milliseconds_of
from warehouse.models import (
    EntityMetadata,
    HoursSource,
    HoursType,
    Park,
    ParkHours,
    Ride,
    RideDay,
    RideStatus,
    StaleDay,
)
from warehouse.rides import hours, openings, stale_days
from warehouse.rides.hours import Hours
from warehouse.rides.openings import Opening
from warehouse.snapshot_id import snapshot_id_of

pytestmark = pytest.mark.django_db(transaction=True)
HISTORIES = int(os.environ.get("DAY_HISTORIES", "2"))  # a trial by hand sets 200
FIRST_HISTORY = int(os.environ.get("FIRST_HISTORY", "0"))
STEPS = 12
DAYS = [DAY + timedelta(days=n) for n in (0, 1, 2, 5, 6, 9, 130)]
ZONES = ["America/New_York", "Asia/Tokyo", "UTC", "Australia/Lord_Howe"]
STATUSES = ["OPERATING", "OPERATING", "OPERATING", "DOWN", "CLOSED", "REFURBISHMENT"]
RIDES = [ride(n) for n in (1, 2, 3)]


@pytest.mark.parametrize("seed", range(FIRST_HISTORY, FIRST_HISTORY + HISTORIES))
def test_after_a_random_history_sums_are_those_that_are_made_from_nothing(tmp_path, seed):
    rnd = random.Random(seed)
    write_day(tmp_path, events_of(rnd, DAYS[0]), DAYS[0])
    import_by_command(tmp_path)
    steps = [publish, publish, publish, hear_live, say_hours, open_rides, change_kind, make_some, make_some, alter_zone]
    for _ in range(STEPS):
        step = rnd.choice(steps)
        step(rnd, tmp_path)
        assert differences() == [], step.__name__
    make_all()
    assert differences() == []
    assert not StaleDay.objects.exists()
    made = all_sums()
    assert made
    RideDay.objects.all().delete()
    ParkHours.objects.filter(source=HoursSource.INFERRED).delete()
    call_command("rebuild_days", stdout=StringIO(), stderr=StringIO())
    again = all_sums()
    changed = [key for key in made.keys() | again.keys() if made.get(key) != again.get(key)]
    assert [(key, made.get(key), again.get(key)) for key in changed] == []


# --- steps ----------------------------------------------------------------------------------------------------------
def publish(rnd: random.Random, root) -> None:
    """A day file, new or in the place of another; imported by the command, or by a process that dies behind it."""
    day = rnd.choice(DAYS)
    write_day(root, events_of(rnd, day), day)
    options = rnd.choice([{}, {"replace": True}, {"replace_live": True}, {"changed": True}, {"missing_only": True}])
    if rnd.random() < 0.5:
        import_by_command(root, **options)
        return
    named = {"changed": "changed_only"}
    for run in runs(root, **{named.get(key, key): value for key, value in options.items()}):
        run_import(run, threading.Event())


def import_by_command(root, **options) -> None:
    call_command("import_archive", source=str(root), all=True, stdout=StringIO(), stderr=StringIO(), **options)


def events_of(rnd: random.Random, day: date) -> list[dict]:
    zone = rnd.choice(ZONES[:2] + ZONES[:1] * 4)
    found = []
    for number, entity in enumerate(RIDES):
        for _ in range(rnd.choice([0, 1, 1, 4])):
            time = f"{rnd.randrange(24):02}:{rnd.randrange(60):02}:{rnd.randrange(60):02}.000Z"
            park = OTHER_PARK if number == 2 and rnd.random() < 0.5 else PARK
            found.append(event(time, entity=entity, day=day, park=park, timezone=zone, **said(rnd)))
    return found or [event(day=day)]


def said(rnd: random.Random) -> dict:
    queue: dict = {}
    if rnd.random() < 0.7:
        queue["STANDBY"] = {"waitTime": rnd.choice([None, 0, 5, 45, 90])}
    if rnd.random() < 0.2:
        queue["SINGLE_RIDER"] = {"waitTime": 10}
    if rnd.random() < 0.2:
        queue["RETURN_TIME"] = {"state": rnd.choice(["AVAILABLE", "FINISHED"]), "returnStart": None, "returnEnd": None}
    return {"status": rnd.choice(STATUSES), "queue": queue}


def hear_live(rnd: random.Random, root) -> None:
    """Rows as the live collector writes them, or some go."""
    known = Ride.objects.exclude(themeparks_wiki_id=None).in_bulk(field_name="themeparks_wiki_id")
    told = [one for one in events_of(rnd, rnd.choice(DAYS)) if one["entityId"] in known]
    rows = {}
    for observation in validate(decode(packed(told)), timezone.now()).observations:
        rows[snapshot_id_of(known[observation.entity_id].pk, observation.milliseconds)] = observation
    with connection.cursor() as cursor:
        cursor.execute("SELECT snapshot_id FROM ride_status_snapshots ORDER BY snapshot_id")
        stored = [key for (key,) in cursor.fetchall()]
    loader.make_months(list(rows.values()))
    with transaction.atomic():
        loader.load({key: row for key, row in rows.items() if key not in stored}, "LIVE")
        loader.delete(rnd.sample(stored, min(len(stored), rnd.choice([0, 1, 3]))))


def say_hours(rnd: random.Random, root) -> None:
    park, day = rnd.choice(list(Park.objects.order_by("pk"))), rnd.choice(DAYS)
    opens = milliseconds_of(datetime(day.year, day.month, day.day, rnd.randrange(24), tzinfo=UTC))
    said = [Hours(HoursType.OPERATING, opens, opens + rnd.randint(1, 20) * 3_600_000)]
    with transaction.atomic():
        hours.replace(park.pk, [day], rnd.choice([{}, {day: said}]), timezone.now())


def open_rides(rnd: random.Random, root) -> None:
    one = rnd.choice(list(Ride.objects.order_by("pk")))
    opens = milliseconds_of(datetime(DAY.year, DAY.month, DAY.day, 5, tzinfo=UTC)) - rnd.choice([0, 1, 2]) * 86_400_000
    status = rnd.choice(list(RideStatus)).value
    with transaction.atomic():
        openings.keep([Opening(one.pk, opens, opens - rnd.randrange(99), status, None, False, rnd.choice("ab"))])


def change_kind(rnd: random.Random, root) -> None:
    one = rnd.choice(list(Ride.objects.order_by("pk")))
    kind = rnd.choice(["ATTRACTION", "SHOW"])
    with transaction.atomic():
        EntityMetadata.objects.update_or_create(
            ride=one,
            themeparks_wiki_id=one.themeparks_wiki_id,
            defaults={"entity_type": kind, "last_updated": timezone.now()},
        )
        stale_days.mark_kinds([one.pk])


def alter_zone(rnd: random.Random, root) -> None:
    park = rnd.choice(list(Park.objects.order_by("pk")))
    with transaction.atomic():
        Park.objects.filter(pk=park.pk).update(timezone=rnd.choice(ZONES))
        stale_days.mark_park(park.pk)


def make_some(rnd: random.Random, root) -> None:
    goes = rnd.randint(1, 4)
    made: list = []
    all_parks.make(park_ids(), timezone.now(), stop=lambda: len(made) >= goes, say=made.append)


def make_all(**options) -> None:
    all_parks.make(park_ids(), timezone.now(), **options)


def park_ids() -> list[int]:
    return list(Park.objects.values_list("pk", flat=True))


# --- what is compared -----------------------------------------------------------------------------------------------
def differences() -> list:
    """Of days that nobody has marked, with no marked day before them."""
    return [
        (park.pk, difference)
        for park in Park.objects.all()
        if (known := known_days(park)) is not None
        for compared in verifying.compare(park, *known, timezone.now())
        for difference in compared.different
        if not StaleDay.objects.filter(park=park, day__lt=difference.day).exists()
    ]


def all_sums() -> dict:
    found: dict = {}
    for park_id in park_ids():
        for of in (stored_days.rows, stored_days.inferred):
            found |= {(park_id, key): said for key, said in of(park_id, date(2000, 1, 1), date(2100, 1, 1)).items()}
    return found


# --- a process that dies --------------------------------------------------------------------------------------------
def test_days_of_an_import_that_was_killed_before_it_made_them_are_made_by_the_workers(tmp_path, another_session):
    write_day(tmp_path, list(hours_of(DAY)), DAY)
    import_by_command(tmp_path)
    write_day(tmp_path, list(hours_of(DAYS[1])), DAYS[1])
    session = another_session(autocommit=True)
    cursor = session.cursor()
    cursor.execute("LOCK TABLES ride_days WRITE")
    try:
        process = forks.start("import_archive", "--source", tmp_path, "--all")
        until(is_waiting_for_sums, otherwise=process.poll)
        process.send_signal(signal.SIGKILL)
        process.communicate(HANG_SECONDS)
    finally:
        cursor.execute("UNLOCK TABLES")
    assert process.returncode == -signal.SIGKILL
    assert StaleDay.objects.exists()
    killed_holders.are_known_to_be_gone()
    make_all(patience_seconds=HANG_SECONDS)  # the server may not have noticed yet that the session is gone
    assert not StaleDay.objects.exists()
    assert RideDay.objects.filter(day__in=DAYS[:2]).count() == 2
    assert differences() == []


def hours_of(day: date) -> Iterator[dict]:
    return (event(f"{hour:02}:00:00Z", day=day, queue={"STANDBY": {"waitTime": hour}}) for hour in range(14, 23))


def is_waiting_for_sums() -> bool:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT COUNT(*) FROM information_schema.processlist WHERE db = DATABASE() AND state LIKE '%%lock%%' "
            "AND info LIKE '%%ride_days%%' AND id <> CONNECTION_ID()"
        )
        return cursor.fetchone()[0] > 0


# --- the command ----------------------------------------------------------------------------------------------------
def test_the_command_makes_the_days_and_says_so(tmp_path, capsys):
    write_day(tmp_path, list(hours_of(DAY)), DAY)
    call_command("import_archive", source=str(tmp_path), all=True)
    assert "  3 days of 1 park made anew\n" in capsys.readouterr().out
    assert not StaleDay.objects.exists()
    call_command("import_archive", source=str(tmp_path), all=True)
    assert "made anew" not in capsys.readouterr().out


def test_days_that_cannot_be_made_are_said_and_are_exit_1_and_the_import_is_complete(tmp_path):
    write_day(tmp_path, list(hours_of(DAY)), DAY)
    with connection.cursor() as cursor:
        cursor.execute("RENAME TABLE ride_days TO ride_days_away")
        try:
            out = StringIO()
            with pytest.raises(CommandError, match="days of 1 park could not be made anew") as failed:
                call_command("import_archive", source=str(tmp_path), all=True, stdout=out)
        finally:
            cursor.execute("RENAME TABLE ride_days_away TO ride_days")
    assert (failed.value.returncode, str(failed.value) in out.getvalue()) == (1, True)
    assert str(failed.value).endswith("the workers try again, or:  manage.py rebuild_days")
    assert ImportCheckpoint.objects.get().status == "COMPLETED"
    assert StaleDay.objects.count() == 3
    make_all()
    assert RideDay.objects.count() == 1


def test_a_signal_leaves_days_to_the_workers(tmp_path):
    """The first one; the import is complete all the same."""
    write_day(tmp_path, list(hours_of(DAY)), DAY)
    (run,) = runs(tmp_path)
    stop = threading.Event()
    assert run_import(run, stop)
    stop.set()
    assert post_import_check.make_days(run, stop, print) == (
        "0 days of 0 parks made anew; 3 days left to the workers, or to  manage.py rebuild_days"
    )
    assert StaleDay.objects.count() == 3
