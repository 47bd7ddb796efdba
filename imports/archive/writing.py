"""What one transaction holds: the rows of a file, its findings, its line in the ledger, and how far its parks are.

Called inside the transaction, and perhaps several times until one holds: nothing here outlives a rollback.
"""

from datetime import date

from imports.archive import ledger, told_beside
from imports.archive.checkpoint import ClaimLost, ImportCheckpoint
from imports.archive.commit import Written
from imports.archive.heard_twice import heard_twice
from imports.archive.joining import parks_joining
from imports.archive.key_reach import widened
from imports.archive.prefetch import Reading
from imports.archive.replace_live import LiveRows, leave_to_the_archive, replace_live
from imports.archive.republished import Republished, Settled
from imports.archive.request import command_for
from imports.archive.run import ImportRun, MissingDays, Totals
from imports.loading.attribution import Origin, attribute, place
from imports.loading.counts import Counts
from imports.loading.refusal import store
from imports.sources.source import DayFile, Feed, key_of
from quality import log
from warehouse.days import ONE_DAY, midnight
from warehouse.models import DataSource, Park


def write(run: ImportRun, checkpoints: list[ImportCheckpoint], found: Reading | MissingDays) -> Written:
    """A file's reading, or days without one, for the parks that have them before them.

    ClaimLost: some of them are no longer the run's. RowsRefused and the database's errors: see imports.loading.
    """
    if isinstance(found, MissingDays):
        return _write_missing(run, checkpoints, found)
    if found.out_of_reach_before is not None:
        return _write_out_of_reach(run, checkpoints, found, found.out_of_reach_before)
    if found.unreadable:
        return _write_unreadable(run, checkpoints, found)
    if found.unchanged:
        return _write_unchanged(run, checkpoints, found)
    return _write_file(run, checkpoints, found)


def _write_file(run: ImportRun, checkpoints: list[ImportCheckpoint], reading: Reading) -> Written:
    file, now = reading.file, run.clock()
    joined, all_parks = parks_joining(run, checkpoints, reading)
    by_park = {checkpoint.park_id: checkpoint for checkpoint in [*checkpoints, *joined]}
    parks = [checkpoint.park for checkpoint in by_park.values()]
    placed = place(parks, reading.validated, run.resolver, _origin(run, file))
    live: dict[int, LiveRows] | None = None
    if run.options.replace_live:  # when it is known which rides are the parks'
        live = {park.pk: replace_live(run, park, reading.validated, file, now) for park in parks}
    before = Republished(run, reading, parks)
    found = attribute(placed, before.replace_changed if run.options.replace_archive else None)
    if run.source.data_source == DataSource.LIVE:
        leave_to_the_archive(found)
    # captures of a day are never all there is of it: that these lack what others had says nothing
    settled = Settled.nothing(parks) if run.source.feed == Feed.CAPTURES else before.settle(found, now)
    store(found, run.source.data_source)
    findings = [*found.findings, *heard_twice(run.destination, run.source.feed, file, found.counts), *settled.findings]
    findings += told_beside.keep(run, parks, reading, now)
    kept = [rows.finding for rows in (live or {}).values() if rows.finding]
    recorded = log.record([*findings, *kept], now)
    counts = {by_park[park_id]: count for park_id, count in found.counts.items()}
    _advance(file, {mine: (count.stored, count.rejected) for mine, count in counts.items()})
    withdrawn = {by_park[park.pk]: len(settled.withdrawn[park.pk]) for park in parks}
    ledger.record_file(
        file,
        run.source.feed,
        counts,
        now=now,
        sha256=reading.sha256,
        all_parks=all_parks,
        withdrawn=withdrawn if run.options.replace_archive else None,
        live=None if live is None else {by_park[park_id]: rows for park_id, rows in live.items()},
    )
    before.keep(found)
    if all_parks and run.options.is_selective:  # for those whose rows are of this file already, and were left alone
        ledger.record_same(run.destination, run.source.feed, file, reading.sha256, all_parks=True)
    totals = Totals(files=1, findings=recorded.new, withdrawn=sum(map(len, settled.withdrawn.values())))
    for rows in (live or {}).values():
        totals.live_replaced += rows.replaced
        totals.live_kept += rows.kept
    if run.whole_destination:
        totals.events = totals.rejected = found.of_no_park
    for count in counts.values():
        totals.events += count.events_read
        totals.stored += count.stored
        totals.already_known += count.already_known
        totals.duplicates += count.duplicates
        totals.rejected += count.rejected
        totals.replaced += count.replaced
    return Written(file.last_day, file.key, totals, joined)


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


def _write_unchanged(run: ImportRun, checkpoints: list[ImportCheckpoint], reading: Reading) -> Written:
    file = reading.file
    _advance(file, dict.fromkeys(checkpoints, (0, 0)))
    ledger.record_same(run.destination, run.source.feed, file, reading.sha256, all_parks=run.whole_destination)
    return Written(file.last_day, file.key, Totals(files=1, unchanged=1))


def _write_unreadable(run: ImportRun, checkpoints: list[ImportCheckpoint], reading: Reading) -> Written:
    file, now = reading.file, run.clock()
    recorded = log.record([ledger.unreadable_finding(run.destination, file, reading.unreadable)], now)
    _advance(file, dict.fromkeys(checkpoints, (0, 1)))
    nothing = {checkpoint: Counts() for checkpoint in checkpoints}
    ledger.record_file(file, run.source.feed, nothing, now=now, unreadable=True, sha256=reading.sha256)
    return Written(file.last_day, file.key, Totals(files=1, unreadable=1, findings=recorded.new))


def _write_out_of_reach(
    run: ImportRun, checkpoints: list[ImportCheckpoint], reading: Reading, earliest: date
) -> Written:
    """A day that the source has, and not for us: no row of the ledger, since it may be had otherwise."""
    file = reading.file
    findings = [widened(checkpoint.park, run.first, earliest - ONE_DAY) for checkpoint in checkpoints]
    _advance(file, dict.fromkeys(checkpoints, (0, 0)))
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


def _advance(file: DayFile, results: dict[ImportCheckpoint, tuple[int, int]]) -> None:
    """Past a file, of a day or of several."""
    _move_on(file.last_day, file.key, results, dict.fromkeys(results, file.days))


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
