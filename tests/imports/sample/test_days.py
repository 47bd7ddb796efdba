"""The sample archive without defects: the real format, the same for a seed, and a manifest that is true."""

import hashlib
import json
import tracemalloc
import zlib
from collections import Counter, defaultdict
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from imports.sample import Plan, SampleError, write_archive
from imports.sample.resorts import make_destination
from imports.sources.folder import FolderSource
from tests.imports.building import NOW

pytestmark = pytest.mark.no_database
DOCUMENTED_KEYS = ["entityId", "internalId", "name", "data", "eventTime", "localTime", "timezone", "parkId", "parkSlug"]
QUEUE_TYPES = {"SINGLE_RIDER", "PAID_STANDBY", "RETURN_TIME", "PAID_RETURN_TIME", "BOARDING_GROUP"}


def read(folder):
    """(destination, day, events) of every file, by the importer's own way to find files and plain zlib and json."""
    source = FolderSource(folder)
    for destination in source.list_destinations():
        for file in source.list_days(destination, None, None, NOW.date()).files:
            yield destination, file, json.loads(zlib.decompress(source.read(file)))["events"]


@pytest.fixture(scope="module")
def archive(tmp_path_factory):
    """Eight days around the end of summer time in New York and Paris, and around the end of a month."""
    folder = tmp_path_factory.mktemp("sample")
    manifest = write_archive(folder, Plan(date(2025, 10, 26), 8, 1500, seed=7, destinations=3))
    return folder, manifest.as_dict(), list(read(folder))


def test_every_day_of_every_destination_is_a_file_with_exactly_the_events_asked_for(archive):
    files = archive[2]
    assert [file.day for _, file, _ in files[:8]] == [date(2025, 10, 26) + timedelta(days=n) for n in range(8)]
    assert len(files) == 24
    assert {len(events) for _, _, events in files} == {1500}


def test_an_event_has_the_fields_of_the_documented_one_in_their_order(archive):
    for destination, _, events in archive[2]:
        for event in events:
            assert list(event) == DOCUMENTED_KEYS
            assert event["data"]["destinationId"] == destination
            assert event["data"]["status"] in {"OPERATING", "DOWN", "CLOSED", "REFURBISHMENT"}


def test_all_statuses_and_all_six_queue_types_occur_in_every_destination(archive):
    statuses, types = defaultdict(set), defaultdict(set)
    for destination, _, events in archive[2]:
        for event in events:
            statuses[destination].add(event["data"]["status"])
            types[destination] |= set(event["data"].get("queue") or {})
    assert all(len(found) == 4 for found in statuses.values())
    assert all(found == QUEUE_TYPES | {"STANDBY"} for found in types.values())


def test_queues_with_nothing_to_say_come_in_all_their_shapes(archive):
    shapes = {json.dumps(event["data"].get("queue", "absent")) for _, _, events in archive[2] for event in events}
    assert {
        '"absent"',
        "null",
        "{}",
        '{"STANDBY": {}}',
        '{"STANDBY": null}',
        '{"STANDBY": {"waitTime": null}}',
    } <= shapes


def test_local_time_is_the_event_time_in_the_parks_zone_also_when_clocks_change(archive):
    for _, _, events in archive[2]:
        for event in events:
            instant = datetime.fromisoformat(event["eventTime"]).replace(microsecond=0)
            assert event["eventTime"].endswith("Z")
            assert event["localTime"] == instant.astimezone(ZoneInfo(event["timezone"])).isoformat()


def test_event_times_come_with_milliseconds_and_in_whole_seconds(archive):
    lengths = Counter(len(event["eventTime"]) for _, _, events in archive[2] for event in events)
    assert set(lengths) == {len("2025-10-26T00:00:00Z"), len("2025-10-26T00:00:00.000Z")}


def test_a_park_is_operating_only_while_it_is_open(archive):
    hours = {park.uuid: (park.opens, park.closes) for n in range(3) for park in make_destination(n).parks}
    for _, _, events in archive[2]:
        for event in events:
            opens, closes = hours[event["parkId"]]
            if event["data"]["status"] == "OPERATING" and event["localTime"][:10] not in ("2025-10-26", "2025-11-02"):
                assert opens <= int(event["localTime"][11:13]) < closes


def test_prices_are_in_the_currency_of_the_place(archive):
    found = defaultdict(set)
    for destination, _, events in archive[2]:
        for event in events:
            line = (event["data"].get("queue") or {}).get("PAID_RETURN_TIME")
            if line and line["price"]:
                found[destination].add(line["price"]["currency"])
    assert sorted(map(list, found.values())) == [["EUR"], ["JPY"], ["USD"]]


def test_no_ride_has_the_same_instant_twice_in_the_whole_archive(archive):
    seen = Counter((event["entityId"], event["eventTime"]) for _, _, events in archive[2] for event in events)
    assert seen.most_common(1)[0][1] == 1


def test_a_few_events_of_a_file_belong_to_the_neighbouring_day(archive):
    shifts = Counter(
        (datetime.fromisoformat(event["eventTime"]).date() - file.day).days
        for _, file, events in archive[2]
        for event in events
    )
    assert set(shifts) == {-1, 0, 1}
    assert 0 < shifts[-1] + shifts[1] < 0.02 * shifts.total()


def test_shows_carry_showtimes_and_entities_that_are_no_rides_are_among_the_events(archive):
    kinds = Counter(event["internalId"].partition("=")[2] for _, _, events in archive[2] for event in events)
    assert set(kinds) == {"Attraction", "Entertainment", "Restaurant"}
    shows = [e for _, _, events in archive[2] for e in events if e["internalId"].endswith("Entertainment")]
    assert all(show["data"]["showtimes"][0].keys() == {"type", "startTime", "endTime"} for show in shows)


def test_whatever_names_a_park_or_a_ride_says_that_it_is_made_up(archive):
    folder, manifest, files = archive
    assert all(event["name"].endswith(" (sample)") for _, _, events in files for event in events)
    assert all(event["parkSlug"].startswith("sample") for _, _, events in files for event in events)
    for destination in manifest["destinations"]:
        assert destination["name"].startswith("Sample ")
        assert all(park["name"].startswith("Sample ") for park in destination["parks"])
    assert "made up" in (folder / "README.txt").read_text().splitlines()[0]


def test_no_made_up_id_can_be_that_of_a_real_entity(archive):
    """Real ids are random (version 4); ours are names in a namespace (version 5)."""
    for destination, _, events in archive[2]:
        assert destination[14] == "5"
        assert all(event["entityId"][14] == event["parkId"][14] == "5" for event in events)


def test_the_manifest_beside_the_archive_is_what_the_files_hold(archive):
    folder, manifest, files = archive
    assert json.loads((folder / "sample-manifest.json").read_text()) == json.loads(json.dumps(manifest, default=str))

    counted = defaultdict(lambda: defaultdict(Counter))
    rides = defaultdict(set)
    ledger = {}
    for destination, file, events in files:
        raw = (folder / file.key).read_bytes()
        per_park = Counter(event["parkId"] for event in events)
        ledger[file.key] = (destination, hashlib.sha256(raw).hexdigest(), len(raw), per_park)
        for event in events:
            park, queue = counted[event["parkId"]], event["data"].get("queue") or {}
            rides[event["parkId"]].add(event["entityId"])
            park["status"][event["data"]["status"]] += 1
            park["month"][event["eventTime"][:7]] += 1
            park["rows"].update(line for line, value in queue.items() if value and line != "STANDBY")
            wait = (queue.get("STANDBY") or {}).get("waitTime")
            if wait is not None:
                park["waits"]["number"] += 1
                park["waits"]["minutes"] += wait

    for destination in manifest["destinations"]:
        for park in destination["parks"]:
            found = counted.pop(park["uuid"])
            assert park["snapshots_by_status"] == found["status"]
            assert park["snapshots_by_month"] == found["month"]
            assert park["queue_rows"] == found["rows"]
            assert park["snapshots_with_wait"] == found["waits"]["number"]
            assert park["wait_minutes"] == found["waits"]["minutes"]
            assert park["snapshots"] == park["records_imported"] == found["status"].total()
            assert park["rides"] == len(rides[park["uuid"]])
            assert park["errors_encountered"] == 0
    assert not counted
    for file in manifest["files"]:
        destination, sha256, size, per_park = ledger.pop(file["key"])
        assert (file["destination"], file["sha256"], file["size_bytes"]) == (destination, sha256, size)
        nothing = {"already_known": 0, "duplicates": 0, "rejected": 0}
        assert file["parks"] == {
            park: {"events_read": number, "stored": number, **nothing} for park, number in per_park.items()
        }
    assert not ledger
    assert manifest["totals"]["snapshots"] == manifest["totals"]["events"] == 24 * 1500


def test_a_seed_gives_the_same_bytes_and_another_seed_another_history(tmp_path):
    def written(name, seed):
        write_archive(tmp_path / name, Plan(date(2024, 2, 28), 3, 200, seed))
        files = [path for path in (tmp_path / name).rglob("*") if path.is_file()]
        return {str(path.relative_to(tmp_path / name)): path.read_bytes() for path in files}

    first = written("a", 5)
    assert written("b", 5) == first
    other = written("c", 6)
    assert other.keys() == first.keys()
    assert all(other[key] != first[key] for key in first if key.endswith(".json.gz"))


def test_the_text_of_a_seed_is_the_same_on_every_machine_and_python(tmp_path):
    """A digest of the inflated text, which is what the seed promises. It changes only with the generator itself."""
    write_archive(tmp_path, Plan(date(2024, 12, 30), 3, 300, seed=42, destinations=6))
    text = b"".join(zlib.decompress(path.read_bytes()) for path in sorted(tmp_path.rglob("*.json.gz")))
    assert hashlib.sha256(text).hexdigest() == "8686da5a6438b055106386750998a5dc443ea2a1ce7b451feab8fca2dae502dc"


def test_memory_is_that_of_one_day_however_many_there_are(tmp_path, usual_garbage):
    def peak(days):
        tracemalloc.start()
        write_archive(tmp_path / str(days), Plan(date(2024, 1, 1), days, 1000, seed=1, destinations=1))
        _, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        return most

    peak(1)  # what is loaded once
    assert peak(20) < 1.5 * peak(2)


def test_one_event_a_day_and_many_destinations_are_an_archive_too(tmp_path):
    manifest = write_archive(tmp_path, Plan(date(2024, 1, 1), 2, 1, seed=1, destinations=12)).as_dict()
    assert manifest["totals"]["snapshots"] == 24
    assert len({destination["uuid"] for destination in manifest["destinations"]}) == 12
    assert len(list(read(tmp_path))) == 24


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"days": 0}, "0 days: an archive has at least one"),
        ({"events_per_day": 0}, "0 events a day: give 1 to 400,000"),
        ({"events_per_day": 400_001}, "may not inflate beyond 256 MB"),
        ({"destinations": 0}, "give 1 to 100"),
        ({"destinations": 101}, "give 1 to 100"),
        ({"first": date(2015, 12, 31)}, "give days from 2016-01-01"),
        ({"days": 10**9}, "give days from 2016-01-01"),
    ],
)
def test_a_plan_that_cannot_be_is_refused_with_what_can(change, message):
    with pytest.raises(SampleError, match=message):
        Plan(**{"first": date(2024, 1, 1), "days": 1, "events_per_day": 1, "seed": 1, **change})


def test_the_fullest_day_stays_below_what_an_importer_reads(archive):
    """400,000 events a day at the size they have here must inflate to less than 256 MB."""
    folder, _, files = archive
    size = sum(len(zlib.decompress((folder / file.key).read_bytes())) for _, file, _ in files)
    assert size / (24 * 1500) * 400_000 < 256 * 10**6


def test_times_stay_within_an_hour_of_the_files_day(archive):
    for _, file, events in archive[2]:
        midnight = datetime(file.day.year, file.day.month, file.day.day, tzinfo=UTC)
        for event in (events[0], events[-1]):
            instant = datetime.fromisoformat(event["eventTime"])
            assert midnight - timedelta(hours=1) <= instant < midnight + timedelta(hours=25)
