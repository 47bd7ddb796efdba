"""The check of an import that goes along with it: a thread reads the days that the import has left behind.

The import waits for the server most of its time, and the interpreter is free. What the thread has read is handed to the
check at the end (imports.archive.post_import_check), which reads the rest, and whatever has changed; so a thread that
fails or is cut off costs nothing but that. The check is owed in the tables as ever, and paid by the check alone.
"""

import logging
import threading
from datetime import date
from types import TracebackType

from django.db import DatabaseError, connection

from imports.archive.run import ImportRun
from quality.check.ahead import ScanAhead
from warehouse.server.ddl import GAP_SECONDS

logger = logging.getLogger(__name__)

NAME = "check ahead"
FILES_WORTH_IT = 20  # fewer are checked at once when they are there
LOOKS_EVERY_SECONDS = 0.3
ENDS_WITHIN_SECONDS = 5  # a read takes 20 ms; of a server that is away nobody waits longer


class CheckAhead:
    """`scans`: by the first and the last day of the imports of a run, once it has ended."""

    def __init__(self, run: ImportRun):
        self._run = run
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._go_along, name=NAME, daemon=True)
        self._scans: dict[tuple[date, date], ScanAhead] = {}
        self.scans: dict[tuple[date, date], ScanAhead] = {}

    def __enter__(self) -> "CheckAhead":
        if len(self._run.files) >= FILES_WORTH_IT:
            self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop(whole=error is None)

    def stop(self, *, whole: bool = True) -> None:
        """The import has ended; `whole`: as it should, so that its check follows."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join(ENDS_WITHIN_SECONDS)
        if whole and not self._thread.is_alive():
            self.scans = self._scans

    def go_on(self) -> None:
        """Read what the import has left behind by now."""
        imports: dict[tuple[date, date], list[tuple[int, date]]] = {}
        for checkpoint in list(self._run.checkpoints):
            if checkpoint.start_date and checkpoint.end_date:
                days = imports.setdefault((checkpoint.start_date, checkpoint.end_date), [])
                days.append((checkpoint.park_id, checkpoint.last_processed_date or date.min))
        for (first, last), parks in imports.items():
            processed, park_ids = min(day for _, day in parks), {park_id for park_id, _ in parks}
            if processed < first:
                continue
            scan = self._scans.get((first, last))
            if scan is None or scan.park_ids != park_ids:
                scan = self._scans[first, last] = ScanAhead(park_ids, first, last)
            scan.advance(processed, self._may_go_on)

    def _may_go_on(self) -> bool:
        """After a pause in which DDL meets the table idle."""
        return not self._stop.wait(GAP_SECONDS)

    def _go_along(self) -> None:
        try:
            while not self._stop.wait(LOOKS_EVERY_SECONDS):
                try:
                    self.go_on()
                except DatabaseError:
                    connection.close()  # the server is away, or had enough of it: a new one is tried next time
        except Exception:
            logger.warning("what the import brings in is checked when it has ended, all at once", exc_info=True)
            self._scans = {}
        finally:
            connection.close()
