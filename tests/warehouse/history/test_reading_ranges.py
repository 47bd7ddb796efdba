"""A day read alone, a month read at once, and all that was ever said read without a database come to the same."""

from dataclasses import replace
from datetime import date
from zoneinfo import ZoneInfo

import pytest
from django.db import connection

from tests.warehouse.history.oracle import DAY as DAY_MS
from tests.warehouse.history.oracle import HOUR as HOUR_MS
from tests.warehouse.history.oracle import Archive, Said
from tests.warehouse.history.planting import LATER, make_park
from tests.warehouse.history.test_oracle import ONE_DAY, archive_of, told_of
from warehouse.history import reading
from warehouse.history.reading import park_days
from warehouse.instants import instant_at, milliseconds_of, naive_utc
from warehouse.models import EntityMetadata, Park, ParkHours, RideOpening
from warehouse.snapshot_id import snapshot_id_of

pytestmark = pytest.mark.django_db


def plant_archive(archive: Archive) -> tuple[Park, dict[int, int]]:
    """The park with all that is known of it, and the ride_id of each ride of the archive."""
    numbers = sorted({word.ride for word in archive.said} | set(archive.openings))
    park, rides = make_park(archive.zone.key, len(numbers))
    ride_ids = {number: ride.pk for number, ride in zip(numbers, rides, strict=True)}
    rows, queues = [], []
    for word in archive.said:
        key = snapshot_id_of(ride_ids[word.ride], word.ms)
        rows.append(
            (key, ride_ids[word.ride], naive_utc(instant_at(word.ms)), word.status, word.wait,
             word.status == "OPERATING", "LIVE" if word.is_live else "ARCHIVE", not word.is_silent)
        )  # fmt: skip
        if word.single:
            queues.append((key, "SINGLE_RIDER", word.single[0], None))
        for kind, given in (("RETURN_TIME", word.returns), ("PAID_RETURN_TIME", word.paid)):
            if given is not None:
                queues.append((key, kind, None, "AVAILABLE" if given else "FINISHED"))
    with connection.cursor() as cursor:
        cursor.executemany(
            "INSERT INTO ride_status_snapshots (snapshot_id, ride_id, recorded_at, status, wait_time, "
            "computed_is_open, data_source, wait_told) VALUES (%s, %s, %s, %s, %s, %s, %s, %s)",
            rows,
        )
        cursor.executemany(
            "INSERT INTO queue_data (snapshot_id, queue_type, wait_time_minutes, return_time_state) "
            "VALUES (%s, %s, %s, %s)",
            queues,
        )
    for day, hours in archive.schedule.items():
        said = {"park": park, "day": day, "source": "SCHEDULE", "read_at": LATER}
        for opens, closes in hours:
            ParkHours.objects.create(type="OPERATING", opens_at=instant_at(opens), closes_at=instant_at(closes), **said)
        if not hours:
            ParkHours.objects.create(type="CLOSED", **said)
    for number, (opens, observed, status) in archive.openings.items():
        RideOpening.objects.create(
            ride_id=ride_ids[number], opens_at=instant_at(opens), observed_at=instant_at(observed), status=status,
            source_file="an answer",
        )  # fmt: skip
    for number in archive.attractions & set(numbers):
        EntityMetadata.objects.create(
            ride_id=ride_ids[number], themeparks_wiki_id=f"m{number}", entity_type="ATTRACTION", last_updated=LATER
        )
    return park, ride_ids


@pytest.mark.parametrize("seed", range(8))
def test_read_alone_read_at_once_and_read_whole_are_the_same(seed, monkeypatch):
    archive, day = archive_of(seed)
    park, ride_ids = plant_archive(archive)
    now = instant_at(archive.now)
    first, last = day - 3 * ONE_DAY, day + 5 * ONE_DAY
    whole = [
        replace(told, rides={ride_ids[number]: figures for number, figures in told.rides.items()})
        for told in told_of(archive, first, last)
    ]
    monkeypatch.setattr(reading, "DAYS_AT_ONCE", 4)
    monkeypatch.setattr(reading, "RIDE_DAYS_AT_ONCE", 0)
    assert list(park_days(park, first, last, now)) == whole  # of all rides there are: by time
    monkeypatch.setattr(reading, "LARGE_SHARE", 2)  # by ride
    alone = [found for n in range(9) for found in park_days(park, first + n * ONE_DAY, first + n * ONE_DAY, now)]
    assert alone == whole


@pytest.mark.parametrize(
    ("said", "opens", "stands"),
    [((20, "OPERATING"), 10, True), ((100, "CLOSED"), 50, False)],
    ids=["lost before it came", "known when it came, and forgotten since"],
)
def test_an_opening_tells_of_a_ride_of_which_nothing_was_known_when_it_came(said, opens, stands):
    """Days ago, all of them; the park is silent for four days behind the word of 20 days ago."""
    day, (ago, status) = date(2025, 6, 1), said
    archive = Archive(ZoneInfo("UTC"), milliseconds_of(LATER), [])
    begin = archive.midnight(day)
    heard = [n for n in range(-1, 110) if not 15 < n < 20]
    archive.said = [Said(begin - n * DAY_MS + HOUR_MS, 2, "CLOSED") for n in heard]
    archive.said.append(Said(begin - ago * DAY_MS + HOUR_MS, 1, status))
    archive.openings = {1: (begin - opens * DAY_MS, begin - opens * DAY_MS - 60_000, "REFURBISHMENT")}
    archive.__post_init__()
    park, ride_ids = plant_archive(archive)
    (alone,) = park_days(park, day, day, LATER)
    (whole,) = told_of(archive, day, day)
    assert (ride_ids[1] in alone.rides, 1 in archive.rides(day)) == (stands, stands)
    assert alone.rides == {ride_ids[number]: figures for number, figures in whole.rides.items()}
