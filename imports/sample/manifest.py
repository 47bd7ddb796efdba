"""What a sample archive holds, file by file, and what the tables must hold after it was imported once, in order.

Counted by the generator while it makes things up, never by reading the files back and never by the importer's code:
the two can be held against each other.
"""

import hashlib
import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from datetime import date, timedelta
from pathlib import Path

from imports.sample.counts import Counts
from imports.sample.days import Tally
from imports.sample.defects import Defects
from imports.sample.planting import Planted
from imports.sample.resorts import Destination, Park

#: reason of a finding -> its kind
KINDS = {
    "missing_days": "GAP",
    "unreadable_file": "INVALID",
    "malformed_event": "INVALID",
    "malformed_id": "INVALID",
    "malformed_time": "INVALID",
    "future_time": "INVALID",
    "unknown_status": "INVALID",
    "wait_out_of_range": "INVALID",
    "unknown_queue_type": "INVALID",
    "malformed_queue": "INVALID",
    "malformed_return_time": "INVALID",
    "invalid_price": "INVALID",
    "missing_entity_id": "MISSING_FIELD",
    "missing_event_time": "MISSING_FIELD",
    "missing_status": "MISSING_FIELD",
    "missing_park": "MISSING_FIELD",
    "duplicate_event": "DUPLICATE",
    "conflicting_event": "DUPLICATE",
}


@dataclass(slots=True)
class ParkTotals:
    """All that the tables must hold of one park; `tally` counts what is stored."""

    park: Park
    first_file: date | None = None
    tally: Tally = field(default_factory=Tally)
    errors: int = 0


class Manifest:
    """`about` is the plan; the rest is added file by file, each destination's in order of its days."""

    def __init__(self, about: dict):
        self.about = about
        self.destinations: list[Destination] = []
        self.parks: dict[str, ParkTotals] = {}  # by uuid
        self.files: list[dict] = []
        self.findings: list[dict] = []
        self.cases: list[dict] = []
        self.of_no_park = 0

    def add_destination(self, resort: Destination, defects: Defects | None = None) -> None:
        """To be called before its files. A park that opens later belongs to it from the beginning here."""
        if defects:
            resort = defects.resort_on(date.max)
            self.cases += defects.report()
        self.destinations.append(resort)
        for park in resort.parks:
            self.parks[park.uuid] = ParkTotals(park)
        self._gap: list[dict] = []  # the findings of the missing days in hand, one a park

    def add_file(
        self,
        key: str,
        day: date,
        resort: Destination,
        data: bytes,
        counts: dict[str, Counts],
        tallies: dict[str, Tally],
        planted: Planted | None = None,
    ) -> None:
        """A day file that can be read; a park has ledger rows from the first file that speaks of it."""
        for park in resort.parks:
            totals, count = self.parks[park.uuid], counts[park.uuid]
            if totals.first_file is None and count.events_read:
                totals.first_file = day
            totals.tally.add(tallies[park.uuid])
            totals.errors += count.rejected
        self._file(key, day, resort, "IMPORTED", data, counts)
        if planted:
            self.of_no_park += planted.of_no_park
            self.files[-1]["events_of_no_park"] = planted.of_no_park
            for (reason, entity_type, entity_key), count in sorted(planted.findings.items()):
                self._finding(reason, entity_type, entity_key, count, file=key)

    def add_unreadable(self, key: str, day: date, resort: Destination, data: bytes) -> None:
        """A day file that gives nothing: a finding of its destination, and an error of each park known by then."""
        self._file(key, day, resort, "UNREADABLE", data, {})
        for park in self._known(resort):
            self.parks[park.uuid].errors += 1
        self._finding("unreadable_file", "destination", resort.uuid, 1, file=key)

    def add_missing(self, key: str, day: date, resort: Destination) -> None:
        """A day without a file; days that follow each other are one finding of each park known by then."""
        if not self._gap or self._gap[0]["last_day"] != day - timedelta(days=1):
            self._gap = [
                self._finding("missing_days", "park", park.uuid, 0, first_day=day, last_day=day)
                for park in self._known(resort)
            ]
        for finding in self._gap:
            finding["count"] += 1
            finding["last_day"] = day
        self._file(key, day, resort, "MISSING", None, {})

    def totals(self) -> dict:
        """Of the whole archive: events in it, and rows after an import."""
        tallies = [totals.tally for totals in self.parks.values()]
        read = sum(park["events_read"] for file in self.files for park in file["parks"].values())
        return {
            "files": sum(file["outcome"] != "MISSING" for file in self.files),
            "size_bytes": sum(file["size_bytes"] or 0 for file in self.files),
            "events": read + self.of_no_park,
            "parks": len([True for totals in self.parks.values() if totals.first_file]),
            "rides": sum(len(tally.rides) for tally in tallies),
            "snapshots": sum(tally.events for tally in tallies),
            "queue_rows": sum(tally.queue_rows.total() for tally in tallies),
            "findings": len(self.findings),
        }

    def as_dict(self) -> dict:
        """The manifest as it is written: docs/sample-archive.md says what each key holds."""
        return {
            "made_up": "Every park, ride and record of this archive is invented.",
            "plan": self.about,
            "totals": self.totals(),
            "destinations": [
                {
                    "uuid": resort.uuid,
                    "name": resort.name,
                    "timezone": resort.timezone,
                    "currency": resort.currency,
                    "parks": [_park(self.parks[park.uuid]) for park in resort.parks],
                }
                for resort in self.destinations
            ],
            "files": self.files,
            "findings": self.findings,
            "cases": self.cases,
        }

    def write(self, path: Path) -> None:
        """As JSON in UTF-8. OSError."""
        with open(path, "w", encoding="utf-8") as file:
            json.dump(self.as_dict(), file, ensure_ascii=False, indent=1, default=str)
            file.write("\n")

    def describe_cases(self) -> Iterator[str]:
        """What was put in: a heading for each destination, then a line for each case, file and park."""
        for resort in self.destinations:
            yield f"{resort.name}, {resort.uuid}"
            for case in self.cases:
                if case["destination"] == resort.uuid:
                    where = f"{self.parks[case['park']].park.name}: " if case["park"] else ""
                    outcome = [f"{number} {name.replace('_', ' ')}" for name, number in case["expected"].items()]
                    found = [f"{KINDS[reason]} {reason} ({number})" for reason, number in case["findings"].items()]
                    outcome = ", ".join(outcome + (found or ["no finding"]))
                    yield f"  {case['date']}  {where}{case['case']}: {outcome}"

    def _known(self, resort: Destination) -> list[Park]:
        return [park for park in resort.parks if self.parks[park.uuid].first_file]

    def _file(self, key, day, resort, outcome, data, counts) -> None:
        self.files.append(
            {
                "key": key,
                "date": day,
                "destination": resort.uuid,
                "outcome": outcome,
                "sha256": None if data is None else hashlib.sha256(data).hexdigest(),
                "size_bytes": None if data is None else len(data),
                "parks": {park.uuid: asdict(counts.get(park.uuid, Counts())) for park in self._known(resort)},
                "events_of_no_park": 0,
            }
        )

    def _finding(self, reason: str, entity_type: str, entity_key: str, count: int, file: str = "", **period) -> dict:
        finding = {
            "kind": KINDS[reason],
            "reason": reason,
            "entity_type": entity_type,
            "entity_key": entity_key,
            "file": file,
            "count": count,
            **period,
        }
        self.findings.append(finding)
        return finding


def _park(totals: ParkTotals) -> dict:
    tally = totals.tally
    return {
        "uuid": totals.park.uuid,
        "name": totals.park.name,
        "slug": totals.park.slug,
        "first_file": totals.first_file,
        "rides": len(tally.rides),
        "records_imported": tally.events,
        "errors_encountered": totals.errors,
        "snapshots": tally.events,
        "snapshots_by_status": _sorted(tally.statuses),
        "snapshots_by_month": _sorted(tally.months),
        "snapshots_with_wait": tally.waits,
        "wait_minutes": tally.wait_minutes,
        "queue_rows": _sorted(tally.queue_rows),
    }


def _sorted(counter: Counter) -> dict:
    return {key: counter[key] for key in sorted(counter) if counter[key]}
