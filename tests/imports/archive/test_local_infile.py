"""The server's own setting local_infile, changed while a process lives: rows come in by the way that is open now."""

import threading

import pytest
from django.db import connection

from imports.archive.pipeline import ImportFailed, run_import
from imports.loading.loader import forget_local_infile
from imports.models import ImportCheckpoint
from tests.imports.building import DAY, event, import_all, runs, write_day
from warehouse.models import RideStatusSnapshot

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.serial]


@pytest.fixture
def local_infile():
    """local_infile(on): set it on the server, and let this process connect anew, as after a restart of the server."""

    def change(on: int, *, reconnect: bool = True) -> None:
        with connection.cursor() as cursor:
            cursor.execute("SET GLOBAL local_infile = %s", [on])
        if reconnect:
            connection.close()

    yield change
    change(1)
    forget_local_infile()  # what this process found out last


@pytest.fixture
def sent():
    """The statements that brought rows of observations, as LOAD or INSERT."""
    ways = []

    def listen(execute, sql, params, many, context):
        way = sql.split()[0]
        if way in ("LOAD", "INSERT") and "ride_status_snapshots" in sql:
            ways.append(way)
        return execute(sql, params, many, context)

    with connection.execute_wrapper(listen):
        yield ways


@pytest.mark.parametrize(("first", "ways"), [(1, ["LOAD", "INSERT"]), (0, ["INSERT", "LOAD"])])
def test_each_import_asks_anew_whether_the_server_takes_local_files(tmp_path, local_infile, sent, first, ways):
    write_day(tmp_path, [event()])
    local_infile(first)
    import_all(tmp_path)
    write_day(tmp_path, [event(), event("11:00:00Z")])
    local_infile(1 - first)
    assert import_all(tmp_path).stored == 1
    assert sent == ways
    assert RideStatusSnapshot.objects.count() == 2


def test_an_import_to_which_the_server_closes_this_way_says_how_to_go_on(tmp_path, local_infile, monkeypatch):
    monkeypatch.setattr("random.uniform", lambda least, most: least)  # the pauses between the tries
    for n in (25, 26):
        write_day(tmp_path, [event(day=DAY.replace(day=n))], DAY.replace(day=n))
    (run,) = runs(tmp_path)
    with pytest.raises(
        ImportFailed,
        match=r"the server refuses local files \(.+\); set local_infile=1 on it, or \?local_infile=0 in DATABASE_URL",
    ) as failed:
        run_import(run, threading.Event(), lambda run, step: local_infile(0, reconnect=False))
    checkpoint = ImportCheckpoint.objects.get()
    assert (checkpoint.status, checkpoint.files_processed) == ("FAILED", 1)
    assert checkpoint.last_error == f"RowsRefused: {failed.value}"
    assert import_all(tmp_path).stored == 1
