"""A sample archive with defects: what the manifest promises is held against a second reading of the files.

The reading below is the rules of the import as they are written down, in the plainest form that can be checked by
eye. It uses nothing of the importer and nothing of the generator but the file names.
"""

import gzip
import json
import uuid
import zlib
from collections import Counter, defaultdict
from datetime import UTC, date, datetime, timedelta

import pytest

from imports.sample import Plan, SampleError, write_archive
from imports.sources.folder import FolderSource

pytestmark = pytest.mark.no_database
STATUSES = {"OPERATING", "DOWN", "CLOSED", "REFURBISHMENT"}
WAITING_LINES = {"SINGLE_RIDER": "waitTime", "PAID_STANDBY": "waitTime", "BOARDING_GROUP": "estimatedWait"}
EARLIEST = datetime(2015, 1, 1, tzinfo=UTC)
NOW = datetime(2026, 1, 1, tzinfo=UTC)
COUNTS = ("events_read", "stored", "already_known", "duplicates", "rejected")


class Reading:
    """The tables after the files of one destination were read in order."""

    def __init__(self, destination):
        self.destination = destination
        self.rides, self.snapshots = {}, {}  # entity -> park; (entity, ms) -> content
        self.ledger = {}  # (park, file) -> Counter
        self.parks, self.errors = [], Counter()
        self.findings = Counter()  # (reason, entity type, entity key, file) -> events

    def read(self, key, data):
        events = inflate(data)
        if events is None:
            self.findings["unreadable_file", "destination", self.destination, key] += 1
            for park in self.parks:
                self.ledger[park, key] = Counter()
                self.errors[park] += 1
            return
        self.in_this_file, counts = {}, defaultdict(Counter)
        self.told = {}  # entity -> park, by this file
        for event in events:
            if isinstance(event, dict) and (park := is_uuid(event.get("parkId"))):
                self.told.setdefault(is_uuid(event.get("entityId")), park)
        for event in events:
            park, outcome, reasons = self.judge(event)
            if park is None:
                self.findings[reasons[0], "destination", self.destination, key] += 1
                continue
            counts[park]["events_read"] += 1
            counts[park][outcome] += 1
            for reason in reasons:
                self.findings[reason, "park", park, key] += 1
        self.snapshots |= self.in_this_file
        self.parks += [park for park in counts if park not in self.parks]
        for park in self.parks:
            self.ledger[park, key] = counts[park]
            self.errors[park] += counts[park]["rejected"]

    def judge(self, event):
        """(park or None, what becomes of the event, the reasons of its findings)"""
        if not isinstance(event, dict):
            return None, "", ["malformed_event"]
        entity, park = is_uuid(event.get("entityId")), is_uuid(event.get("parkId"))
        malformed_park = event.get("parkId") is not None and park is None
        park = park or (entity and self.told.get(entity)) or self.rides.get(entity)
        if park is None:
            malformed = malformed_park or (entity is None and event.get("entityId") is not None)
            missing = "missing_entity_id" if event.get("entityId") is None else "missing_park"
            return None, "", ["malformed_id" if malformed else missing]
        if malformed_park:
            return park, "rejected", ["malformed_id"]
        if entity is None:
            return park, "rejected", ["missing_entity_id" if event.get("entityId") is None else "malformed_id"]
        if event.get("eventTime") is None:
            return park, "rejected", ["missing_event_time"]
        instant = parsed(event["eventTime"])
        if instant is None or instant < EARLIEST:
            return park, "rejected", ["malformed_time"]
        if instant > NOW:
            return park, "rejected", ["future_time"]
        status = (event.get("data") or {}).get("status")
        if status not in STATUSES:
            return park, "rejected", ["missing_status" if status is None else "unknown_status"]
        wait, rows, reasons = lines(event["data"].get("queue"))
        identity = entity, (instant - EARLIEST) // timedelta(milliseconds=1)
        content = park, event["eventTime"][:7], status, wait, json.dumps(rows, sort_keys=True)
        self.rides.setdefault(entity, park)
        if identity in self.in_this_file:
            same = self.in_this_file[identity] == content
            return park, "duplicates", ["duplicate_event" if same else "conflicting_event"]
        if identity in self.snapshots:
            same = self.snapshots[identity] == content
            return park, "already_known" if same else "duplicates", [] if same else ["conflicting_event"]
        self.in_this_file[identity] = content
        return park, "stored", reasons


def inflate(data):
    """The events of a file, or None."""
    try:
        if data[:1] == b"\x78":
            stream = zlib.decompressobj()
            body = stream.decompress(data, 256 * 2**20)
            if not stream.eof:
                return None
        else:
            body = gzip.decompress(data) if data[:2] == b"\x1f\x8b" else data
        root = json.loads(body)
    except (zlib.error, ValueError):
        return None
    events = root.get("events") if isinstance(root, dict) else root
    return events if isinstance(events, list) else None


def is_uuid(value):
    """In lower case; None for anything else."""
    try:
        return str(uuid.UUID(value)) if isinstance(value, str) and len(value) == 36 else None
    except ValueError:
        return None


def parsed(value):
    try:
        instant = datetime.fromisoformat(value)
    except (TypeError, ValueError):
        return None
    return instant if instant.tzinfo else None


def lines(queue):
    """(minutes in the standby line or None, the further lines that are kept, reasons)"""
    if queue is None:
        return None, {}, []
    if not isinstance(queue, dict):
        return None, {}, ["malformed_queue"]
    wait, rows, reasons = None, {}, []
    for line, value in queue.items():
        if value is None or value == {}:
            continue
        reason, kept = judge_line(line, value)
        if reason:
            reasons.append(reason)
        if line == "STANDBY":
            wait = kept and kept.get("waitTime")
        elif kept:
            rows[line] = kept
    return wait, rows, reasons


def judge_line(line, value):
    """(the reason of a finding or None, what is kept of the line or None)"""
    if line not in {*WAITING_LINES, "STANDBY", "RETURN_TIME", "PAID_RETURN_TIME"}:
        return "unknown_queue_type", None
    if not isinstance(value, dict):
        return "malformed_queue", None
    if line in ("RETURN_TIME", "PAID_RETURN_TIME"):
        if value.get("state") not in ("AVAILABLE", "TEMP_FULL", "FINISHED", None):
            return "malformed_queue", None
        if any(value.get(end) is not None and not parsed(value[end]) for end in ("returnStart", "returnEnd")):
            return "malformed_return_time", None
        price = value.get("price") or {}
        if price.get("amount") is not None:
            currency = price.get("currency")
            if not 0 <= price["amount"] < 10**10 or currency not in ("USD", "EUR", "JPY"):
                return "invalid_price", None
        return None, value
    if not isinstance(value.get("allocationStatus"), str | None):
        return "malformed_queue", None
    name = WAITING_LINES.get(line, "waitTime")
    wait = value.get(name)
    most = 300 if line == "STANDBY" else 32_767
    if wait is not None and (type(wait) is not int or not 0 <= wait <= most):
        return "wait_out_of_range", value | {name: None}
    return None, value


@pytest.fixture(scope="module")
def archive(tmp_path_factory):
    """(folder, manifest, the reading of each destination), over two months with currencies of all three kinds."""
    folder = tmp_path_factory.mktemp("sample")
    write_archive(folder, Plan(date(2025, 1, 15), 31, 150, seed=3, destinations=3, with_defects=True))
    manifest = json.loads((folder / "sample-manifest.json").read_text())
    source, readings = FolderSource(folder), {}
    for destination in source.list_destinations():
        readings[destination] = Reading(destination)
        for file in source.list_days(destination, None, None, NOW.date()).files:
            readings[destination].read(file.key, source.read(file))
    return folder, manifest, readings


def test_the_ledger_is_what_a_second_reading_finds_in_every_file(archive):
    _, manifest, readings = archive
    expected = {
        (park, file["key"]): counts
        for file in manifest["files"]
        if file["outcome"] != "MISSING"
        for park, counts in file["parks"].items()
    }
    found = {
        place: {name: counts[name] for name in COUNTS}
        for reading in readings.values()
        for place, counts in reading.ledger.items()
    }
    assert found == expected
    for counts in expected.values():
        assert counts["events_read"] == sum(counts[name] for name in COUNTS[1:])


def test_the_findings_are_what_a_second_reading_finds_in_every_file(archive):
    _, manifest, readings = archive
    expected = {
        (finding["reason"], finding["entity_type"], finding["entity_key"], finding["file"]): finding["count"]
        for finding in manifest["findings"]
        if finding["kind"] != "GAP"
    }
    assert sum((reading.findings for reading in readings.values()), Counter()) == expected
    assert len(expected) == len([True for finding in manifest["findings"] if finding["kind"] != "GAP"])


def test_the_totals_of_every_park_are_what_a_second_reading_finds(archive):
    _, manifest, readings = archive
    for destination in manifest["destinations"]:
        reading = readings[destination["uuid"]]
        assert [park["uuid"] for park in destination["parks"]] != []
        for park in destination["parks"]:
            stored = [content for content in reading.snapshots.values() if content[0] == park["uuid"]]
            waits = [wait for _, _, _, wait, _ in stored if wait is not None]
            assert park["snapshots"] == park["records_imported"] == len(stored)
            assert park["snapshots_by_month"] == Counter(month for _, month, _, _, _ in stored)
            assert park["snapshots_by_status"] == Counter(status for _, _, status, _, _ in stored)
            assert (park["snapshots_with_wait"], park["wait_minutes"]) == (len(waits), sum(waits))
            assert park["queue_rows"] == Counter(line for *_, rows in stored for line in json.loads(rows))
            assert park["rides"] == list(reading.rides.values()).count(park["uuid"])
            assert park["errors_encountered"] == reading.errors[park["uuid"]]
    assert manifest["totals"]["snapshots"] == sum(len(reading.snapshots) for reading in readings.values())
    assert manifest["totals"]["rides"] == sum(len(reading.rides) for reading in readings.values())


def test_missing_days_are_one_gap_for_each_run_and_each_park_known_by_then(archive):
    folder, manifest, _ = archive
    for destination in manifest["destinations"]:
        there = {file.day for file in FolderSource(folder).list_days(destination["uuid"], None, None, NOW.date()).files}
        assert min(there) == date(2025, 1, 15)
        assert max(there) == date(2025, 2, 14)
        gaps = Counter()
        for park in destination["parks"]:
            for finding in manifest["findings"]:
                if finding["kind"] == "GAP" and finding["entity_key"] == park["uuid"]:
                    first, last = (date.fromisoformat(finding[end]) for end in ("first_day", "last_day"))
                    days = [first + timedelta(days=n) for n in range((last - first).days + 1)]
                    assert finding["count"] == len(days)
                    assert not there & set(days)
                    assert {first - timedelta(days=1), last + timedelta(days=1)} <= there
                    assert date.fromisoformat(park["first_file"]) < first
                    gaps[len(days)] += 1
        known = [park for park in destination["parks"] if park["first_file"] == "2025-01-15"]
        assert gaps[1] >= len(known)
        assert gaps[3] >= len(known)


def test_the_new_park_has_no_ledger_before_the_file_it_first_appears_in(archive):
    _, manifest, _ = archive
    for destination in manifest["destinations"]:
        *old, new = destination["parks"]
        assert {park["first_file"] for park in old} == {"2025-01-15"}
        assert "2025-01-20" < new["first_file"] < "2025-02-10"
        days = [file["date"] for file in manifest["files"] if new["uuid"] in file["parks"]]
        assert min(days) == new["first_file"]
        assert len(days) == (date(2025, 2, 14) - date.fromisoformat(new["first_file"])).days + 1


def test_every_reason_occurs_in_every_destination_and_every_case_is_reported(archive):
    _, manifest, _ = archive
    reasons = {
        "missing_days", "unreadable_file", "malformed_event", "malformed_id", "malformed_time", "future_time",
        "unknown_status", "wait_out_of_range", "unknown_queue_type", "malformed_queue", "malformed_return_time",
        "invalid_price", "missing_entity_id", "missing_event_time", "missing_status", "missing_park",
        "duplicate_event", "conflicting_event",
    }  # fmt: skip
    for destination in manifest["destinations"]:
        cases = [case for case in manifest["cases"] if case["destination"] == destination["uuid"]]
        assert {reason for case in cases for reason in case["findings"]} == reasons
        reported = sum((Counter(case["expected"]) for case in cases), Counter())
        assert reported["already_known"] == 2
        assert reported["of_no_park"] == sum(
            file["events_of_no_park"] for file in manifest["files"] if file["destination"] == destination["uuid"]
        )


def test_the_file_that_inflates_too_far_is_small_on_disk(archive):
    folder, manifest, _ = archive
    days = {case["date"]: case["destination"] for case in manifest["cases"] if "beyond 256 MB" in case["case"]}
    assert len({case["destination"] for case in manifest["cases"] if "beyond 256 MB" in case["case"]}) == 3
    for day, destination in days.items():
        path = folder / destination / f"{day.replace('-', '/')}.json.gz"
        assert path.stat().st_size < 2_000_000
        stream = zlib.decompressobj()
        assert len(stream.decompress(path.read_bytes(), 256 * 2**20)) == 256 * 2**20


def test_numbers_that_are_no_json_and_half_characters_lie_in_files_as_written(archive):
    folder, _, _ = archive
    text = b"".join(
        zlib.decompress(path.read_bytes())
        for path in folder.rglob("*.json.gz")
        if path.stat().st_size < 500_000 and inflate(path.read_bytes()) and path.read_bytes()[:1] == b"\x78"
    )
    assert text.count(b'"waitTime":NaN') == 3
    assert text.count(rb"Galaxy \ud83d Coaster") == 3


def test_defects_of_a_seed_are_the_same_and_another_seed_puts_them_elsewhere(tmp_path):
    def written(name, seed):
        plan = Plan(date(2025, 1, 15), 29, 100, seed, destinations=1, with_defects=True)
        write_archive(tmp_path / name, plan)
        return {path.relative_to(tmp_path / name): path.read_bytes() for path in (tmp_path / name).rglob("*.*")}

    first = written("a", 5)
    assert written("b", 5) == first
    assert written("c", 6) != first


@pytest.mark.parametrize(("days", "events"), [(28, 100), (29, 99)])
def test_too_few_days_or_events_for_every_case_are_refused(days, events):
    with pytest.raises(SampleError, match="With defects an archive has at least 29 days and 100 events a day"):
        Plan(date(2024, 1, 1), days, events, seed=1, with_defects=True)
