"""What holds where two nodes write at one instant: the locks of one are nothing to the other."""

import threading
from datetime import UTC, date, datetime

import MySQLdb
import pytest
from django.db import OperationalError, connection, transaction

from imports.archive.checkpoint import ImportCheckpoint
from imports.archive.commit import Attempt, Written
from imports.archive.pause_model import Pause
from imports.archive.run import Totals
from imports.archive.transitions import ImportStatus, TransitionRefused
from imports.workers import standstill
from tests.cluster.nodes import DATABASE, AtNode, make_tables
from tests.waiting import HANG_SECONDS
from warehouse import checks
from warehouse.models import HeldLock, Park, Turn
from warehouse.partitioning.online import state, statements, steps
from warehouse.partitioning.partitions import TABLE
from warehouse.server import ddl, named_lock, turns

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.serial,
    pytest.mark.timeout(900),
]
DESTINATION = "11111111-1111-4111-8111-111111111111"
DEADLOCK = 1213


@pytest.fixture(scope="module")
def _tables(cluster, django_db_setup, django_db_blocker):
    with django_db_blocker.unblock():
        make_tables(cluster)


@pytest.fixture
def at(cluster, _tables):
    """at(node, work): begin it there; `.result()` waits for what it came to."""
    yield lambda node, work: AtNode(cluster, node, work)
    for table in (ImportCheckpoint, Park, Pause, HeldLock, Turn):
        AtNode(cluster, 1, table.objects.all().delete).result()


def a_park() -> Park:
    return Park.objects.create(
        park_name="A park", timezone="UTC", themeparks_wiki_id=DESTINATION, destination_wiki_id=DESTINATION
    )


def an_import(park: Park) -> ImportCheckpoint:
    return ImportCheckpoint.objects.create(
        park=park,
        destination_wiki_id=DESTINATION,
        source="/archive",
        start_date=date(2025, 1, 1),
        end_date=date(2025, 1, 2),
        files_total=2,
    )


@pytest.mark.parametrize("how_many", [1, 2])
def test_of_two_nodes_that_claim_one_park_at_one_instant_one_has_it(at, how_many, monkeypatch):
    """One import, or two of the park from the same files. Neither commits before both have found the park free."""
    both, been = threading.Barrier(2, timeout=HANG_SECONDS), set()
    current = Pause.current

    def looked() -> Pause | None:  # the last question of a claim
        if (thread := threading.get_ident()) not in been:
            been.add(thread)
            both.wait()
        return current()

    def claim(mine: ImportCheckpoint) -> str:
        try:
            mine.claim(threading.current_thread().name)
        except TransitionRefused as refused:
            return str(refused)
        return "claimed"

    park = at(1, a_park).result()
    imports = at(1, lambda: [an_import(park) for _ in range(how_many)]).result()
    monkeypatch.setattr(Pause, "current", looked)
    said = [at(node, lambda mine=mine: claim(mine)) for node, mine in ((1, imports[0]), (2, imports[-1]))]
    words = sorted((each.result() for each in said), key="claimed".__eq__)
    assert words[1] == "claimed" and "is being imported" in words[0], words
    running = ImportCheckpoint.objects.filter(status=ImportStatus.IN_PROGRESS)
    assert at(3, running.count).result() == 1


def test_what_is_committed_while_another_node_has_the_turn_is_seen_or_comes_too_late(at):
    park = at(1, a_park).result()
    reached, goes_on = threading.Event(), threading.Event()

    def slow() -> None:
        with transaction.atomic():
            turns.wait_for_turn([park.pk])
            reached.set()
            assert goes_on.wait(HANG_SECONDS)
            Park.objects.filter(pk=park.pk).update(park_name="slow")

    def quick() -> None:
        with transaction.atomic():
            turns.wait_for_turn([park.pk])

    slower = at(1, slow)
    assert reached.wait(HANG_SECONDS)
    at(2, quick).result()
    goes_on.set()
    with pytest.raises(OperationalError) as raised:
        slower.result()
    assert raised.value.args[0] == DEADLOCK
    assert at(3, Park.objects.get).result().park_name == "A park"


def test_a_claim_that_has_not_seen_a_pause_on_another_node_is_stopped_by_it(at, monkeypatch):
    park = at(1, a_park).result()
    mine = at(1, lambda: an_import(park)).result()
    has_looked, paused = threading.Event(), threading.Event()
    current = Pause.current

    def looked() -> Pause | None:
        found = current()
        if not has_looked.is_set():
            has_looked.set()
            assert paused.wait(HANG_SECONDS)
        return found

    monkeypatch.setattr(Pause, "current", looked)
    claiming = at(1, lambda: mine.claim("a worker"))
    assert has_looked.wait(HANG_SECONDS)
    at(2, lambda: standstill.begin("anna", now=datetime(2026, 1, 1, tzinfo=UTC))).result()
    paused.set()
    with pytest.raises(TransitionRefused, match="Everything is paused by anna"):
        claiming.result()
    assert at(3, ImportCheckpoint.objects.get).result().status == ImportStatus.PENDING


def test_a_lock_by_name_is_the_whole_clusters_and_is_taken_over_from_who_gives_no_sign(at, monkeypatch):
    held, done = threading.Event(), threading.Event()

    def hold() -> bool:
        with named_lock.named_lock("it") as mine:
            held.set()
            assert done.wait(HANG_SECONDS)
            return mine

    def ask() -> bool:
        with named_lock.named_lock("it") as mine:
            return mine

    monkeypatch.setattr(named_lock, "SIGN_EVERY_SECONDS", HANG_SECONDS)
    holding = at(1, hold)
    assert held.wait(HANG_SECONDS)
    assert at(2, ask).result() is False
    assert "last sign of life is" in at(2, lambda: named_lock.holder_of("it")).result()
    monkeypatch.setattr(named_lock, "STALE_SECONDS", 0)
    assert at(3, ask).result() is True
    monkeypatch.undo()
    done.set()
    assert holding.result() is True
    assert at(2, HeldLock.objects.count).result() == 0


def test_a_table_is_changed_though_another_node_writes_to_it_in_between(at, cluster):
    """With the table locked meanwhile, as on a single server, node 1 hangs here until it is killed."""
    other = cluster.connect(2, name=DATABASE)

    def write() -> bool:
        cursor = other.cursor()
        cursor.execute(
            f"REPLACE INTO {TABLE} (snapshot_id, ride_id, recorded_at, status, computed_is_open) "
            "VALUES (1, 1, '2026-01-05', 'DOWN', 0)"
        )
        return True

    def change() -> bool:
        return ddl.alter_if(
            f"ALTER TABLE {TABLE} COMMENT = 'changed'", TABLE, beside=[], only_if=write, patience_seconds=0
        )

    assert at(1, change).result() is True
    assert at(3, lambda: comment_of(TABLE)).result() == "changed"
    other.close()


def test_a_change_steps_back_from_who_is_at_the_table_here_and_ends_who_is_on_another_node(at, cluster):
    here, there = cluster.connect(1, name=DATABASE), cluster.connect(2, name=DATABASE)
    for session in (here, there):
        session.query("BEGIN")
        session.query(f"SELECT COUNT(*) FROM {TABLE}")
        session.store_result()
    sql = f"ALTER TABLE {TABLE} COMMENT = 'again'"
    with pytest.raises(ddl.TableInUse, match=r"^ride_status_snapshots was in use"):
        at(1, lambda: ddl.alter(sql, TABLE, patience_seconds=0)).result()
    with pytest.raises(ddl.TableInUse):
        at(1, lambda: ddl.run(sql, TABLE, patience_seconds=0)).result()
    there.query("SELECT 1")
    there.store_result()
    here.query("ROLLBACK")
    at(1, lambda: ddl.alter(sql, TABLE, patience_seconds=HANG_SECONDS)).result()
    with pytest.raises(MySQLdb.OperationalError) as ended:
        there.query("SELECT 1")
    assert ended.value.args[0] == DEADLOCK
    here.close()
    there.close()


def test_a_commit_that_is_under_way_on_the_node_that_was_left_comes_too_late(at):
    """Asked for on another node, it is told as not made: then it must not be made behind that."""
    park = at(1, a_park).result()
    mine = at(1, lambda: an_import(park)).result()
    at(1, lambda: mine.claim("a worker")).result()
    reached, goes_on = threading.Event(), threading.Event()

    def file() -> None:
        with transaction.atomic():
            turns.wait_for_turn([park.pk])
            mine.advance(day=date(2025, 1, 1), source_file="a file", stored=1, errors=0)
            reached.set()
            assert goes_on.wait(HANG_SECONDS)

    attempt = Attempt(run=None, checkpoints=[mine], patience=None)
    attempt.written = Written(date(2025, 1, 1), "a file", Totals())
    slow = at(1, file)
    assert reached.wait(HANG_SECONDS)
    assert at(2, attempt.was_committed).result() is False
    goes_on.set()
    with pytest.raises(OperationalError) as raised:
        slow.result()
    assert raised.value.args[0] == DEADLOCK


def test_a_row_that_is_deleted_on_one_node_while_another_copies_it_is_in_neither_table_or_both(at, cluster):
    def prepare() -> None:
        with connection.cursor() as cursor:
            cursor.execute(
                f"REPLACE INTO {TABLE} (snapshot_id, ride_id, recorded_at, status, computed_is_open) "
                "VALUES (7, 1, '2026-01-05', 'DOWN', 0)"
            )
        for sql in statements.prepare("rollback", date(2026, 1, 1)):
            steps.run_ddl(sql, TABLE, HANG_SECONDS)
        for event in statements.TRIGGERS:
            steps.run_ddl(statements.trigger(event), TABLE, HANG_SECONDS)

    at(1, prepare).result()
    deleting = cluster.connect(2, name=DATABASE)
    try:
        deleting.query("SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED")  # as sessions of ours are
        deleting.query("BEGIN")
        deleting.query(f"DELETE FROM {TABLE} WHERE snapshot_id = 7")
        at(1, lambda: steps.copy(lambda *said: None, HANG_SECONDS, 0)).result()
        with pytest.raises(MySQLdb.OperationalError) as ended:
            deleting.query("COMMIT")
        assert ended.value.args[0] == DEADLOCK
        at(3, lambda: steps.compare(lambda *said: None)).result()
    finally:
        deleting.close()
        at(1, lambda: steps.take_back(state.look(), lambda *said: None, HANG_SECONDS)).result()


def test_what_a_node_is_to_be_set_to_is_checked(at, cluster):
    def found(*settings: str) -> set[str]:
        with connection.cursor() as cursor:
            for setting in settings:
                cursor.execute(f"SET {setting}")
        return {message.id for message in checks.check_server(None, databases=["default"])}

    ours = {"warehouse.E113", "warehouse.W114", "warehouse.W115"}
    assert not at(1, found).result() & ours
    assert at(1, lambda: found("SESSION wsrep_sync_wait = 1")).result() & ours == {"warehouse.W114"}
    try:
        assert at(2, lambda: found("GLOBAL wsrep_load_data_splitting = ON")).result() & ours == {"warehouse.E113"}
    finally:
        at(2, lambda: found("GLOBAL wsrep_load_data_splitting = OFF")).result()


def comment_of(table: str) -> str:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT table_comment FROM information_schema.tables WHERE table_schema = DATABASE() AND table_name = %s",
            [table],
        )
        return cursor.fetchone()[0]
