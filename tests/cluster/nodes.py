"""Threads that ask a node of the cluster each, in place of the test's own server."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from copy import deepcopy
from typing import Any
from urllib.parse import urlsplit

from django.apps import apps
from django.db import DEFAULT_DB_ALIAS, connection, connections

from tests.asking import ask
from tests.cluster.cluster import Cluster
from tests.waiting import HANG_SECONDS

DATABASE = "on_nodes"


def make_tables(cluster: Cluster) -> None:
    """The tables of the test's database, empty, in one of the cluster's."""
    for model in apps.get_models():
        # Kept as whoever asks first finds his server, and MySQL returns no row: after a node of MariaDB had been asked,
        # no row that was stored in MySQL got its key.
        _ = model._meta.db_returning_fields
    with connection.cursor() as cursor:
        cursor.execute("SHOW FULL TABLES WHERE table_type = 'BASE TABLE'")
        definitions = []
        for name, _ in cursor.fetchall():
            cursor.execute(f"SHOW CREATE TABLE {name}")
            definitions.append(cursor.fetchone()[1])
    session = cluster.connect(1, name="")
    ask(session, f"DROP DATABASE IF EXISTS {DATABASE}")
    ask(session, f"CREATE DATABASE {DATABASE}")
    session.select_db(DATABASE)
    ask(session, "SET SESSION foreign_key_checks = 0")
    for definition in definitions:
        ask(session, definition)
    session.close()


@contextmanager
def at_node(cluster: Cluster, node: int) -> Iterator[None]:
    """This thread's queries go to this node; to be used in a thread of the test's own."""
    assert threading.current_thread() is not threading.main_thread()
    session = connections.create_connection(DEFAULT_DB_ALIAS)
    session.settings_dict = deepcopy(connections[DEFAULT_DB_ALIAS].settings_dict)
    url = urlsplit(cluster.url(node))
    session.settings_dict |= {
        "HOST": url.hostname,
        "PORT": url.port,
        "USER": url.username,
        "PASSWORD": url.password,
        "NAME": DATABASE,
    }
    session.settings_dict["OPTIONS"].pop("unix_socket", None)
    connections[DEFAULT_DB_ALIAS] = session
    try:
        yield
    finally:
        session.close()
        del connections[DEFAULT_DB_ALIAS]


class AtNode:
    """What is done at a node by a thread of its own, at once: `result()` waits for it."""

    def __init__(self, cluster: Cluster, node: int, work: Callable[[], Any]):
        self._found: Any = None
        self._error: BaseException | None = None

        def run() -> None:
            try:
                with at_node(cluster, node):
                    self._found = work()
            except BaseException as error:
                self._error = error

        self._thread = threading.Thread(target=run, name=f"at node {node}", daemon=True)
        self._thread.start()

    def result(self) -> Any:
        """What it came to; what it raised is raised."""
        self._thread.join(HANG_SECONDS)
        assert not self._thread.is_alive(), "it hangs"
        if self._error is not None:
            raise self._error
        return self._found
