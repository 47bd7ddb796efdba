"""Which rows a day file held for a park: proof of where a row came from, kept beside the ledger (import_file_rows).

A set of snapshot ids is kept as one blob: in order, which is that of time, the differences of neighbours as 8-byte
integers, whose first bytes come before all second ones, and so on, deflated. Some 4 bytes a row; by ride and time it
would be 3, for two to three times the work (docs/decisions/file-as-the-truth.md).
"""

import zlib
from array import array
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import accumulate
from operator import sub

from django.db import connection

from imports.archive.day_file_model import FileOutcome, ImportedFile, ImportedFileRows
from imports.loading.held import REACH_MS
from imports.sources.source import DayFile, Feed
from warehouse.days import ONE_DAY, midnight
from warehouse.instants import naive_utc
from warehouse.models import RideStatusSnapshot
from warehouse.snapshot_id import RIDE_ID_BITS, first_id_at, instant_of, ride_id_of

_BYTES = 8
IDS_PER_QUERY = 1000
# A file's day is UTC's or the park's: it may hold hours of the days beside it, as far as zones reach.
ZONES_REACH = timedelta(hours=14)


def encode(snapshot_ids: Iterable[int]) -> bytes:
    """The set, of which each is given once, as bytes; equal sets give equal bytes."""
    keys = sorted(snapshot_ids)
    if not keys:
        return zlib.compress(b"")
    steps = array("q", map(sub, keys[1:], keys))
    steps.insert(0, keys[0])
    planes = steps.tobytes()
    return zlib.compress(b"".join([planes[n::_BYTES] for n in range(_BYTES)]), 1)


def decode(blob: bytes | None) -> set[int]:
    """The set that was encoded; None: an empty one."""
    if not blob:
        return set()
    planes = zlib.decompress(blob)
    count = len(planes) // _BYTES
    steps = bytearray(len(planes))
    for n in range(_BYTES):
        steps[n::_BYTES] = planes[n * count : (n + 1) * count]
    return set(accumulate(memoryview(steps).cast("q")))


@dataclass(frozen=True, slots=True)
class Earlier:
    """An earlier reading of a file for a park. Without `ids` it is not known which rows it held."""

    sha256: str | None
    events_read: int
    ids: bytes | None
    lacking_ids: bytes | None


def earlier_readings(park_ids: Collection[int], files: Iterable[DayFile]) -> dict[str, dict[int, Earlier]]:
    """What the ledger has of these very files, by key and park_id; of one that was never read nothing."""
    by_key = {file.key: file.day for file in files}
    rows = ImportedFile.objects.filter(
        park__in=park_ids, file_date__in=set(by_key.values()), source_file__in=by_key
    ).values_list("source_file", "file_date", "park_id", "sha256", "events_read", "rows__ids", "rows__lacking_ids")
    found: dict[str, dict[int, Earlier]] = {}
    for key, day, park_id, sha256, events_read, ids, lacking_ids in rows:
        if by_key[key] == day:
            earlier = Earlier(sha256, events_read, _bytes(ids), _bytes(lacking_ids))
            found.setdefault(key, {})[park_id] = earlier
    return found


def _bytes(blob: bytes | memoryview | None) -> bytes | None:
    return None if blob is None else bytes(blob)


#: of one reading, by park_id: the ids that it held, the same encoded, and those it lacks, encoded
HeldIds = Mapping[int, tuple[Collection[int], bytes, bytes | None]]


def keep(readings: Iterable[tuple[DayFile, HeldIds]]) -> None:
    """Write down what readings held; after the ledger's rows, in their transaction."""
    by_file = {(file.day, file.key): held for file, held in readings if held}
    if not by_file:
        return
    file_ids = ImportedFile.objects.filter(
        park__in={park_id for held in by_file.values() for park_id in held},
        file_date__in={day for day, _ in by_file},
        source_file__in={key for _, key in by_file},
    ).values_list("file_date", "source_file", "park_id", "file_id")
    rows = []
    for day, key, park_id, file_id in file_ids:
        ids, encoded, lacking = by_file.get((day, key), {}).get(park_id, (None, b"", None))
        if ids is not None:
            first, last = min(ids, default=0), max(ids, default=0)
            rows.append(
                ImportedFileRows(file_id=file_id, first_id=first, last_id=last, ids=encoded, lacking_ids=lacking)
            )
    ImportedFileRows.objects.bulk_create(
        rows, update_conflicts=True, update_fields=["first_id", "last_id", "ids", "lacking_ids"]
    )


def held_elsewhere(snapshot_ids: set[int], file: DayFile) -> set[int]:
    """Those that the last reading of another file held as well, of whatever day, park or destination: the very row, or
    one that stood for the same change and is gone, as a LIVE one that gave way to them."""
    if not snapshot_ids:
        return set()
    reach = REACH_MS << RIDE_ID_BITS
    others = (
        ImportedFileRows.objects.filter(first_id__lte=max(snapshot_ids) + reach, last_id__gte=min(snapshot_ids) - reach)
        .exclude(file__source_file=file.key)
        .values_list("ids", flat=True)
    )
    by_ride: dict[int, list[int]] = {}
    for key in snapshot_ids:
        by_ride.setdefault(ride_id_of(key), []).append(key)
    found: set[int] = set()
    beside: dict[int, set[int]] = {}  # other ids that they hold, with those of ours that are near
    for blob in others.iterator(chunk_size=100):
        held = decode(_bytes(blob))
        found |= snapshot_ids & held
        for other in held - snapshot_ids:
            near = {key for key in by_ride.get(ride_id_of(other), ()) if abs(key - other) <= reach}
            if near:
                beside[other] = near
    for other in beside.keys() - stored(beside):
        found |= beside[other]
    return found


def perhaps_held_elsewhere(snapshot_ids: set[int], park_id: int, file: DayFile) -> dict[int, date]:
    """Those that another file may have held of which it is not known what it held, with that file's day.

    Such a file was read before this was written down, and its day lies beside that of the row.
    """
    if not snapshot_ids:
        return {}
    unknown = (
        ImportedFile.objects.filter(
            park=park_id,
            feed=Feed.ARCHIVE,  # files of other feeds were never read without it
            outcome=FileOutcome.IMPORTED,
            events_read__gt=0,
            rows=None,
            file_date__range=(
                instant_of(min(snapshot_ids)).date() - 2 * ONE_DAY,
                instant_of(max(snapshot_ids)).date() + 2 * ONE_DAY,
            ),
        )
        .exclude(source_file=file.key)
        .values_list("file_date", flat=True)
    )
    found: dict[int, date] = {}
    for day in unknown:
        low, high = (first_id_at(at) for at in (midnight(day) - ZONES_REACH, midnight(day + ONE_DAY) + ZONES_REACH))
        found |= {key: day for key in snapshot_ids if low <= key < high}
    return found


def stored_between(ride_ids: Collection[int], start: datetime, end: datetime) -> set[int]:
    """The stored snapshots of these rides, from `start` on and before `end`."""
    if not ride_ids:
        return set()
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT snapshot_id FROM ride_status_snapshots FORCE INDEX (idx_ride_recorded) "
            "WHERE ride_id IN %s AND recorded_at >= %s AND recorded_at < %s",
            [list(ride_ids), naive_utc(start), naive_utc(end)],
        )
        return {row[0] for row in cursor.fetchall()}


def stored(snapshot_ids: Collection[int]) -> set[int]:
    """Those of these that are stored, by their key."""
    found: set[int] = set()
    for part in _parts(snapshot_ids):
        found |= set(
            RideStatusSnapshot.objects.filter(
                snapshot_id__in=part, recorded_at__range=(instant_of(part[0]), instant_of(part[-1]))
            ).values_list("snapshot_id", flat=True)
        )
    return found


def archive_rows(snapshot_ids: Collection[int]) -> dict[int, tuple[datetime, str, int | None]]:
    """Those of these that are stored and came from the archive, locked: when, status and wait. LIVE rows are not."""
    found: dict[int, tuple[datetime, str, int | None]] = {}
    with connection.cursor() as cursor:
        for part in _parts(snapshot_ids):
            cursor.execute(
                "SELECT snapshot_id, recorded_at, status, wait_time FROM ride_status_snapshots "
                "WHERE snapshot_id IN %s AND recorded_at BETWEEN %s AND %s AND data_source = 'ARCHIVE' FOR UPDATE",
                [part, naive_utc(instant_of(part[0])), naive_utc(instant_of(part[-1]))],
            )
            found |= {key: (at, status, wait) for key, at, status, wait in cursor.fetchall()}
    return found


def _parts(snapshot_ids: Collection[int]) -> Iterator[list[int]]:
    keys = sorted(snapshot_ids)
    for start in range(0, len(keys), IDS_PER_QUERY):
        yield keys[start : start + IDS_PER_QUERY]
