"""manage.py as a process of its own, with its time, its CPU, and what all its processes together hold at their peak."""

import os
import subprocess
import sys
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from urllib.parse import urlsplit, urlunsplit

from django.conf import settings
from django.db import connection

PROJECT = Path(__file__).parents[2]
LOOK_EVERY_SECONDS = 0.1


@dataclass
class Ran:
    """What one call of a command took. `lines`: what it said, each with the seconds from its start."""

    seconds: float
    peak_mb: float  # PSS of the process and all below it: what is shared counts once
    lines: list[tuple[float, str]] = field(default_factory=list)

    def second_of(self, start: str) -> float:
        """When the last line that begins so was said."""
        return max(at for at, line in self.lines if line.strip().startswith(start))


def environment() -> dict[str, str]:
    """Of a command that works on the benchmark's database."""
    url = os.environ.get("DATABASE_URL") or settings.PRIVATE_DATABASE_URL_FILE.read_text().strip()
    url = urlunsplit(urlsplit(url)._replace(path="/" + connection.settings_dict["NAME"]))
    return {**os.environ, "DATABASE_URL": url, "SECRET_KEY": settings.SECRET_KEY, "PYTHONUNBUFFERED": "1"}


def manage(*arguments: str, exits: tuple[int, ...] = (0,)) -> Ran:
    """Run it to its end. RuntimeError: its exit status is none of `exits`."""
    began = time.monotonic()
    process = subprocess.Popen(
        [sys.executable, "manage.py", *arguments],
        cwd=PROJECT,
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    peak = _Peak(process.pid)
    lines = [(time.monotonic() - began, line.rstrip("\n")) for line in process.stdout or ()]
    status = process.wait()
    seconds = time.monotonic() - began
    if status not in exits:
        raise RuntimeError(f"manage.py {' '.join(arguments)} ended with {status}:\n" + "\n".join(x for _, x in lines))
    return Ran(seconds, peak.end(), lines)


def start_seconds() -> float:
    """What Python and Django take to begin, and the first look at the database."""
    return median(manage("import_archive", "--list").seconds for _ in range(3))


class _Peak:
    """Looks at a process and all below it, again and again, on a thread."""

    def __init__(self, pid: int):
        self._pid, self._peak_kb = pid, 0
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._look, daemon=True)
        self._thread.start()

    def end(self) -> float:
        self._stop.set()
        self._thread.join()
        return self._peak_kb / 1024

    def _look(self) -> None:
        while not self._stop.wait(LOOK_EVERY_SECONDS):
            self._peak_kb = max(self._peak_kb, sum(map(_pss_kb, _family(self._pid))))


def _family(pid: int) -> list[int]:
    parents: dict[int, list[int]] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                parent = int((entry / "stat").read_text().rsplit(")", 1)[1].split()[1])
            except (OSError, IndexError):
                continue
            parents.setdefault(parent, []).append(int(entry.name))
    family = [pid]
    for member in family:
        family += parents.get(member, [])
    return family


def _pss_kb(pid: int) -> int:
    try:
        text = Path(f"/proc/{pid}/smaps_rollup").read_text()
    except OSError:
        return 0
    return int(text.partition("\nPss:")[2].split(maxsplit=1)[0]) if "\nPss:" in text else 0
