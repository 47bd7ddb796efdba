"""Who a worker is: a token that tells, on the same machine, whether the process behind it still runs.

Between machines the age of the last heartbeat decides (imports.archive.checkpoint: 25 s). On one machine the process
table knows at once, so that an import killed with -9 can be resumed without waiting.
"""

import hashlib
import os
import socket
from pathlib import Path


def process_token() -> str:
    """host/pid/start time/machine, unique to this process; the last two are 0 where there is no /proc (macOS)."""
    return token_of(os.getpid())


def token_of(pid: int) -> str:
    """The token of another process of this machine, of the same process namespace, that runs."""
    return f"{socket.gethostname()}/{pid}/{_start_time(pid)}/{_machine()}"


def host_and_machine() -> tuple[str, str]:
    """The first and the last part of the tokens of this machine."""
    return socket.gethostname(), _machine()


def is_known_dead(worker: str) -> bool:
    """Whether the process of a token certainly no longer runs; False says nothing."""
    parts = worker.rsplit("/", 3)
    if len(parts) != 4 or _machine() == "0" or parts[3] != _machine() or parts[0] != socket.gethostname():
        return False
    return _start_time(int(parts[1])) != parts[2]


def _start_time(pid: int) -> str:
    """In clock ticks after boot; it tells a process from a later one that was given the same number."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return "0"
    # a zombie holds no connection and does nothing: it is as dead as its parent lets it be
    state, *rest = stat.rpartition(")")[2].split()
    return "0" if state in "ZX" else rest[18]


def _machine() -> str:
    """This boot of this kernel and this process namespace: two containers with one host name differ in it."""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
        return hashlib.sha256(f"{boot}{os.readlink('/proc/self/ns/pid')}".encode()).hexdigest()[:12]
    except OSError:
        return "0"
