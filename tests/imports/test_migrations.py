"""An existing warehouse goes on: its schedules and waiting messages find their tasks, and its columns their rows."""

import pydoc
from contextlib import contextmanager
from datetime import date, timedelta

import pytest
from django.core.management import call_command
from django.db import connection
from django.utils import timezone
from django_q.models import Failure, OrmQ, Schedule, Success
from django_q.scheduler import scheduler
from django_q.signing import SignedPackage
from django_q.tasks import async_task

from imports.live.models import LiveCollection
from imports.models import ImportCheckpoint, ImportStatus
from imports.workers import schedules
from tests import migrating
from tests.imports.api_world import MAGIC_KINGDOM, RESORT, magic_kingdom
from tests.imports.building import DAY, PARK, event, runs, write_day
from tests.imports.clusters import Cluster
from tests.imports.desk import new_import, park, running
from tests.imports.fault_server import fault_server
from tests.waiting import until
from warehouse.models import EntityMetadata, Park, RideStatusSnapshot

pytestmark = pytest.mark.django_db(transaction=True)

#: what the commit before stored: where the tasks were, by what they are called now
BEFORE = {
    "imports.tasks.collect_live": "imports.source_tasks.collect_live",
    "imports.tasks.sync_metadata": "imports.schedules.sync_metadata",
    "imports.tasks.import_slice": "imports.slices.import_slice",
}
OURS = ("Collect live states", "Sync metadata")


@pytest.fixture
def migrate():
    """Brings the app to a migration; whatever a test does with it, all of them are applied afterwards."""
    yield lambda name: migrating.migrate("imports", name)
    migrating.migrate()


# --- 0003: the tasks in one module --------------------------------------------------------------------------------
@pytest.fixture
def before(migrate, tmp_path):
    """A warehouse of the commit before: registered schedules, one with other times, one switched off; an import waits.

    One message of each task waits too, with the arguments that it had then.
    """
    write_day(tmp_path, [event()])
    (run,) = runs(tmp_path)  # while the columns are those of the models
    (checkpoint,) = run.checkpoints
    checkpoint.queue()
    list(schedules.sync())
    migrate("0002")
    for now, then in BEFORE.items():
        Schedule.objects.filter(func=now).update(func=then)
    Schedule.objects.filter(name="Collect live states").update(minutes=30)
    Schedule.objects.filter(name="Sync metadata").update(repeats=0, cron="15 4 * * 2")
    named = [[checkpoint.pk, checkpoint.generation]]
    async_task("imports.slices.import_slice", named, group=f"import of {checkpoint.park}", timeout=600, save=False)
    async_task("imports.schedules.sync_metadata", RESORT, group="Sync metadata")
    async_task("imports.source_tasks.collect_live", group="Collect live states")
    assert stored_names() == set(BEFORE.values())
    return checkpoint


def stored_names() -> set[str]:
    """The functions of this app that schedules and waiting messages name, of those that there were then."""
    named = {*Schedule.objects.values_list("func", flat=True), *(row.func() for row in OrmQ.objects.all())}
    return {name for name in named if name in BEFORE or name in BEFORE.values()}


def everything_but_the_names() -> list:
    kept = [{key: value for key, value in row.items() if key != "func"} for row in Schedule.objects.values()]
    for row in OrmQ.objects.order_by("id"):
        kept.append((row.id, row.key, row.lock, {key: value for key, value in row.task.items() if key != "func"}))
    return kept


def test_schedules_and_messages_follow_the_tasks_and_go_back(before, migrate):
    kept = everything_but_the_names()
    migrate("0003")
    assert stored_names() == set(BEFORE)
    assert all(callable(pydoc.locate(name)) for name in stored_names())
    assert everything_but_the_names() == kept
    migrate("0002")
    assert stored_names() == set(BEFORE.values())
    assert everything_but_the_names() == kept


def test_a_message_that_cannot_be_read_is_left_as_it_is(before, migrate):
    """Signed with another SECRET_KEY: no worker runs it either."""
    foreign = OrmQ.objects.create(key="warehouse", payload=SignedPackage.dumps({})[::-1], lock=timezone.now())
    migrate("0003")
    assert OrmQ.objects.get(pk=foreign.pk).payload == foreign.payload


def test_after_the_migration_a_cluster_runs_its_schedules_and_its_waiting_messages(before, migrate, tmp_path):
    migrating.migrate()
    assert Schedule.objects.get(name="Sync metadata").repeats == 0, "what was switched off stays so"
    Schedule.objects.filter(name="Sync metadata").update(repeats=-1)
    Schedule.objects.update(next_run=timezone.now() + timedelta(days=1))
    Schedule.objects.filter(name__in=OURS).update(next_run=timezone.now() - timedelta(minutes=1))
    scheduler()  # as a cluster does it, every half minute
    assert OrmQ.objects.count() == 5, "three messages of before, and one of each schedule"
    with fault_server(magic_kingdom().answers) as api, cluster(api.url, tmp_path):
        # four of them leave a line of success; what an import did stands in its checkpoint
        until(
            lambda: _succeeded().count() == 4 and _status(before) == ImportStatus.COMPLETED,
            otherwise=lambda: [*Success.objects.values("func", "group"), *Failure.objects.values()],
        )
    assert not Failure.objects.exists()
    assert set(_succeeded().values_list("func", flat=True)) == {
        "imports.tasks.collect_live",
        "imports.tasks.sync_metadata",
    }
    assert RideStatusSnapshot.objects.filter(recorded_at__date=DAY).exists()
    assert EntityMetadata.objects.filter(ride__park__themeparks_wiki_id=MAGIC_KINGDOM).exists()
    assert LiveCollection.objects.count() == 2


def _succeeded():
    return Success.objects.filter(group__in=OURS)


def _status(checkpoint: ImportCheckpoint) -> str:
    return ImportCheckpoint.objects.get(pk=checkpoint.pk).status


@contextmanager
def cluster(api_url: str, folder):
    """A real cluster of django-q2 on the test database that asks `api_url`; killed with all of it at the end."""
    settings = {
        "THEMEPARKS_API_URL": f"{api_url}/v1",
        "THEMEPARKS_REQUESTS_PER_MINUTE": 300,
        "THEMEPARKS_CACHE_DIR": str(folder / "cache"),
        "DESTINATIONS": [RESORT],
    }
    started = Cluster(folder / "cluster.log", workers=1, settings=settings)
    try:
        yield
    finally:
        started.kill()


# --- 0004: updated_at ---------------------------------------------------------------------------------------------
TRANSITIONS = {
    "queue": lambda checkpoint: checkpoint.queue(),
    "claim": lambda checkpoint: checkpoint.claim("another worker"),
    "beat": lambda checkpoint: running(checkpoint).beat(),
    "advance": lambda checkpoint: running(checkpoint).advance(
        day=date(2024, 1, 1), source_file="a day file", stored=1, errors=0
    ),
    "put back": lambda checkpoint: running(checkpoint).put_back(),
    "complete": lambda checkpoint: running(checkpoint).complete(),
    "pause": lambda checkpoint: checkpoint.pause("by somebody"),
    "fail": lambda checkpoint: running(checkpoint).fail("it broke"),
}


@pytest.mark.parametrize("transition", TRANSITIONS)
def test_every_update_of_an_import_moves_updated_at_by_the_servers_clock_in_utc(transition):
    checkpoint = new_import(park())
    ImportCheckpoint.objects.update(updated_at="2020-01-01T00:00:00Z")
    since = utc_of_the_server()
    TRANSITIONS[transition](checkpoint)
    assert since <= _updated_at() <= utc_of_the_server()


def test_a_row_that_is_inserted_has_its_updated_at_and_keeps_its_created_at():
    since = utc_of_the_server()
    checkpoint = new_import(park())
    assert since <= _updated_at() <= utc_of_the_server()
    made_at = ImportCheckpoint.objects.get().created_at
    checkpoint.pause()
    assert ImportCheckpoint.objects.get().created_at == made_at


def utc_of_the_server():
    with connection.cursor() as cursor:
        cursor.execute("SELECT CAST(UTC_TIMESTAMP(6) AS CHAR)")
        return cursor.fetchone()[0]


def _updated_at() -> str:
    with connection.cursor() as cursor:
        cursor.execute("SELECT CAST(updated_at AS CHAR) FROM import_checkpoints")
        return cursor.fetchone()[0]


def definition(table: str, column: str) -> str:
    with connection.cursor() as cursor:
        cursor.execute(f"SHOW CREATE TABLE {table}")
        return next((line.strip() for line in cursor.fetchone()[1].splitlines() if f"`{column}`" in line), "")


def test_updated_at_is_the_servers_own_and_goes_back_to_a_plain_column(migrate):
    assert "on update current_timestamp(6)" in definition("import_checkpoints", "updated_at").lower()
    migrate("0003")
    assert definition("import_checkpoints", "updated_at").lower() == (
        "`updated_at` datetime(6) not null default current_timestamp(6),"
    )


# --- 0005: rides_reported -----------------------------------------------------------------------------------------
def test_what_was_reported_of_a_park_keeps_its_figure_through_the_change_of_name(migrate):
    place = park()
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO live_freshness (park_id, collected_at, rides_reported, is_open) VALUES (%s, %s, 60, 1)",
            [place.pk, "2026-01-01 00:00:00"],
        )
        for name, column in (("0004", "rides_told"), ("0005", "rides_reported")):
            migrate(name)
            cursor.execute(f"SELECT {column} FROM live_freshness")
            assert cursor.fetchone() == (60,)


# --- 0007: whose file it was --------------------------------------------------------------------------------------
A, B = "aaaaaaaa-0000-4000-8000-000000000001", "bbbbbbbb-0000-4000-8000-000000000002"


def _insert(table: str, **values) -> None:
    columns, marks = ", ".join(f"`{name}`" for name in values), ", ".join(["%s"] * len(values))
    with connection.cursor() as cursor:
        cursor.execute(f"INSERT INTO {table} ({columns}) VALUES ({marks})", [*values.values()])


def _ledger_row(place, day: int, source_file: str, outcome: str = "IMPORTED", events: int = 0, **values) -> None:
    counts = {"events_read": events, "stored": events, "already_known": 0, "duplicates": 0, "rejected": 0}
    _insert(
        "import_files",
        park_id=place.pk,
        file_date=date(2024, 1, day),
        source_file=source_file,
        outcome=outcome,
        etag="",
        imported_at="2026-01-01 00:00:00",
        **counts,
        **values,
    )


def _ledger(columns: str) -> list[tuple]:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {columns} FROM import_files ORDER BY file_date, park_id, source_file")
        return list(cursor.fetchall())


def test_the_ledger_learns_whose_file_it_was_and_forgets_it_again(migrate):
    place = park(destination=B)
    migrate("0006")
    _ledger_row(place, 1, f"{A.upper()}/2024/01/01.json.gz", events=6)
    _ledger_row(place, 2, f"{A}/2024/01/02.json.gz")  # read, and held nothing of it
    _ledger_row(place, 3, "03.json.gz", "MISSING")
    _ledger_row(place, 4, f"{B}/2024/01/04.json.gz", "UNREADABLE")
    _insert(
        "import_checkpoints", park_id=place.pk, import_id="imp_1", source="/a",
        last_processed_file=f"{A}/2024/01/01.json.gz", records_imported=6, errors_encountered=0, whole_destination=1,
        missing_only=0, replace_live=0, files_total=1, files_processed=1, generation=1, worker="", attempts=0,
        last_error="", updated_at="2025-01-01 00:00:00",
    )  # fmt: skip
    migrating.migrate()  # to the columns of the models
    assert _ledger("destination_wiki_id, outcome, all_parks, modified_at") == [
        (A, "IMPORTED", 0, None),
        (A, "NO_EVENTS", 0, None),
        (B, "MISSING", 0, None),
        (B, "UNREADABLE", 0, None),
    ]
    checkpoint = ImportCheckpoint.objects.get()
    assert (checkpoint.destination_wiki_id, checkpoint.changed_only) == (A, False)
    assert checkpoint.updated_at.year == 2025, "no update of the import"
    kept = {"all_parks": 0}
    _ledger_row(place, 1, f"{B}/2024/01/01.json.gz", "NO_EVENTS", destination_wiki_id=B, **kept)
    _ledger_row(place, 2, f"{B}/2024/01/02.json.gz", "IMPORTED", 4, destination_wiki_id=B, **kept)
    _ledger_row(place, 3, f"{A}/2024/01/03.json.gz", "NO_EVENTS", destination_wiki_id=A, **kept)
    migrate("0006")
    assert _ledger("file_date, source_file, outcome, events_read") == [
        (date(2024, 1, 1), f"{A.upper()}/2024/01/01.json.gz", "IMPORTED", 6),
        (date(2024, 1, 2), f"{B}/2024/01/02.json.gz", "IMPORTED", 4),
        (date(2024, 1, 3), "03.json.gz", "MISSING", 0),
        (date(2024, 1, 4), f"{B}/2024/01/04.json.gz", "UNREADABLE", 0),
    ]


def test_the_first_import_of_what_is_new_after_the_update_brings_what_was_lost(migrate, tmp_path):
    """The ledger of before called a park's day imported by a file that did not speak of it."""
    write_day(tmp_path, [event()], DAY, B)
    place = Park.objects.create(park_name="Moved", themeparks_wiki_id=PARK, destination_wiki_id=B)
    migrate("0006")
    _ledger_row(place, 1, f"{A}/2024/01/01.json.gz")
    with connection.cursor() as cursor:
        cursor.execute("UPDATE import_files SET file_date = %s", [DAY])
    migrating.migrate()  # to the columns of the models
    call_command("import_archive", all=True, missing_only=True, source=str(tmp_path), verbosity=0)
    assert RideStatusSnapshot.objects.count() == 1
