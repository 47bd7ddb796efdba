"""Faults that an importer might have, each planted in a child by hand: what does not tell them says nothing by silence.

bin/torture --planted
"""

from collections.abc import Callable, Iterator

from tests.torture import archive, inside, oracle, stored
from tests.torture.children import Trigger
from tests.torture.cycle import check_again, now, to_the_end
from tests.torture.lane import Lane

DAYS = 6  # of one destination


def _after_load(change: Callable[[list[int]], None]) -> None:
    from imports.loading import refusal

    load = refusal.load

    def broken(rows: dict, data_source: str) -> None:
        load(rows, data_source)
        if len(rows) > 2:
            change(sorted(rows))

    refusal.load = broken


def _execute(sql: str, *values: object) -> None:
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute(sql, values)


def a_row_is_skipped() -> None:
    from imports.loading import refusal

    load = refusal.load
    refusal.load = lambda rows, by: load(dict(list(rows.items())[1:] if len(rows) > 2 else rows), by)


def a_row_is_doubled() -> None:
    said = "status, wait_time, computed_is_open, data_source, wait_told"
    _after_load(
        lambda ids: _execute(
            f"INSERT INTO ride_status_snapshots (snapshot_id, ride_id, recorded_at, {said}) "
            f"SELECT snapshot_id + (1 << 20), ride_id, recorded_at + INTERVAL 1000 MICROSECOND, {said} "
            "FROM ride_status_snapshots WHERE snapshot_id = %s",
            ids[0],
        )
    )


def a_wait_is_altered() -> None:
    _after_load(
        lambda ids: _execute(
            "UPDATE ride_status_snapshots SET wait_time = wait_time + 5 WHERE snapshot_id IN %s AND wait_time < 200",
            ids,
        )
    )


def a_row_is_not_told_of_its_wait() -> None:
    _after_load(
        lambda ids: _execute(
            "UPDATE ride_status_snapshots SET wait_told = 1 - wait_told WHERE snapshot_id = %s", ids[0]
        )
    )


def a_queue_row_is_lost() -> None:
    _after_load(lambda ids: _execute("DELETE FROM queue_data WHERE snapshot_id IN %s LIMIT 1", ids))


def a_price_is_altered() -> None:
    _after_load(
        lambda ids: _execute("UPDATE queue_data SET price_amount = price_amount * 100 WHERE snapshot_id IN %s", ids)
    )


def an_occurrence_is_lost() -> None:
    _findings(lambda finding: setattr(finding, "count", finding.count - 1) if finding.count > 1 else None)


def a_finding_is_lost() -> None:
    from quality import log

    record = log.record
    log.record = lambda findings, now: record(list(findings)[1:], now)


def _findings(change: Callable) -> None:
    from quality import log

    record = log.record

    def broken(findings, now):
        findings = list(findings)
        for finding in findings:
            change(finding)
        return record(findings, now)

    log.record = broken


def the_ledger_counts_one_less() -> None:
    from imports.archive import ledger

    rows_of = ledger.rows_of

    def broken(*args, **kwargs):
        rows = rows_of(*args, **kwargs)
        for row in rows:
            row.stored, row.already_known = max(0, row.stored - 1), row.already_known + (row.stored > 0)
        return rows

    ledger.rows_of = broken


def a_counter_runs_ahead() -> None:
    from imports.models import ImportCheckpoint

    advance = ImportCheckpoint.advance
    ImportCheckpoint.advance = lambda self, *, stored, **more: advance(self, stored=stored + 1, **more)


def days_are_not_made_anew() -> None:
    """What marks a day as stale marks nothing from its third call on."""
    from warehouse.rides import changed_rows

    changed, calls = changed_rows.rows_changed, iter(range(1 << 30))

    def broken(snapshot_ids) -> None:
        if next(calls) < 2:
            changed(snapshot_ids)

    changed_rows.rows_changed = broken


def the_checkpoint_is_ahead_of_its_rows() -> None:
    """It moves in a transaction of its own, before that of the rows ends; told where a kill comes between the two."""
    import MySQLdb
    from django.db import connection

    from imports.models import ImportCheckpoint

    def ahead(self, *, day, source_file, stored, errors, files=1) -> None:
        other = MySQLdb.connect(**connection.get_connection_params())
        cursor = other.cursor()
        cursor.execute(
            "UPDATE import_checkpoints SET last_processed_date = %s, last_processed_file = %s, attempts = 0, "
            "records_imported = records_imported + %s, errors_encountered = errors_encountered + %s, "
            "files_processed = files_processed + %s WHERE checkpoint_id = %s",
            [day, source_file, stored, errors, files, self.pk],
        )
        other.commit()
        other.close()

    ImportCheckpoint.advance = ahead


FAULTS: dict[str, Callable[[], None]] = {
    fault.__name__: fault
    for fault in (
        a_row_is_skipped, a_row_is_doubled, a_wait_is_altered, a_row_is_not_told_of_its_wait, a_queue_row_is_lost,
        a_price_is_altered, an_occurrence_is_lost, a_finding_is_lost, the_ledger_counts_one_less, a_counter_runs_ahead,
        days_are_not_made_anew, the_checkpoint_is_ahead_of_its_rows,
    )
}  # fmt: skip


def told(lane: Lane) -> Iterator[tuple[str, list[str]]]:
    """Each fault, and what is told of it; first of all, under "", that nothing is told where there is none."""
    for fault in ["", *FAULTS]:
        lane.begin()
        if not lane.archive.exists():
            archive.make(lane.archive, seed=8, destinations=1, days=DAYS)
        expected = oracle.expected_of(lane.archive, now())
        if fault == the_checkpoint_is_ahead_of_its_rows.__name__:
            for number in range(6, 20, 2):  # at a commit, until one was that of rows
                lane.children.call(
                    inside.import_broken, str(lane.archive), fault, triggers=[Trigger("commit", number, "before")]
                )
        elif fault:
            lane.children.call(inside.import_broken, str(lane.archive), fault)
        to_the_end(lane)
        connection = lane.server.connect()
        lines = stored.compare(connection, expected).lines
        connection.close()
        yield fault, lines or check_again(lane)
