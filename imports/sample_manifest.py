"""What a sample archive holds, file by file, and what the tables must hold after it was imported once, in order.

Counted by the generator while it makes things up, never by reading the files back and never by the importer's code:
the two can be held against each other.
"""

import hashlib
import json
from collections import Counter
from dataclasses import asdict, dataclass, field
from datetime import date
from pathlib import Path

from imports.sample_days import Tally
from imports.sample_resorts import Destination


@dataclass(slots=True)
class Counts:
    """The expected ledger row of one park and day file."""

    events_read: int = 0
    stored: int = 0
    already_known: int = 0
    duplicates: int = 0
    rejected: int = 0


@dataclass(slots=True)
class ParkTotals:
    """All that the tables must hold of one park; `tally` counts what is stored."""

    name: str
    slug: str
    first_file: date | None = None
    tally: Tally = field(default_factory=Tally)
    errors: int = 0


class Manifest:
    """`about` is the plan; the rest is added file by file."""

    def __init__(self, about: dict):
        self.about = about
        self.destinations: list[Destination] = []
        self.parks: dict[str, ParkTotals] = {}  # by uuid
        self.files: list[dict] = []

    def add_destination(self, resort: Destination) -> None:
        self.destinations.append(resort)
        for park in resort.parks:
            self.parks[park.uuid] = ParkTotals(park.name, park.slug)

    def add_file(
        self,
        key: str,
        day: date,
        resort: Destination,
        data: bytes,
        counts: dict[str, Counts],
        tallies: dict[str, Tally],
    ) -> None:
        """A day file that can be read; a park has ledger rows from the first file that speaks of it."""
        parks = {}
        for park in resort.parks:
            totals, count = self.parks[park.uuid], counts[park.uuid]
            if totals.first_file is None and count.events_read:
                totals.first_file = day
            if totals.first_file is not None:
                parks[park.uuid] = asdict(count)
            totals.tally.add(tallies[park.uuid])
            totals.errors += count.rejected
        self.files.append(
            {
                "key": key,
                "date": day,
                "destination": resort.uuid,
                "outcome": "IMPORTED",
                "sha256": hashlib.sha256(data).hexdigest(),
                "size_bytes": len(data),
                "parks": parks,
            }
        )

    def totals(self) -> dict:
        """Of the whole archive: events in it, and rows after an import."""
        tallies = [totals.tally for totals in self.parks.values()]
        return {
            "files": sum(file["outcome"] != "MISSING" for file in self.files),
            "size_bytes": sum(file["size_bytes"] or 0 for file in self.files),
            "events": sum(park["events_read"] for file in self.files for park in file["parks"].values()),
            "parks": sum(totals.first_file is not None for totals in self.parks.values()),
            "rides": sum(len(tally.rides) for tally in tallies),
            "snapshots": sum(tally.events for tally in tallies),
            "queue_rows": sum(tally.queue_rows.total() for tally in tallies),
        }

    def as_dict(self) -> dict:
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
                    "parks": [_park(park.uuid, self.parks[park.uuid]) for park in resort.parks],
                }
                for resort in self.destinations
            ],
            "files": self.files,
        }

    def write(self, path: Path) -> None:
        with open(path, "w", encoding="utf-8") as file:
            json.dump(self.as_dict(), file, ensure_ascii=False, indent=1, default=str)
            file.write("\n")


def _park(uuid: str, totals: ParkTotals) -> dict:
    tally = totals.tally
    return {
        "uuid": uuid,
        "name": totals.name,
        "slug": totals.slug,
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
