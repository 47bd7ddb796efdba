"""What one transaction holds: the rows of a file, or of several that are small, their findings, their lines in the
ledger, and how far their parks are.

Called inside the transaction, and perhaps several times until one holds: nothing here outlives a rollback.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import partial
from itertools import takewhile

from imports.archive import file_rows, ledger, read_before, told_beside
from imports.archive.checkpoint import ClaimLost, ImportCheckpoint
from imports.archive.commit import Written
from imports.archive.file_rows import Earlier
from imports.archive.heard_twice import heard_elsewhere, heard_twice
from imports.archive.joining import parks_joining
from imports.archive.key_reach import widened
from imports.archive.prefetch import Reading
from imports.archive.replace_live import LiveRows, leave_to_the_archive, replace_live
from imports.archive.republished import Republished, Settled
from imports.archive.request import command_for
from imports.archive.run import ImportRun, MissingDays, Totals
from imports.events import rules
from imports.loading.attribution import Attributed, Origin, attribute, place
from imports.loading.counts import Counts
from imports.loading.held import Held
from imports.loading.refusal import store
from imports.sources.source import DayFile, Feed, key_of
from quality import log
from quality.log import Recorded
from warehouse.days import ONE_DAY, midnight
from warehouse.models import DataSource, Park


def write(run: ImportRun, checkpoints: list[ImportCheckpoint], found: Sequence[Reading | MissingDays]) -> Written:
    """A file's reading, or days without one, for the parks that have them before them; or readings of several files
    (imports.archive.batches), of which as many of the first are written as can go in together: `steps` says how many.

    ClaimLost: some of the parks are no longer the run's. RowsRefused and the database's errors: see imports.loading.
    """
    first = found[0]
    if isinstance(first, MissingDays):
        return _write_missing(run, checkpoints, first)
    if first.out_of_reach_before is not None:
        return _write_out_of_reach(run, checkpoints, first, first.out_of_reach_before)
    if first.unreadable:
        return _write_unreadable(run, checkpoints, first)
    readings = [reading for reading in found if isinstance(reading, Reading)]
    if first.unchanged:
        return _write_unchanged(run, checkpoints, readings)
    return _write_files(run, checkpoints, readings)


@dataclass
class _File:
    """One file of a transaction: what its reading is to become, while the rows of all files wait to be stored."""

    reading: Reading
    found: Attributed
    before: Republished
    settled: Settled
    live: dict[int, LiveRows] | None  # by park_id
    is_stored: bool = False


def _write_files(run: ImportRun, checkpoints: list[ImportCheckpoint], readings: list[Reading]) -> Written:
    now = run.clock()
    joined, all_parks = parks_joining(run, checkpoints, readings[0])
    by_park = {checkpoint.park_id: checkpoint for checkpoint in [*checkpoints, *joined]}
    parks = [checkpoint.park for checkpoint in by_park.values()]
    held = Held()
    held.wait_for_turn(by_park)
    earlier = file_rows.earlier_readings(by_park, [reading.file for reading in readings])
    readings = _together(readings, earlier)
    if len(readings) > 1:
        _look_ahead(run, readings, held)
    files: list[_File] = []
    held.store_by(partial(_store, run, files))
    for reading in readings:
        files.append(_attribute(run, parks, reading, held, earlier.get(reading.file.key, {}), now))
        held.add(files[-1].found.rows)
    held.flush()
    held.store_by(lambda: None)  # the files know it: in a circle they would stay until the next collection
    told = _tell(run, parks, files, now)
    counts = [{by_park[park_id]: count for park_id, count in file.found.counts.items()} for file in files]
    _advance([reading.file for reading in readings], counts)
    _write_ledger(run, files, counts, by_park, told, all_parks=all_parks, now=now)
    totals = Totals(findings=sum(recorded.new for recorded in told))
    for file, mine in zip(files, counts, strict=True):
        totals.add(_totals(run, file, mine.values()))
    last = readings[-1].file
    return Written(last.last_day, last.key, totals, steps=len(readings), joined=joined)


def _together(readings: list[Reading], earlier: Mapping[str, Mapping[int, Earlier]]) -> list[Reading]:
    """As many of the first as are new, or the same as when they were read before: what became of the rows of another
    reading is asked of what is written down of all files, and so of one alone."""

    def is_settled(reading: Reading) -> bool:
        known = earlier.get(reading.file.key, {}).values()
        return all(one.sha256 == reading.sha256 and one.ids is not None for one in known)

    return list(takewhile(is_settled, readings)) or readings[:1]


def _look_ahead(run: ImportRun, readings: list[Reading], held: Held) -> None:
    entities = {one.entity_id for reading in readings for one in reading.validated.observations}
    rides = {ride.ride_id for ride in run.resolver.known(entities).values()}
    held.look_ahead(
        rides,
        [
            (_origin(run, reading.file).span, [one.milliseconds for one in reading.validated.observations])
            for reading in readings
        ],
    )


def _attribute(
    run: ImportRun, parks: list[Park], reading: Reading, held: Held, earlier: Mapping[int, Earlier], now: datetime
) -> _File:
    """What a file's events become, with the rows of it that are to go taken out of the table already."""
    file = reading.file
    placed = place(parks, reading.validated, run.resolver, _origin(run, file), held)
    live: dict[int, LiveRows] | None = None
    if run.options.replace_live:  # when it is known which rides are the parks'
        live = {park.pk: replace_live(run, park, reading.validated, file, now) for park in parks}
    before = Republished(run, reading, parks, earlier)
    found = attribute(placed, before.replace_changed if run.options.replace_archive else None)
    if run.source.data_source == DataSource.LIVE:
        leave_to_the_archive(found)
    # captures of a day are never all there is of it: that these lack what others had says nothing
    settled = Settled.nothing(parks) if run.source.feed == Feed.CAPTURES else before.settle(found, now)
    return _File(reading, found, before, settled, live)


def _store(run: ImportRun, files: list[_File]) -> None:
    """The rows of those whose rows are not stored yet, together."""
    waiting = [file for file in files if not file.is_stored]
    if waiting:
        store([file.found for file in waiting], run.source.data_source)
    for file in waiting:
        file.is_stored = True


def _tell(run: ImportRun, parks: list[Park], files: list[_File], now: datetime) -> list[Recorded]:
    """Write the findings of each file, of which a call says all there is, and what became of them."""
    elsewhere = heard_elsewhere(
        run.destination, run.source.feed, [park.pk for park in parks], [file.reading.file for file in files]
    )
    told = []
    for file in files:
        day_file = file.reading.file
        findings = [*file.found.findings]
        findings += heard_twice(run.destination, day_file, file.found.counts, elsewhere.get(day_file.day, ()))
        findings += file.settled.findings
        findings += told_beside.keep(run, parks, file.reading, now)
        findings += [rows.finding for rows in (file.live or {}).values() if rows.finding]
        told.append(log.record(findings, now))
    return told


def _write_ledger(
    run: ImportRun,
    files: list[_File],
    counts: list[dict[ImportCheckpoint, Counts]],
    by_park: Mapping[int, ImportCheckpoint],
    told: list[Recorded],
    *,
    all_parks: bool,
    now: datetime,
) -> None:
    rows = []
    for file, mine, recorded in zip(files, counts, told, strict=True):
        is_quiet = (
            recorded == Recorded()
            and not any(count.duplicates or count.rejected for count in mine.values())
            and not told_beside.is_told(file.reading)
        )
        withdrawn = {by_park[park_id]: len(gone) for park_id, gone in file.settled.withdrawn.items()}
        rows += ledger.rows_of(
            file.reading.file,
            run.source.feed,
            mine,
            now=now,
            sha256=file.reading.sha256,
            all_parks=all_parks,
            read_by=rules.current() if is_quiet and not file.found.of_no_park else "",
            withdrawn=withdrawn if run.options.replace_archive else None,
            live=None if file.live is None else {by_park[park_id]: one for park_id, one in file.live.items()},
        )
    ledger.record(rows, with_live=run.options.replace_live)
    file_rows.keep((file.reading.file, file.before.held(file.found)) for file in files)
    if all_parks and run.options.is_selective:  # for those whose rows are of a file already, and were left alone
        for file in files:
            ledger.record_same(run.destination, run.source.feed, file.reading.file, file.reading.sha256, all_parks=True)


def _totals(run: ImportRun, file: _File, counts: Iterable[Counts]) -> Totals:
    totals = Totals(files=1, withdrawn=sum(map(len, file.settled.withdrawn.values())))
    for rows in (file.live or {}).values():
        totals.live_replaced += rows.replaced
        totals.live_kept += rows.kept
    if run.whole_destination:
        totals.events = totals.rejected = file.found.of_no_park
    for count in counts:
        totals.events += count.events_read
        totals.stored += count.stored
        totals.already_known += count.already_known
        totals.duplicates += count.duplicates
        totals.rejected += count.rejected
        totals.replaced += count.replaced
    return totals


def _origin(run: ImportRun, file: DayFile) -> Origin:
    captures = run.source.feed == Feed.CAPTURES

    def to_replace(park: Park) -> str:
        return f"To have what the file says:  {command_for(run.source.url, park, file.day, '--replace')}"

    return Origin(
        run.destination,
        file.key,
        f"captures of {file.label}" if captures else file.label,
        midnight(file.day),
        midnight(file.last_day + ONE_DAY),
        against_stored=None if run.options.replace_archive or captures else to_replace,
        told_again=captures,
    )


def _write_unchanged(run: ImportRun, checkpoints: list[ImportCheckpoint], readings: list[Reading]) -> Written:
    """Files that hold what was read of them before. Of a run that chooses its files they were passed over; of one that
    takes all, they were read, and everything was known."""
    files = [reading.file for reading in readings]
    totals = Totals(files=len(files), unchanged=len(files))
    if not run.options.is_selective:
        events = sum(read_before.counts_of(run, readings, checkpoints).values())
        totals.events = totals.already_known = events
    _advance(files, [dict.fromkeys(checkpoints, Counts())] * len(files))
    if not run.options.is_selective:
        read_before.known_again(run, readings, checkpoints)
    for reading in readings:
        if not run.known.is_listed_as_before(reading.file):
            all_parks = run.whole_destination
            ledger.record_same(run.destination, run.source.feed, reading.file, reading.sha256, all_parks=all_parks)
    return Written(files[-1].last_day, files[-1].key, totals, steps=len(files))


def _write_unreadable(run: ImportRun, checkpoints: list[ImportCheckpoint], reading: Reading) -> Written:
    file, now = reading.file, run.clock()
    recorded = log.record([ledger.unreadable_finding(run.destination, file, reading.unreadable)], now)
    _move_on(file.last_day, file.key, dict.fromkeys(checkpoints, (0, 1)), dict.fromkeys(checkpoints, file.days))
    nothing = {checkpoint: Counts() for checkpoint in checkpoints}
    ledger.record(ledger.rows_of(file, run.source.feed, nothing, now=now, unreadable=True, sha256=reading.sha256))
    return Written(file.last_day, file.key, Totals(files=1, unreadable=1, findings=recorded.new))


def _write_out_of_reach(
    run: ImportRun, checkpoints: list[ImportCheckpoint], reading: Reading, earliest: date
) -> Written:
    """A day that the source has, and not for us: no row of the ledger, since it may be had otherwise."""
    file = reading.file
    findings = [widened(checkpoint.park, run.first, earliest - ONE_DAY) for checkpoint in checkpoints]
    _advance([file], [dict.fromkeys(checkpoints, Counts())])
    recorded = log.record(findings, run.clock())
    return Written(file.last_day, file.key, Totals(days_out_of_reach=1, findings=recorded.new))


def _write_missing(run: ImportRun, checkpoints: list[ImportCheckpoint], missing: MissingDays) -> Written:
    now = run.clock()
    key = key_of(run.destination, missing.last)
    totals = Totals()
    missed = run.missed_by(missing)
    files = {checkpoint: len(missed.get(checkpoint, ())) or 1 for checkpoint in checkpoints}
    _move_on(missing.last, key, dict.fromkeys(checkpoints, (0, 0)), files)
    for checkpoint in checkpoints:
        days = missed.get(checkpoint)  # none: its file was read once, and is gone since it was listed
        if days and ledger.has_events_before(checkpoint.park_id, days[0], run.destination):
            findings = ledger.record_missing(checkpoint, run.destination, days, now=now)
            totals.findings += log.record(findings, now).new
            totals.missing_days += len(days)
    return Written(missing.last, key, totals)


def _advance(files: Sequence[DayFile], counts: Sequence[Mapping[ImportCheckpoint, Counts]]) -> None:
    """Past files, each of a day or of several, for the parks that are counted."""
    results = {
        checkpoint: (sum(mine[checkpoint].stored for mine in counts), sum(mine[checkpoint].rejected for mine in counts))
        for checkpoint in counts[0]
    }
    days = sum(file.days for file in files)
    _move_on(files[-1].last_day, files[-1].key, results, dict.fromkeys(results, days))


def _move_on(
    day: date, key: str, results: dict[ImportCheckpoint, tuple[int, int]], files: dict[ImportCheckpoint, int]
) -> None:
    """Move each park's checkpoint on, by (stored, errors); ClaimLost with all those that are no longer ours.

    Before the ledger is written: its rows refer to the checkpoints, which locks these shared, and going from there
    to the lock of an UPDATE while an operator's pause waits in between is a deadlock.
    """
    lost = []
    for checkpoint in sorted(results, key=lambda checkpoint: checkpoint.pk):
        stored, errors = results[checkpoint]
        try:
            checkpoint.advance(
                day=day,
                source_file=key,
                stored=stored,
                errors=errors,
                files=files[checkpoint],
            )
        except ClaimLost:
            lost.append(checkpoint)
    if lost:
        raise ClaimLost(lost)
