"""Lines of the log: one record is one line, and nothing in it is hidden, whatever was logged and by whom.

A name with a line end would write a record of its own, and one with an escape sequence would act on the terminal of
whoever reads. Records are made so for every handler there is, those of libraries included; a traceback goes on the line
of its record, its own ends of lines as \\n.
"""

import json
import logging
from datetime import UTC, datetime

from warehouse.outside import shown, visible

MESSAGE_MAX = 10_000  # characters
TRACEBACK_MAX = 20_000


class ShownRecord(logging.LogRecord):
    """Its message on one line."""

    def getMessage(self) -> str:
        return shown(super().getMessage(), MESSAGE_MAX)


class OneLine(logging.Formatter):
    """For handlers: whatever else stands in the line, exceptions above all, on the same one."""

    def formatException(self, ei) -> str:
        return shown(super().formatException(ei), TRACEBACK_MAX)

    def format(self, record: logging.LogRecord) -> str:
        return visible(super().format(record).replace("\n", " "))


class OneObject(OneLine):
    """For handlers: a record as an object of JSON, in ASCII, for what collects logs. Its keys: `time` (UTC, ISO 8601),
    `level`, `logger`, `message`, `process` (its id), and where there is a traceback `exception`."""

    def format(self, record: logging.LogRecord) -> str:
        found = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
            "process": record.process,
        }
        if record.exc_info:
            found["exception"] = self.formatException(record.exc_info)
        return json.dumps(found)


def show_all_records() -> None:
    """From now on in this process. Records of a factory that stands there already stay its own."""
    if logging.getLogRecordFactory() is logging.LogRecord:
        logging.setLogRecordFactory(ShownRecord)
