"""Live collections beside an import: an API on loopback whose answer stays the same, and the rows it has to give."""

import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import MySQLdb

from tests.asking import ask
from tests.imports.api_world import RESORT, magic_kingdom
from tests.imports.fault_server import fault_server
from tests.torture import rules
from tests.torture.lane import Lane
from tests.torture.stored import Differences, hold

COMMAND = ("collect_live", "--once", "--destination", RESORT)
PLACES = {"DESTINATION", "PARK", "HOTEL", "RESORT"}


@contextmanager
def api(lane: Lane) -> Iterator[dict]:
    """Changes of the settings that lead to it, in a process of its own."""
    address = lane.folder / "api"
    address.unlink(missing_ok=True)
    server = lane.children.start(_serve, str(address))
    while not address.exists():
        time.sleep(0.002)
    try:
        yield {"THEMEPARKS_API_URL": f"{address.read_text()}/v1", "THEMEPARKS_REQUESTS_PER_MINUTE": 60_000}
    finally:
        server.send(signal.SIGKILL)
        server.wait()


def _serve(address: str) -> None:
    with fault_server(magic_kingdom().answers) as server:
        Path(f"{address}.new").write_text(server.url)
        os.rename(f"{address}.new", address)
        while True:
            time.sleep(1)


def once_more(lane: Lane) -> None:
    """Undisturbed, so that nothing of it may lack."""
    with api(lane) as changed:
        status, said = lane.children.run(*COMMAND, settings_changed=changed)
    if status:
        raise RuntimeError(f"collect_live: exit status {status}: {said[-800:]}")


def compare(connection: "MySQLdb.Connection", found: Differences) -> None:
    rows = [row for row in magic_kingdom().live[RESORT] if row.get("entityType") not in PLACES]
    events = [
        {
            "entityId": row.get("id"),
            "parkId": row.get("parkId"),
            "eventTime": row.get("lastUpdated"),
            "data": {"status": row.get("status"), "queue": row.get("queue")},
        }
        for row in rows
    ]
    expected = {
        (one.ride, one.ms): (one.state.status, one.state.wait, one.state.told)
        for one in rules.say(events, datetime.now(UTC)).seen
    }
    stored = {
        (ride, int(ms)): (status, wait, told)
        for ride, ms, status, wait, told in ask(
            connection,
            "SELECT r.themeparks_wiki_id, s.snapshot_id >> 20, s.status, s.wait_time, s.wait_told "
            "FROM ride_status_snapshots s JOIN rides r USING (ride_id) WHERE s.data_source = 'LIVE'",
        )
    }
    hold(found, "live row", expected, stored)
