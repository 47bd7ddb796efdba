"""Files that are imported again and hold what they held: known without being looked into, where nothing is lost by it.

A file is known by its bytes (sha256), by the rules it was read by, and by the rows that it held: all of them must be in
the table still, of rides that stand in the park and were never in another. It must have given nothing to tell, since a
finding that comes back is to be seen again. So importing a year anew costs a look at the index a row, not reading it
(docs/decisions/read-before.md).
"""

from collections.abc import Collection, Iterable, Sequence

from django.db.models import F, QuerySet, Sum

from imports.archive import file_rows
from imports.archive.checkpoint import ImportCheckpoint
from imports.archive.day_file_model import ImportedFile
from imports.archive.prefetch import Reading
from imports.archive.run import ImportRun
from imports.loading.attribution import NEIGHBOURING_DAY
from imports.sources.source import DayFile
from warehouse.days import midnight
from warehouse.instants import ONE_MILLISECOND
from warehouse.models import Ride, RideStay
from warehouse.server.away import patient
from warehouse.snapshot_id import RIDE_ID_MASK, first_id_at, instant_of


@patient
def whose_rows_are_there(run: ImportRun, readings: Sequence[Reading], park_ids: Collection[int]) -> set[str]:
    """The keys of those of these files, read before for these parks, of which every row is as it was; some seven
    statements for all of them."""
    files = {reading.file.key: reading.file for reading in readings}
    lost: set[str] = set()
    ids: dict[str, set[int]] = {key: set() for key in files}
    parks: dict[int, int] = {}  # by ride
    for key, park_id, events, blob in _ledger(run, files.values(), park_ids).values_list(
        "source_file", "park_id", "events_read", "rows__ids"
    ):
        if blob is None:
            lost |= {key} if events else set()  # read before it was written down what files hold
            continue
        mine = file_rows.decode(bytes(blob))
        ids[key] |= mine
        for ride_id in {snapshot_id & RIDE_ID_MASK for snapshot_id in mine}:
            lost |= {key} if parks.setdefault(ride_id, park_id) != park_id else set()
    stand_there = dict(Ride.objects.filter(pk__in=parks).values_list("pk", "park_id"))
    moved = set(RideStay.objects.filter(ride__in=parks).values_list("ride_id", flat=True))
    elsewhere = moved | {ride_id for ride_id, park_id in parks.items() if stand_there.get(ride_id) != park_id}
    there = _stored(files.values(), ids, parks)
    return {
        key
        for key, mine in ids.items()
        if key not in lost
        and mine <= there
        and elsewhere.isdisjoint({snapshot_id & RIDE_ID_MASK for snapshot_id in mine} if elsewhere else ())
    }


def _stored(files: Iterable[DayFile], ids: dict[str, set[int]], rides: Collection[int]) -> set[int]:
    """Of these rides' rows at least those among the ids."""
    inside: list[int] = []
    outliers: set[int] = set()  # one by one: a single event months old must not make the months between be read
    for file in files:
        low = first_id_at(midnight(file.day) - NEIGHBOURING_DAY)
        high = first_id_at(midnight(file.last_day) + 2 * NEIGHBOURING_DAY)
        within = [snapshot_id for snapshot_id in ids[file.key] if low <= snapshot_id < high]
        inside += [min(within), max(within)] if within else []
        outliers |= ids[file.key].difference(within)
    found = file_rows.stored(outliers)
    if inside:
        end = instant_of(max(inside)) + ONE_MILLISECOND
        found |= file_rows.stored_between(rides, instant_of(min(inside)), end)
    return found


def counts_of(run: ImportRun, readings: Sequence[Reading], checkpoints: Sequence[ImportCheckpoint]) -> dict[int, int]:
    """By park_id: how many events the files gave when they were read."""
    park_ids = [checkpoint.park_id for checkpoint in checkpoints]
    rows = _ledger(run, [reading.file for reading in readings], park_ids)
    return dict(rows.values("park_id").order_by().annotate(events=Sum("events_read")).values_list("park_id", "events"))


def known_again(run: ImportRun, readings: Sequence[Reading], checkpoints: Sequence[ImportCheckpoint]) -> None:
    """The ledger after them: as it would be had they been read, in the transaction of the checkpoints."""
    for checkpoint in checkpoints:
        _ledger(run, [reading.file for reading in readings], [checkpoint.park_id]).update(
            stored=0,
            already_known=F("events_read"),
            replaced=None,
            withdrawn=None,
            imported_at=run.clock(),
            checkpoint=checkpoint,
        )


def _ledger(run: ImportRun, files: Iterable[DayFile], park_ids: Collection[int]) -> QuerySet[ImportedFile]:
    by_key = {file.key: file.day for file in files}
    return ImportedFile.objects.filter(
        park__in=park_ids,
        destination_wiki_id=run.destination,
        feed=run.source.feed,
        file_date__in=set(by_key.values()),
        source_file__in=by_key,
    )
