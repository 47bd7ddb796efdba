"""bin/db: the project's own MariaDB, started and stopped for real, in folders of its own."""

import os
import shutil
import signal
import subprocess
import tempfile
from contextlib import closing
from pathlib import Path

import environ
import MySQLdb
import pytest

from tests.waiting import HANG_SECONDS, until

ROOT = Path(__file__).parent.parent


class Folder:
    """A clone as far as bin/db is concerned."""

    def __init__(self, path: Path):
        self.path = path
        self.home = path / "var" / "mariadb"
        path.mkdir(parents=True)
        (path / "bin").mkdir()
        for name in ("db", "environment.sh"):
            shutil.copy2(ROOT / "bin" / name, path / "bin")

    def popen(self, *arguments: str, **environment: str) -> subprocess.Popen:
        kept = {name: os.environ[name] for name in ("PATH", "HOME", "TMPDIR") if name in os.environ}
        return subprocess.Popen(
            [self.path / "bin" / "db", *arguments],
            env={**kept, "DB_BUFFER_POOL": "16M", **environment},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def db(self, *arguments: str, status: int = 0, **environment: str) -> str:
        process = self.popen(*arguments, **environment)
        output, _ = process.communicate(timeout=HANG_SECONDS)
        assert process.returncode == status, output
        return output

    def pid(self) -> int:
        return int((self.home / "mariadb.pid").read_text())

    def connect(self):
        """As config/settings.py does: by the URL that bin/db start has written."""
        config = environ.Env.db_url_config((self.home / "url").read_text().strip())
        return closing(MySQLdb.connect(user=config["USER"], database=config["NAME"], **config["OPTIONS"]))

    def query(self, sql: str) -> tuple:
        with self.connect() as connection, closing(connection.cursor()) as cursor:
            cursor.execute(sql)
            rows = cursor.fetchall()
            connection.commit()
            return rows


@pytest.fixture(scope="module")
def used_folder(tmp_path_factory):
    """With a data directory, which takes longer to make than a server to start."""
    folder = Folder(tmp_path_factory.mktemp("db") / "a clone")
    folder.db("start")
    yield folder
    folder.db("stop")


@pytest.fixture
def folder(used_folder):
    """Where no server runs, but one has."""
    used_folder.db("stop")
    return used_folder


@pytest.fixture
def new_folder(tmp_path):
    folder = Folder(tmp_path / "a clone")
    yield folder
    folder.db("stop")


def test_it_is_what_an_import_needs_and_opens_no_port(folder):
    folder.db("start")
    settings = dict(folder.query("SHOW GLOBAL VARIABLES"))
    assert {"STRICT_TRANS_TABLES", "NO_ENGINE_SUBSTITUTION"} <= set(settings["sql_mode"].split(","))
    assert settings["character_set_server"] == "utf8mb4"
    assert settings["collation_server"] == "utf8mb4_unicode_ci"
    assert settings["time_zone"] == "+00:00"
    assert settings["local_infile"] == settings["skip_networking"] == "ON"
    assert settings["innodb_flush_log_at_trx_commit"] == "1"
    assert settings["innodb_buffer_pool_size"] == str(16 * 1024 * 1024)
    assert folder.home.stat().st_mode & 0o077 == 0


def test_start_and_stop_can_be_called_twice_and_the_data_stays(folder):
    assert "not running" in folder.db("stop")
    assert "not running" in folder.db("status", status=3)
    assert "not running" in folder.db("url", status=1)
    folder.db("start")
    first = folder.pid()
    folder.query("CREATE TABLE kept (id INT)")
    folder.db("start")
    assert folder.pid() == first
    assert folder.db("url").startswith("mysql://root@/warehouse?unix_socket=")
    folder.db("stop")
    assert not (folder.home / "url").exists()
    folder.db("stop")
    folder.db("start")
    assert ("kept",) in folder.query("SHOW TABLES")
    assert "is running" in folder.db("status")


def test_several_first_starts_at_once_give_one_server(new_folder):
    starts = [new_folder.popen("start") for _ in range(3)]
    outputs = [start.communicate(timeout=HANG_SECONDS)[0] for start in starts]
    assert [start.returncode for start in starts] == [0, 0, 0], outputs
    assert sum("Making a MariaDB data directory" in output for output in outputs) == 1
    assert new_folder.query("SELECT @@pid_file") == ((str(new_folder.home / "mariadb.pid"),),)


def test_a_server_killed_in_the_middle_is_recovered_with_what_was_committed(folder):
    folder.db("start")
    folder.query("CREATE TABLE committed (id INT)")
    folder.query("INSERT INTO committed VALUES (1), (2)")
    killed = folder.pid()
    os.kill(killed, signal.SIGKILL)
    until(lambda: "is running" not in folder.popen("status").communicate()[0])
    assert "not running" in folder.db("status", status=3)
    folder.db("start")
    assert folder.query("SELECT COUNT(*) FROM committed") == ((2,),)


def test_a_pid_file_that_names_somebody_else_after_a_restart_harms_nobody(folder):
    bystander = subprocess.Popen(["cat"], stdin=subprocess.PIPE)
    try:
        (folder.home / "mariadb.pid").write_text(f"{bystander.pid}\n")
        (folder.home / "mariadb.sock").touch()
        assert "not running" in folder.db("stop")
        (folder.home / "mariadb.pid").write_text(f"{bystander.pid}\n")
        folder.db("start")
        assert folder.pid() != bystander.pid
        assert bystander.poll() is None
    finally:
        bystander.kill()
        bystander.wait()


def test_a_start_that_was_interrupted_is_made_good(new_folder):
    (new_folder.home / "data.new" / "mysql").mkdir(parents=True)
    new_folder.db("start")
    assert new_folder.query("SELECT 1") == ((1,),)
    assert not (new_folder.home / "data.new").exists()


def test_a_path_too_long_for_a_socket_gets_one_in_a_private_folder(tmp_path):
    folder = Folder(tmp_path / ("very deep " * 20) / "clone")
    folder.db("start")
    try:
        socket = (folder.home / "mariadb.sock").readlink()
        assert len(os.fsencode(str(socket))) <= 107 < len(os.fsencode(str(folder.home / "mariadb.sock")))
        assert socket.parent.stat().st_mode & 0o077 == 0
        assert folder.query("SELECT 1") == ((1,),)
        os.kill(folder.pid(), signal.SIGKILL)
        folder.db("start")
        assert not socket.parent.exists()
        assert folder.query("SELECT 1") == ((1,),)
    finally:
        folder.db("stop")
    assert not (folder.home / "mariadb.sock").is_symlink()


def test_letters_that_mean_something_in_a_url_are_no_trouble():
    with tempfile.TemporaryDirectory() as short:
        folder = Folder(Path(short) / "100% a+b & c#d?é;=$x")
        folder.db("start")
        try:
            assert folder.query("SELECT @@socket") == ((str(folder.home / "mariadb.sock"),),)
        finally:
            folder.db("stop")


@pytest.mark.parametrize("where", ["environment", "env file"])
def test_with_a_database_url_nothing_is_started(tmp_path, where):
    folder = Folder(tmp_path / "clone")
    url = "mysql://user@db.example.org/warehouse"
    if where == "environment":
        output = folder.db("start", DATABASE_URL=url)
    else:
        (folder.path / ".env").write_text(f"# ours\nexport DATABASE_URL='{url}'\nSECRET_KEY=x\n")
        output = folder.db("start")
    assert "nothing started" in output
    assert not folder.home.exists()


def test_an_empty_database_url_in_the_environment_overrules_the_env_file(folder):
    (folder.path / ".env").write_text("DATABASE_URL=mysql://user@db.example.org/warehouse\n")
    folder.db("start", DATABASE_URL="")
    assert folder.query("SELECT 1") == ((1,),)
