"""Somebody who reads or writes a table while somebody else changes it, and is never to be made to wait."""

import itertools
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from MySQLdb import OperationalError

from tests.waiting import until
from warehouse.server import errors
from warehouse.server.dialect import is_galera

LOCK_WAIT_TIMEOUT = 1205


def said_to_whom_a_change_ends() -> set[int]:
    """What the server says to those who do their work again then, as an import does. None does on one server. On a
    cluster a table is not locked while it is changed: whoever comes to it behind the look for others is ended.
    """
    return {errors.DEADLOCK} if is_galera() else set()


class Bystander(threading.Thread):
    """Repeats a statement, with growing numbers, on a session that does not wait for the lock of a table: where it
    would have to, the server refuses it at once. MySQL has no such session, and refuses after 1 s. A cluster may end it
    instead, so that it comes with the next number.
    """

    def __init__(self, session, sql: str):
        super().__init__()
        self.done = self.refused = 0
        self._session, self._sql = session, sql
        self._leave = threading.Event()
        self._is_ended_by = said_to_whom_a_change_ends()
        self._session.query("SET SESSION lock_wait_timeout = 0")

    @contextmanager
    def at_it(self) -> Iterator["Bystander"]:
        """From before the first line of the block until after its last, whatever else the machine has to do."""
        self.start()
        try:
            self._once_more()
            yield self
            self._once_more()
        finally:
            self._leave.set()
            self.join()

    def _once_more(self) -> None:
        done = self.done
        until(lambda: self.done > done or not self.is_alive())
        assert self.is_alive(), f"{self._sql} failed"

    def run(self) -> None:
        for number in itertools.count(1):
            if self._leave.is_set():
                break
            try:
                self._session.query(self._sql.format(number))
                self._session.store_result()
            except OperationalError as error:
                if error.args[0] in self._is_ended_by:
                    continue
                if error.args[0] != LOCK_WAIT_TIMEOUT:
                    raise
                self.refused += 1
            else:
                self.done += 1
