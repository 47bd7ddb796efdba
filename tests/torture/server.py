"""A MariaDB of a lane's own: made once, copied for each lane, killed by -9 and started again with all that a real one
does against losing a commit; only its memory is small. Where this is root's machine its data lie on a tmpfs of their
own, which can be full.

-9 takes from the server nothing that it has written: the machine that loses its power is not tried here.
"""

import contextlib
import ctypes
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import MySQLdb
from django.db import connection

from tests.imports.parents import end_with_the_parent

DISK_MB, ROOM_MB = 300, 2_000
ROOMS = "torture-room-"  # and the number of the process whose it is
CLONE_NEWNS = 0x00020000  # linux/sched.h
STARTS_WITHIN_SECONDS = 60
OPTIONS = [
    "--no-defaults",
    "--skip-networking",
    "--skip-log-bin",
    "--skip-name-resolve",
    "--character-set-server=utf8mb4",
    "--collation-server=utf8mb4_unicode_ci",
    "--default-time-zone=+00:00",
    "--local-infile=1",
    "--max-allowed-packet=64M",
    "--sql-mode=STRICT_TRANS_TABLES,ERROR_FOR_DIVISION_BY_ZERO,NO_ENGINE_SUBSTITUTION",
    "--performance-schema=OFF",
    "--innodb-buffer-pool-size=48M",
    "--innodb-log-file-size=16M",
    "--innodb-buffer-pool-load-at-startup=OFF",
    "--innodb-flush-log-at-trx-commit=1",
    "--innodb-doublewrite=ON",
    "--innodb-fast-shutdown=1",
]


def mariadbd() -> str:
    path = os.environ.get("PATH", "") + ":/usr/sbin:/usr/local/sbin:/opt/homebrew/opt/mariadb/bin"
    found = shutil.which("mariadbd", path=path)
    if found is None:
        raise SystemExit("mariadbd is not installed: ./bin/setup says what to install")
    return found


def _as_root() -> list[str]:
    return ["--user=root"] if os.geteuid() == 0 else []


class Server:
    """`folder`/data, behind `folder`/s; the socket's path has to be short."""

    def __init__(self, folder: Path):
        self.folder, self.data, self.socket = folder, folder / "data", folder / "s"
        self._process: subprocess.Popen | None = None
        self._mounted = False
        self._as_began: Path | None = None
        self.starts = 0

    # --- its disk -------------------------------------------------------------------------------------------------
    def mount(self) -> bool:
        """A disk of its own, where this may be had."""
        self.folder.mkdir(parents=True, exist_ok=True)
        self._mounted = os.geteuid() == 0 and _mount(self.folder, DISK_MB)
        return self._mounted

    @property
    def has_disk_of_its_own(self) -> bool:
        return self._mounted

    @contextlib.contextmanager
    def full_disk(self):
        """Within it not a byte is left."""
        ballast = self.folder / "ballast"
        file = os.open(ballast, os.O_WRONLY | os.O_CREAT)
        for size in (1 << 20, 1 << 12):
            with contextlib.suppress(OSError):
                while True:
                    os.write(file, bytes(size))
        try:
            yield
        finally:
            os.close(file)
            ballast.unlink()

    # --- its life -------------------------------------------------------------------------------------------------
    def make(self) -> None:
        """An empty one."""
        tmp = self.folder / "tmp"
        tmp.mkdir()
        path = f"{os.environ.get('PATH', '')}:/usr/sbin"
        subprocess.run(
            ["mariadb-install-db", "--no-defaults", "--rpm", *_as_root(), "--datadir=./data", "--skip-test-db",
             "--skip-name-resolve", "--auth-root-authentication-method=normal", "--innodb-log-file-size=16M"],
            cwd=self.folder, env={**os.environ, "TMPDIR": str(tmp), "PATH": path}, check=True, capture_output=True,
            preexec_fn=end_with_the_parent,
        )  # fmt: skip

    def begin_as(self, template: Path) -> None:
        """As the server whose data lie there, which is not running."""
        self._as_began = template
        self.kill()
        shutil.rmtree(self.data, ignore_errors=True)
        shutil.copytree(template, self.data)
        self.start()

    def start(self) -> None:
        (self.folder / "tmp").mkdir(exist_ok=True)
        self.socket.unlink(missing_ok=True)
        with open(self.folder.parent / f"{self.folder.name}.log", "a") as log:
            self._process = subprocess.Popen(
                [mariadbd(), *OPTIONS, *_as_root(), f"--datadir={self.data}", f"--socket={self.socket}",
                 f"--tmpdir={self.folder / 'tmp'}", f"--pid-file={self.folder / 'pid'}"],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, preexec_fn=_alone,
            )  # fmt: skip
        self.starts += 1
        until = time.monotonic() + STARTS_WITHIN_SECONDS
        while True:
            with contextlib.suppress(MySQLdb.OperationalError):
                self.connect("").close()
                return
            if self._process.poll() is not None or time.monotonic() > until:
                raise RuntimeError(f"the server does not start: {self.folder.parent / self.folder.name}.log")
            time.sleep(0.01)

    def kill(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def stop(self) -> None:
        if self._process is not None:
            self._process.send_signal(signal.SIGTERM)
            self._process.wait()
            self._process = None

    def close(self) -> None:
        self.kill()
        if self._mounted:
            subprocess.run(["umount", "-l", self.folder], capture_output=True)
            self._mounted = False

    @property
    def is_up(self) -> bool:
        return self._process is not None and self._process.poll() is None

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def lead_here(self) -> None:
        """Django, in this process and in all that it begins."""
        connection.settings_dict.update(HOST="", PORT="", USER="root", PASSWORD="", NAME="warehouse")
        connection.settings_dict["OPTIONS"]["unix_socket"] = str(self.socket)
        os.environ["DATABASE_URL"] = f"mysql://root@/warehouse?unix_socket={self.socket}"

    def differences(self) -> list[str]:
        """Between the servers that it consists of."""
        return []

    def connect(self, name: str = "warehouse") -> "MySQLdb.Connection":
        return MySQLdb.connect(user="root", unix_socket=str(self.socket), database=name, charset="utf8mb4")

    def version(self) -> str:
        connection = self.connect("")
        cursor = connection.cursor()
        cursor.execute("SELECT VERSION()")
        (found,) = cursor.fetchone()
        connection.close()
        return str(found)


def _alone() -> None:
    os.setsid()
    end_with_the_parent()


def make_template(folder: Path, migrate: Callable[[Server], None]) -> Path:
    """The data of a server whose database `warehouse` is as migrations leave it."""
    server = Server(folder)
    folder.mkdir(parents=True)
    try:
        server.make()
        server.start()
        connection = server.connect("")
        connection.query("CREATE DATABASE warehouse")
        connection.close()
        migrate(server)
        server.stop()
    finally:
        server.kill()
    return server.data


def room() -> Path:
    """A folder in memory where there is room, since the commits of a hundred servers would wait for one disk; as root a
    disk that goes with the last process that sees it, whatever ends this one."""
    memory = Path("/dev/shm")
    for left in (each for place in {Path(tempfile.gettempdir()), memory} for each in place.glob(f"{ROOMS}*-*")):
        # of a run that was killed; that of a living one looks as empty from here, and would be lost to it
        if not Path(f"/proc/{left.name.removeprefix(ROOMS).split('-')[0]}").exists():
            shutil.rmtree(left, ignore_errors=True)
    prefix = f"{ROOMS}{os.getpid()}-"
    if os.geteuid() == 0 and _alone_with_mounts():
        folder = Path(tempfile.mkdtemp(prefix=prefix))
        if _mount(folder, ROOM_MB):
            return folder
        folder.rmdir()
    usable = memory.is_dir() and os.access(memory, os.W_OK) and shutil.disk_usage(memory).free > ROOM_MB << 20
    return Path(tempfile.mkdtemp(prefix=prefix, dir=memory if usable else None))


def leave(folder: Path) -> None:
    subprocess.run(["umount", "-l", folder], capture_output=True)
    shutil.rmtree(folder, ignore_errors=True)


def _alone_with_mounts() -> bool:
    """A mount namespace of its own for this process and its children."""
    if sys.platform != "linux" or ctypes.CDLL(None).unshare(CLONE_NEWNS) != 0:
        return False
    return subprocess.run(["mount", "--make-rprivate", "/"], capture_output=True).returncode == 0


def _mount(folder: Path, size_mb: int) -> bool:
    what = ["mount", "-t", "tmpfs", "-o", f"size={size_mb}M,mode=700", "torture", folder]
    return subprocess.run(what, capture_output=True).returncode == 0
