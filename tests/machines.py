"""Machines for what is documented: each a clone of its own as far as bash sees it, with a MariaDB of its own."""

import os
import re
import shlex
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from django.db import connection

from tests.imports import forks
from tests.nowhere import reached_by
from tests.test_private_database import Folder
from tests.waiting import HANG_SECONDS
from warehouse.server.dialect import is_mariadb

DOCS = Path(__file__).parent.parent / "docs"


def commands(of: str, heading: str) -> str:
    """The commands of a document below "**heading", as they stand there."""
    (found,) = re.findall(rf"^\*\*{heading}.*?(?=^\*\*|^## |\Z)", (DOCS / of).read_text(), re.DOTALL | re.MULTILINE)
    return "\n".join(line[4:] for line in re.findall(r"^    .*$", found, re.MULTILINE))


class Machine(Folder):
    """A clone on a machine of its own, as far as bash sees it. A line of manage.py alone is run by a fork, which has
    Django loaded already; whatever stands between two of them is one script of bash."""

    def __init__(self, path: Path, options: str = "", **variables: object):
        """`options` of its MariaDB; `variables`: what an operator exports before."""
        super().__init__(path)
        (path / "var").mkdir()
        self.options = options
        self.variables = {"DATABASE": connection.settings_dict["NAME"]} | {k: str(v) for k, v in variables.items()}

    @property
    def socket(self) -> str:
        return str((self.home / "mariadb.sock").resolve())

    def start(self) -> None:
        self.db("start", DB_OPTIONS=self.options)

    def run(self, of: str, heading: str) -> str:
        """All that the commands said that stand in the document `of` below "**heading"; each has to succeed."""
        said, script = "", []
        for line in [*commands(of, heading).splitlines(), "./manage.py"]:
            if not line.startswith("./manage.py"):
                script.append(line)
                continue
            said += self.bash("\n".join(script))
            script = []
            if arguments := [self._expanded(each) for each in shlex.split(line)[1:]]:
                status, output = forks.run(*arguments)
                assert status == 0, (line, output)
                said += output
        return said

    def _expanded(self, argument: str) -> str:
        return self.variables[argument.removeprefix("$")] if argument.startswith("$") else argument

    def bash(self, script: str) -> str:
        """What it said; it has to succeed."""
        not_theirs = "DATABASE_URL", "DB_HOME", "DB_DATA"
        environment = {name: value for name, value in os.environ.items() if name not in not_theirs}
        environment |= {"DB_BUFFER_POOL": "16M", "DB_OPTIONS": self.options, **self.variables}
        done = subprocess.run(
            ["bash", "-e"], input=script, env=environment, cwd=self.path, timeout=HANG_SECONDS,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        )  # fmt: skip
        assert done.returncode == 0, f"{script}\n{done.stdout[-2_000:]}"
        return done.stdout

    @contextmanager
    def in_use(self) -> Iterator[None]:
        """The connection of this process, and of what it starts, is to this machine's server."""
        before = dict(connection.settings_dict)
        connection.close()
        connection.settings_dict.update(USER="root", PASSWORD="", **reached_by(self.socket))
        try:
            yield
        finally:
            connection.close()
            connection.settings_dict.update(before)


def lacking() -> str:
    """Why nothing of this can be tried here, else nothing; with CI set a missing program fails."""
    if not is_mariadb():
        return "mariadb-dump and mariadb-backup are of MariaDB alone, and so is what is documented"
    missing = [name for name in ("mariadb-dump", "mariadb-backup") if not shutil.which(name)]
    message = f"no {' and no '.join(missing)}: bin/setup installs them"
    if missing and os.environ.get("CI"):
        pytest.fail(message)
    return message if missing else ""


def write_where(machine: Machine) -> None:
    """var/server.cnf of a server that is not the project's own, as with an editor."""
    database = connection.settings_dict
    known = {
        "user": database["USER"],
        "password": database["PASSWORD"],
        "host": database["HOST"],
        "port": database["PORT"],
        "socket": database["OPTIONS"].get("unix_socket"),
    }
    lines = "".join(f"{name}={value}\n" for name, value in known.items() if value)
    (machine.path / "var" / "server.cnf").write_text(f"[client]\n{lines}")
