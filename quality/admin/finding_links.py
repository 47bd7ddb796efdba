"""From a finding to what lies around it: its day files, the rows of its days, and the day in full.

Pages of other apps are linked by name and left out where they do not exist.
"""

from collections.abc import Iterator
from datetime import date, timedelta

from django.urls import NoReverseMatch, reverse
from django.utils.http import urlencode

from quality import import_ledger
from quality.covered_hours import days_touched
from quality.models import DataQualityLog
from warehouse.admin.day_pages import links
from warehouse.admin.fact_pages import PARK_DAYS_MAX, RIDE_DAYS_MAX
from warehouse.models import Park, Ride

FILES_NAMED = 6
DAYS_WITH_FILES_MAX = 3  # of a longer period the ledger's list, which is linked anyhow, says more


def around(row: DataQualityLog) -> Iterator[tuple[str, str]]:
    """(label, address) of each."""
    first, last = row.days()
    ride = row.entity_id if row.entity_type == "ride" and Ride.objects.filter(pk=row.entity_id).exists() else None
    yield from _files(row, first, last)
    try:
        first, last = _days_there(row)
        last = min(last, first + timedelta(days=RIDE_DAYS_MAX))
    except OverflowError:  # of SQL: the first or the last year of the calendar, of which there is no row
        return
    if ride is not None:
        upto = min(last, first + timedelta(days=RIDE_DAYS_MAX - 1))
        yield f"Rows of the ride, {_days(first, upto)}", _rows(ride=ride, first=first, last=upto)
    if row.park_id is not None:
        upto = min(last, first + timedelta(days=PARK_DAYS_MAX - 1))
        yield f"Rows of the park, {_days(first, upto)}", _rows(park=row.park_id, first=first, last=upto)
        yield f"{first} in full", links.day(row.park_id, first, ride=ride)
    if ride is not None:
        yield "The ride over time", links.ride(ride)


def _days_there(row: DataQualityLog) -> tuple[date, date]:
    """The days of the park's own clock that it reaches into: those of the lists of rows, and of the day in full."""
    park = Park.objects.filter(pk=row.park_id).first()
    if park is None:
        return row.days()
    start = row.timestamp_start
    return days_touched(start, max(row.timestamp_end or start, start + timedelta.resolution), park.zone)


def _files(row: DataQualityLog, first: date, last: date) -> Iterator[tuple[str, str]]:
    """Those that the finding names, or the files of its few days."""
    named = set(row.evidence.get("files", {})) | ({row.source_file} if row.source_file else set())
    if not named and (last - first).days >= DAYS_WITH_FILES_MAX:
        return
    if row.park_id is not None:
        found = import_ledger.files_of(first, last, park_id=row.park_id, limit=FILES_NAMED * 31)
    elif row.entity_type == "destination":
        found = import_ledger.files_of(first, last, destination=row.entity_key, limit=FILES_NAMED * 31)
    else:
        return
    found = [each for each in found if not named or each.source_file in named][:FILES_NAMED]
    parks = Park.objects.in_bulk({each.park_id for each in found})
    for each in found:
        url = _url("admin:imports_importedfile_change", each.file_id)
        if url:
            yield f"Day file {each.file_date} of {parks[each.park_id]}, {each.outcome}", url


def _rows(*, first: date, last: date, **whose: int) -> str:
    asked = urlencode({**whose, "from": first, "to": last})
    return f"{reverse('admin:warehouse_ridestatussnapshot_changelist')}?{asked}"


def _days(first: date, last: date) -> str:
    return f"{first}" if first == last else f"{first} to {last}"


def _url(name: str, *args: object) -> str:
    try:
        return reverse(name, args=args)
    except NoReverseMatch:
        return ""
