"""manage.py import_archive with its connection cut before and after each packet of an import of three files.

In the suite every 89th packet; all of them, 4 outcomes and 2 moments each, some minutes of CPU:

    EVERY_PACKET=1 ./bin/test tests/imports/archive/test_every_packet.py
"""

import os
import signal
import sys
import threading
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection

import manage
from imports.models import ImportCheckpoint
from quality.models import OwedCheck
from tests.cutting_proxy import CuttingProxy, cutting_proxy
from tests.emptying import empty_tables
from tests.imports import forks
from tests.imports.building import DAY, DESTINATION, OTHER_PARK, OTHER_RIDE, PARK, event, ride, write_day
from tests.imports.table_state import table_state
from tests.waiting import until
from warehouse.models import RideStatusSnapshot
from warehouse.rides import stale_days
from warehouse.server import away

pytestmark = pytest.mark.django_db(transaction=True)

STRIDE = int(os.environ.get("EVERY_PACKET", "89"))
AFTER = {"name": "After", "parkSlug": "called-otherwise", "timezone": "Europe/Paris"}
CALLED = {"name": "Before"}, AFTER, AFTER
MOVES = ride(7)
TOLD_OF_PARKS_AND_RIDES = (
    "SELECT r.themeparks_wiki_id, d.day, d.observations FROM ride_days d JOIN rides r USING (ride_id)",
    "SELECT themeparks_wiki_id, park_name, park_slug, timezone FROM parks",
    "SELECT r.themeparks_wiki_id, p.themeparks_wiki_id, s.begins_at, s.ends_at "
    "FROM ride_stays s JOIN rides r USING (ride_id) JOIN parks p ON p.park_id = s.park_id",
    "SELECT COALESCE(p.themeparks_wiki_id, r.themeparks_wiki_id), c.`before`, c.`after` "
    "FROM metadata_changes c LEFT JOIN parks p USING (park_id) LEFT JOIN rides r ON r.ride_id = c.ride_id",
)
PAUSES = {"first_pause": 0.0001, "longest_pause": 0.001}


@pytest.fixture(scope="module")
def archive(tmp_path_factory):
    """Three days of two parks, of which the latter go in together, and issues of all. On each a ride is new; on the
    second one has moved, and another one and its park are called otherwise."""
    root = tmp_path_factory.mktemp("archive")
    for n in range(3):
        day = DAY + timedelta(days=n)
        events = [
            event(day=day),
            event("11:00:00Z", day=day, status="DOWN", queue={"STANDBY": {"waitTime": 10}}),
            event("12:00:00Z", day=day, status="ODD"),
            event("13:00:00Z", day=day, entity=ride(n)),
            event("14:00:00Z", day=day, entity=OTHER_RIDE, park=OTHER_PARK, **CALLED[n]),
            event("15:00:00Z", day=day, entity=MOVES, park=PARK if n else OTHER_PARK),
        ]
        write_day(root, events, day)
    return root


def command(*arguments: object) -> int:
    """The exit status of manage.py, called as from a shell."""
    before, sys.argv = sys.argv, ["manage.py", *map(str, arguments)]
    try:
        manage.main()
    except SystemExit as ended:
        if isinstance(ended.code, str):
            sys.stderr.write(ended.code)
            return 1
        return ended.code or 0
    finally:
        sys.argv = before
    return 0


def imported(archive) -> int:
    return command("import_archive", "--all", "--source", archive)


def state() -> tuple:
    """What an import leaves: rows, findings, ledger, where its parks stand, what parks were called and where rides
    were, sums of days, and what is owed."""
    with connection.cursor() as cursor:
        told = []
        for query in TOLD_OF_PARKS_AND_RIDES:
            cursor.execute(query)
            told.append(sorted(cursor.fetchall(), key=repr))
    stand = ImportCheckpoint.objects.order_by("park__themeparks_wiki_id").values_list(
        "status", "files_processed", "records_imported", "errors_encountered", "last_error", "last_processed_date"
    )
    return table_state(), told, list(stand), OwedCheck.objects.count()


@pytest.fixture(scope="module")
def undisturbed(archive, django_db_setup, django_db_blocker):
    """What such an import leaves, and how many packets it takes."""
    with django_db_blocker.unblock(), cutting_proxy(connection) as proxy:
        for _ in range(2):  # the first makes months
            empty_tables()
            before = len(proxy.packets)
            with proxy.between(connection):
                assert imported(archive) == 0
        packets = len(proxy.packets) - before
        found = state()
        empty_tables()
    assert [row[0] for row in found[2]] == ["COMPLETED"] * 2
    return found, packets


@pytest.mark.parametrize("moment", ["before", "after"])
@pytest.mark.parametrize("refused", [0, 5])
def test_a_connection_that_is_cut_anywhere_costs_nothing(undisturbed, archive, moment, refused, capfd):
    """It is there again at once; or the server is away first, for so many connections."""
    found, packets = undisturbed
    failed = []
    for n in places(packets, refused, moment):
        with cut(moment, n, refused) as proxy:
            status = imported(archive)
        output = capfd.readouterr()
        left = state()
        if (status, proxy.refused, left == found, "Traceback" in output.err) != (0, refused, True, False):
            failed.append(f"{status} {told(proxy)}\n{output}\n{left}\n{found}")
        empty_tables()
    assert not failed, "\n\n".join(failed)


@pytest.mark.parametrize("moment", ["before", "after"])
@pytest.mark.parametrize("comes_back", ["for the last word", "never"])
def test_a_server_that_stays_away_is_told_and_what_is_left_is_gone_on_with(
    undisturbed, archive, moment, comes_back, capfd
):
    """Nobody waits: away for one connection more than is tried, and there again when the import says why it ends."""
    found, packets = undisturbed
    failed = []
    for n in places(packets, comes_back, moment):
        with cut(moment, n, 1 if comes_back == "for the last word" else threading.Event(), seconds=0) as proxy:
            status = imported(archive)
        output = capfd.readouterr()
        stand = list(ImportCheckpoint.objects.order_by("pk"))
        completed = bool(stand) and {each.status for each in stand} == {"COMPLETED"}
        wrong = [] if "Traceback" not in output.err else ["traceback"]
        if status == 0:
            wrong += [] if completed and not OwedCheck.objects.exists() else ["it says that all is well"]
        else:
            wrong += [] if status == 1 and "The database server (" in output.err else ["what it says"]
            wrong += [] if "when it is back" in output.err or "manage.py" in output.err else ["what to do"]
        if comes_back != "never" and not completed:
            wrong += [
                f"no reason: {each.status}"
                for each in stand
                if each.status not in ("PENDING", "COMPLETED") and "The database server (" not in each.last_error
            ]
        wrong += go_on(archive, stand, completed)
        wrong += [] if (left := state()) == found else [f"{left} in place of {found}"]
        if wrong:
            failed.append(f"{wrong} {status} {told(proxy)}\n{output}")
        empty_tables()
    assert not failed, "\n\n".join(failed)


def places(packets: int, *of_whom: object) -> range:
    """Every so many, and not the same ones each time."""
    return range(1 + zlib.crc32(repr(of_whom).encode()) % STRIDE, packets + 1, STRIDE)


def go_on(archive, stand: list[ImportCheckpoint], completed: bool) -> list[str]:
    """As is said, when the process has ended: this one is no other, and gives no sign of life any more."""
    ImportCheckpoint.objects.update(heartbeat_at=None)
    said = []
    if not stand:
        said.append(imported(archive))
    elif not completed:
        ids = [each.import_id for each in stand if each.status != "COMPLETED"]
        said.append(command("import_archive", "--resume", *ids))
    if OwedCheck.objects.exists():
        said.append(command("check_quality", "--owed"))
    if stale_days.waiting(datetime.now(UTC)).days:
        said.append(command("rebuild_days"))
    return [f"going on: {status}" for status in said if status != 0]


@contextmanager
def cut(moment: str, n: int, refused: "int | threading.Event", seconds: float = 60) -> Iterator[CuttingProxy]:
    """The n-th packet from now on; what is asked within it finds the server away."""
    with cutting_proxy(connection) as proxy:
        made = proxy.cut(moment, n, refuse=refused)
        with proxy.between(connection), away.patience(**PAUSES, seconds=seconds):
            yield proxy
        assert made.happened.is_set(), n
        proxy.made = made


def told(proxy: CuttingProxy) -> str:
    """Where the cut was made, for a test that fails."""
    cut = proxy.made
    near = "\n".join(packet.text[:200] for packet in proxy.packets[cut.packet.number - 3 : cut.packet.number + 3])
    return f"cut {cut.moment} packet {cut.packet.number}: {cut.packet.text[:200]}\n{near}"


def test_one_ctrl_c_ends_the_waiting_and_the_import_is_gone_on_with(undisturbed, archive, signals, capfd):
    found, _ = undisturbed
    with cutting_proxy(connection) as proxy:
        proxy.cut("before", "LOAD DATA", refuse=threading.Event())

        def press_ctrl_c() -> None:
            until(lambda: proxy.refused >= 3)
            os.kill(os.getpid(), signal.SIGINT)

        hand = threading.Thread(target=press_ctrl_c)
        hand.start()
        with proxy.between(connection), away.patience(**PAUSES, seconds=3600):
            assert imported(archive) == 3
        hand.join()
    said = capfd.readouterr()
    assert "It was waited for until it was said to stop" in said.out
    assert "Go on with:  manage.py import_archive --resume" in said.err
    assert go_on(archive, list(ImportCheckpoint.objects.order_by("pk")), False) == []
    assert state() == found


def test_jobs_side_by_side_and_the_process_that_began_them_wait_for_it_alike(undisturbed, archive, tmp_path):
    """Each of the two destinations is cut off once, and nobody is let in for a while."""
    for destination in (DESTINATION, DESTINATION.replace("1", "9")):
        write_day(tmp_path, [event(park=ride(int(destination[0])), entity=destination)], destination=destination)
    with cutting_proxy(connection) as proxy:
        cuts = [proxy.cut(moment, "LOAD DATA", refuse=3) for moment in ("before", "after")]
        through_it = proxy.settings(connection.settings_dict)
        status, output = forks.run("import_archive", "--all", "--source", tmp_path, "--jobs", 2, **through_it)
    assert [cut.happened.is_set() for cut in cuts] == [True, True]
    assert status == 0, output
    assert RideStatusSnapshot.objects.count() == 2
    assert set(ImportCheckpoint.objects.values_list("status", "files_processed")) == {("COMPLETED", 1)}
