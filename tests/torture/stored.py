"""What the tables hold, in the shape of oracle.Expected, and where the two differ. Plain SQL, no model of ours."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import MySQLdb

from tests.asking import ask
from tests.torture.oracle import TOLD_OF_FILES, Expected

LOST, DOUBLED, ALTERED = "lost", "doubled", "altered"
SHOWN = 12


@dataclass
class Differences:
    """Rows by what became of them, and what they are in words."""

    lost: int = 0
    doubled: int = 0
    altered: int = 0
    lines: list[str] = field(default_factory=list)

    def add(self, kind: str, line: str) -> None:
        setattr(self, kind, getattr(self, kind) + 1)
        if len(self.lines) < SHOWN:
            self.lines.append(f"{kind}: {line}")

    def __bool__(self) -> bool:
        return bool(self.lines)


def compare(connection: "MySQLdb.Connection", expected: Expected) -> Differences:
    """Row by row: lost is what lacks, doubled what is there beside, altered what says something else."""
    found = Differences()
    source = {"ARCHIVE"}
    rides = dict(ask(connection, "SELECT ride_id, themeparks_wiki_id FROM rides"))
    snapshots: dict[Any, Any] = {}
    for snapshot_id, ride_id, ms, status, wait, is_open, told, by in ask(
        connection,
        "SELECT snapshot_id, ride_id, ROUND(TIMESTAMPDIFF(MICROSECOND, '1970-01-01', recorded_at) / 1000), status, "
        "wait_time, computed_is_open, wait_told, data_source FROM ride_status_snapshots WHERE data_source = 'ARCHIVE'",
    ):
        key, ms = (rides.get(ride_id, f"ride {ride_id}"), int(ms)), int(ms)
        if key in snapshots:
            found.add(DOUBLED, f"snapshot {key}")
        snapshots[key] = status, wait, told
        if snapshot_id != (ms << 20 | ride_id) or is_open != (status == "OPERATING") or by not in source:
            found.add(ALTERED, f"snapshot {key}: id {snapshot_id}, open {is_open}, {by}")
    hold(found, "snapshot", expected.snapshots, snapshots)
    queues: dict[Any, Any] = {}
    for snapshot_id, kind, *values in ask(
        connection,
        "SELECT q.snapshot_id, q.queue_type, q.wait_time_minutes, q.return_time_start, q.return_time_end, "
        "q.price_amount, q.price_currency, q.boarding_group_status, q.boarding_group_current, q.return_time_state "
        "FROM queue_data q LEFT JOIN ride_status_snapshots s ON s.snapshot_id = q.snapshot_id "
        "AND s.recorded_at = '1970-01-01' + INTERVAL (q.snapshot_id >> 20) * 1000 MICROSECOND "
        "WHERE s.data_source = 'ARCHIVE' OR s.data_source IS NULL",
    ):
        ride_id = snapshot_id & (1 << 20) - 1
        key = rides.get(ride_id, f"ride {ride_id}"), snapshot_id >> 20, kind
        if key in queues:
            found.add(DOUBLED, f"queue {key}")
        queues[key] = tuple(values)
    hold(found, "queue", expected.queues, queues)
    _others(connection, expected, found)
    return found


def _others(connection: "MySQLdb.Connection", expected: Expected, found: Differences) -> None:
    ledger = {
        (destination, day, park): tuple(values)
        for destination, day, park, *values in ask(
            connection,
            "SELECT f.destination_wiki_id, f.file_date, p.themeparks_wiki_id, f.outcome, f.sha256, f.events_read, "
            "f.stored, f.already_known, f.duplicates, f.rejected FROM import_files f JOIN parks p USING (park_id)",
        )
    }
    hold(found, "ledger", expected.ledger, ledger)
    findings: dict[Any, dict[str, int]] = {}
    for reason, kind, key, source_file, start, occurrences, evidence in ask(
        connection,
        "SELECT reason, entity_type, entity_key, source_file, timestamp_start, occurrences, evidence "
        "FROM data_quality_log",
    ):
        if reason not in TOLD_OF_FILES or source_file.startswith("live/"):
            continue
        files = (json.loads(evidence) if evidence else {}).get("files") or {
            source_file or f"{start:%Y-%m-%d}": occurrences
        }
        mine = findings.setdefault((reason, kind, key), {})
        for file, many in files.items():
            if file in mine:
                found.add(DOUBLED, f"finding {reason} of {key} in {file}")
            mine[file] = many
        if sum(files.values()) != occurrences:
            found.add(ALTERED, f"finding {reason} of {key}: {occurrences} occurrences in all, of {files}")
    hold(found, "findings", _flat(expected.findings), _flat(findings))
    checkpoints = {
        (destination, park): tuple(map(int, values))
        for destination, park, *values in ask(
            connection,
            "SELECT c.destination_wiki_id, p.themeparks_wiki_id, SUM(c.records_imported), SUM(c.errors_encountered), "
            "SUM(c.files_processed) FROM import_checkpoints c JOIN parks p USING (park_id) GROUP BY 1, 2",
        )
    }
    hold(found, "checkpoint", expected.checkpoints, checkpoints)
    parks = {
        park: (destination, slug)
        for park, destination, slug in ask(
            connection,
            "SELECT themeparks_wiki_id, destination_wiki_id, park_slug FROM parks "
            "WHERE park_id IN (SELECT park_id FROM import_checkpoints)",
        )
    }
    hold(found, "park", expected.parks, parks)
    rides = {
        ride: (park, "" if name == f"Unnamed {ride}" else name)
        for ride, park, name in ask(
            connection,
            "SELECT r.themeparks_wiki_id, p.themeparks_wiki_id, r.ride_name FROM rides r JOIN parks p USING (park_id) "
            "WHERE park_id IN (SELECT park_id FROM import_checkpoints)",
        )
    }
    hold(found, "ride", expected.rides, rides)


def _flat(findings: dict[Any, dict[str, int]]) -> dict[Any, int]:
    return {(*key, file): many for key, files in findings.items() for file, many in files.items()}


def hold(found: Differences, what: str, expected: Mapping, stored: Mapping) -> None:
    for key in sorted(expected.keys() - stored.keys(), key=repr):
        found.add(LOST, f"{what} {_words(key)}: {expected[key]}")
    for key in sorted(stored.keys() - expected.keys(), key=repr):
        found.add(DOUBLED, f"{what} {_words(key)}: {stored[key]}, which nothing said")
    for key in sorted(expected.keys() & stored.keys(), key=repr):
        if expected[key] != stored[key]:
            found.add(ALTERED, f"{what} {_words(key)}: {stored[key]} instead of {expected[key]}")


def _words(key: Any) -> str:
    return " ".join(map(str, key)) if isinstance(key, tuple) else str(key)
