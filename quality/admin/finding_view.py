"""What the triage desk shows of a finding beside its columns: names, periods, examples, and where to go from it.

Pages of other apps are linked by name and left out where they do not exist, so that quality need not know them.
"""

import json
import shlex
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta, tzinfo
from typing import Any
from urllib.parse import urlencode

from django.urls import NoReverseMatch, reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import mark_safe

from quality import import_ledger
from quality.admin.finding_links import around
from quality.admin.finding_times import with_local_time
from quality.check.seams import HISTORY_URL
from quality.covered_hours import days_touched
from quality.evidence import FILES_SHOWN, OTHER_VALUES, examples_within, values_within
from quality.models import DataQualityLog, IssueType, ResolutionStatus
from warehouse.models import Park, Ride
from warehouse.text import age_in_words, label_of
from warehouse.zones import known_zone, zone_or_utc

LOOK_BACK_DAYS = 60  # for the source of a day that nobody imported


#: what an import of a finding's days takes beside them to mend it, as fields of Start import
MENDED_BY = {
    "sparse_archive_day": ("replace_live", "force"),
    "rows_lacking": ("replace",),
}


@dataclass(frozen=True, slots=True)
class Link:
    label: str
    url: str | None = None


@dataclass(frozen=True, slots=True)
class ImportAgain:
    """The days of a finding for another import: where to start it in the admin, and the command that does it."""

    first: date
    last: date
    url: str | None
    command: str


@dataclass(slots=True)
class Examples:
    """Raw values as a table where they have the same keys, else as they are."""

    columns: list[str] = field(default_factory=list)
    rows: list[list[str]] = field(default_factory=list)
    texts: list[str] = field(default_factory=list)


# --- subjects -------------------------------------------------------------------------------------------------------
def with_subjects(rows: Iterable[DataQualityLog]) -> list[DataQualityLog]:
    """The rows, each with `subject`: links to its ride and its park, and `zone`: of its park, None where it has none.

    At most three queries, however many rows.
    """
    rows = list(rows)
    destinations: dict[str, list[Park]] = {}
    for park in Park.objects.filter(
        destination_wiki_id__in={row.entity_key for row in rows if row.entity_type == "destination"}
    ):
        destinations.setdefault(park.destination_wiki_id, []).append(park)
    parks = Park.objects.in_bulk({row.park_id for row in rows} - {None})
    rides = Ride.objects.in_bulk({row.entity_id for row in rows if row.entity_type == "ride"} - {None})
    for row in rows:
        row.zone = known_zone(parks[row.park_id].timezone) if row.park_id in parks else None
        row.subject = []
        if row.entity_type == "ride":
            ride = rides.get(row.entity_id)
            name = ride.ride_name if ride else row.entity_key
            row.subject.append(Link(name, _url("admin:warehouse_ride_change", row.entity_id) if ride else None))
        of_destination = destinations.get(row.entity_key, []) if row.entity_type == "destination" else []
        for park in [parks[row.park_id]] if row.park_id in parks else of_destination:
            row.subject.append(Link(park.park_name, _url("admin:warehouse_park_change", park.pk)))
        if not row.subject:
            row.subject.append(Link(f"{row.entity_type} {row.entity_key}"))
    return rows


def as_html(links: list[Link]):
    return format_html_join(
        mark_safe("<br>"),
        "{}",
        ((format_html('<a href="{}">{}</a>', link.url, link.label) if link.url else link.label,) for link in links),
    )


def status_as_html(status: str):
    return format_html(
        '<span class="q-status q-{}">{}</span>', status.lower(), label_of(ResolutionStatus.choices, status)
    )


def age_of(row: DataQualityLog, now: datetime) -> str:
    """Since it was first seen: 5 min, 7 h, 12 days."""
    return age_in_words((now - row.created_at).total_seconds())


# --- evidence -------------------------------------------------------------------------------------------------------
# MySQL keeps the keys of JSON by length (value before entityId); MariaDB as they were written, which is this order.
_COLUMNS = [
    "snapshot_id", "id", "entityId", "eventTime", "ride_id", "recorded_at", "name", "themeparks_wiki_id", "status",
    "wait_time", "from", "to", "minutes", "last_status", "silent_from", "silent_to", "value", "stays", "left_out",
]  # fmt: skip
_RANKS = {column: rank for rank, column in enumerate(_COLUMNS)}


def examples_of(row: DataQualityLog) -> Examples:
    """Of a row `with_subjects`."""
    found = _of_evidence(row, "examples", list)
    examples = examples_within(found)  # of a record of before they were bounded when made
    if examples and all(isinstance(example, dict) for example in examples):
        columns = dict.fromkeys(key for example in examples for key in example)
        columns = sorted(columns, key=lambda column: _RANKS.get(column, len(_RANKS)))
        cells = [[_text(column, example.get(column, ""), row.zone) for column in columns] for example in examples]
        return Examples(columns, cells)
    return Examples(texts=[_text("", example, row.zone) for example in examples])


def files_of(row: DataQualityLog) -> list[tuple[str, Any]]:
    """The files of a record that groups them, with their counts; the first FILES_SHOWN, then how many more."""
    files = sorted(_of_evidence(row, "files", dict).items())
    more = len(files) - FILES_SHOWN
    return files if more <= 0 else [*files[:FILES_SHOWN], (f"and {more:,} more files", "")]


def _of_evidence(row: DataQualityLog, name: str, kind: type) -> Any:
    """A part of the evidence, empty where it is none of the kind: what SQL wrote into it is anybody's."""
    evidence = row.evidence if isinstance(row.evidence, dict) else {}
    return found if isinstance(found := evidence.get(name), kind) else kind()


def values_of(row: DataQualityLog) -> list[tuple[str, int]]:
    """What was refused and how often, the most frequent first; what was not counted one by one comes last."""
    values = values_within(_of_evidence(row, "values", dict))
    return sorted(values.items(), key=lambda item: (item[0] == OTHER_VALUES, -item[1], item[0]))


def _text(column: str, value, zone: tzinfo | None) -> str:
    return with_local_time(column, value, zone) if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


# --- where to go ----------------------------------------------------------------------------------------------------
def links_of(row: DataQualityLog) -> list[Link]:
    """Pages of other apps about the same thing; those that exist."""
    links = []
    first, last = row.days()
    if (row.park_id and row.issue_type == IssueType.GAP) or row.source_file:
        query = {"file_date__gte": first, "file_date__lte": last}
        if row.park_id:
            query["park__park_id__exact"] = row.park_id
        day = f"of {first}" if first == last else f"of {first} to {last}"
        links.append(Link(f"Ledger {day}", _url("admin:imports_importedfile_changelist", **query)))
    if row.entity_type == "import":
        links.append(Link(f"Import {row.entity_key}", _url("admin:imports_importcheckpoint_change", row.entity_id)))
    elif row.park_id:
        for reading in import_ledger.readings(row.park_id, first, last):
            if reading.checkpoint_id:
                links.append(
                    Link(
                        f"Import {reading.import_id}, which read {reading.file_date}",
                        _url("admin:imports_importcheckpoint_change", reading.checkpoint_id),
                    )
                )
    links += [Link(label, url) for label, url in around(row)]
    same = {"reason": row.reason, "status": "all"} | ({"park": row.park_id} if row.park_id else {})
    where = "in this park" if row.park_id else "anywhere"
    links.append(Link(f"Findings of the same kind {where}", _url("admin:quality_dataqualitylog_changelist", **same)))
    return [link for link in links if link.url]


def undo_adoption(row: DataQualityLog) -> str | None:
    """Where an entity that was taken for a ride without an id gets one of its own; None for other findings."""
    return _url("admin:imports_undo_adoption", row.pk) if row.reason == "id_adopted" else None


def import_again(row: DataQualityLog) -> ImportAgain | None:
    """For a gap, an unreadable file and what an option mends: its days, its parks and where they came from."""
    if row.issue_type != IssueType.GAP and row.reason not in ("unreadable_file", *MENDED_BY):
        return None
    parks = [row.park_id] if row.park_id else _parks_of_destination(row)
    if not parks:
        return None
    if row.reason == "seam_hole":
        first, last, source = *_days_of_the_park(row), HISTORY_URL  # the park's own days, which lie on both sides of it
    else:
        first, last = row.days()
        source = _source_of(parks[0], first, last)
    options = MENDED_BY.get(row.reason, ())
    which = {"park": row.park_id} if row.park_id else {"destination": row.entity_key}
    asked = [f"--{name} {value}" for name, value in which.items()] + [f"--from {first} --to {last}"]
    asked += [f"--{option.replace('_', '-')}" for option in options]
    return ImportAgain(
        first=first,
        last=last,
        url=_url(
            "admin:imports_start",
            **which,
            **{"from": first, "to": last, "source": source or ""},
            **dict.fromkeys(options, "on"),
        ),
        command=f"manage.py import_archive {' '.join(asked)}" + (f" --source {shlex.quote(source)}" if source else ""),
    )


def _parks_of_destination(row: DataQualityLog) -> list[int]:
    if row.entity_type != "destination":
        return []
    return list(Park.objects.filter(destination_wiki_id=row.entity_key).values_list("pk", flat=True))


def _source_of(park_id: int, first: date, last: date) -> str | None:
    """Where these days, or those before them, were read from."""
    readings = import_ledger.readings(park_id, first - timedelta(days=LOOK_BACK_DAYS), last)
    return readings[0].source if readings else None


def _days_of_the_park(row: DataQualityLog) -> tuple[date, date]:
    timezone = Park.objects.values_list("timezone", flat=True).get(pk=row.park_id)
    start, end = row.timestamp_start, row.timestamp_end
    return days_touched(start, end, zone_or_utc(timezone))


def _url(name: str, *args, **query) -> str | None:
    try:
        url = reverse(name, args=args)
    except NoReverseMatch:
        return None
    return f"{url}?{urlencode(query)}" if query else url
