"""manage.py as a process of its own on the test database, for what only a real process can show.

Each takes a second of CPU to load what it needs. Where that is not what is tried, tests.imports.forks do the same.
"""

import os
import subprocess
import sys
from pathlib import Path
from urllib.parse import urlencode

from django.conf import settings
from django.db import connection

from tests.cutting_proxy import CuttingProxy
from tests.imports.parents import end_with_the_parent

ROOT = Path(__file__).parent.parent.parent
RUN_SECONDS = 300


def environment(proxy: CuttingProxy | None = None) -> dict[str, str]:
    """With a proxy, what the process does goes through it."""
    database = connection.settings_dict if proxy is None else proxy.settings(connection.settings_dict)
    query = urlencode(
        {"unix_socket": database["OPTIONS"]["unix_socket"]} if "unix_socket" in database["OPTIONS"] else {}
    )
    host = f"{database['HOST']}:{database['PORT']}" if database["PORT"] else database["HOST"]
    if host.startswith("/"):
        host, query = "", urlencode({"unix_socket": host})
    user = f"{database['USER']}:{database['PASSWORD']}" if database["PASSWORD"] else database["USER"]
    url = f"mysql://{user}@{host}/{database['NAME']}" + (f"?{query}" if query else "")
    return {**os.environ, "DATABASE_URL": url, "SECRET_KEY": settings.SECRET_KEY, "PYTHONUNBUFFERED": "1"}


def start(*arguments: object, proxy: CuttingProxy | None = None) -> subprocess.Popen:
    return subprocess.Popen(
        [sys.executable, "manage.py", *map(str, arguments)],
        cwd=ROOT,
        env=environment(proxy),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        preexec_fn=end_with_the_parent,
    )


def run(*arguments: object, proxy: CuttingProxy | None = None) -> tuple[int, str]:
    """Exit status and all that was printed."""
    process = start(*arguments, proxy=proxy)
    output, _ = process.communicate(timeout=RUN_SECONDS)
    return process.returncode, output
