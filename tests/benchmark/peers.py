"""dlt, which people reach for to bring files into a database: the same day files, into tables without keys.

It is no part of what bin/setup installs: pip install 'dlt[sqlalchemy]', beside the mysqlclient that is there.
"""

import json
import sys
import tempfile
import time
import zlib
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

from django.db import connection

from tests.benchmark.commands import manage, start_seconds
from tests.benchmark.imports import archive
from tests.benchmark.ready_made import empty
from tests.benchmark.report import Figure

DAYS = 10  # of 5,000 events: it takes minutes for what an import does in one


def dlt_beside_import() -> list[Figure]:
    """Events a second of dlt by those of an import of the same files; none where dlt is not installed."""
    try:
        import dlt
        from dlt.destinations import sqlalchemy
    except ImportError:
        sys.stderr.write("dlt is not installed: pip install 'dlt[sqlalchemy]'\n")
        return []
    with tempfile.TemporaryDirectory() as folder:
        source = archive(Path(folder), days=DAYS, events=5000)
        empty()
        ours = manage("import_archive", "--source", str(source), "--all", "--leave-days").seconds - start_seconds()
        pipeline = dlt.pipeline(
            pipeline_name="bench",
            pipelines_dir=f"{folder}/dlt",
            destination=sqlalchemy(credentials=_url()),
            dataset_name=connection.settings_dict["NAME"],
        )
        began = time.monotonic()
        pipeline.run(_events(source), table_name="dlt_events", write_disposition="append")
        theirs = time.monotonic() - began
    return [Figure("dlt (no keys, no indexes, no checks) / import, same files", [ours / theirs])]


def _events(source: Path) -> Iterator[list[dict]]:
    for path in sorted(source.rglob("*.json.gz")):
        yield [
            {
                "entity_id": event.get("entityId"),
                "park_id": event.get("parkId"),
                "event_time": event.get("eventTime"),
                "name": event.get("name"),
                "status": (event.get("data") or {}).get("status"),
                "queue": json.dumps((event.get("data") or {}).get("queue")),
            }
            for event in json.loads(zlib.decompress(path.read_bytes()))["events"]
            if isinstance(event, dict)
        ]


def _url() -> str:
    given = connection.settings_dict
    socket = given["OPTIONS"].get("unix_socket") or given["HOST"]
    name = given["NAME"]
    if socket.startswith("/"):
        return f"mysql+mysqldb://{given['USER']}@localhost/{name}?unix_socket={quote(socket, safe='')}&charset=utf8mb4"
    password = f":{quote(given['PASSWORD'])}" if given["PASSWORD"] else ""
    return f"mysql+mysqldb://{given['USER']}{password}@{socket}:{given['PORT'] or 3306}/{name}?charset=utf8mb4"
