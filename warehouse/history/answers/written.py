"""An answer as lines of a table, of CSV or of JSON."""

import csv
import io
import itertools
import json
import re
from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from warehouse.history.answers.answer import Answer
from warehouse.outside import has_hidden, visible
from warehouse.text import aligned

FORMATS = ("table", "csv", "json")
# A spreadsheet would reckon with what begins so (https://owasp.org/www-community/attacks/CSV_Injection); the last four
# are the wide forms of the first four.
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")
_NUMBER = re.compile(r"-?\d+(\.\d+)?", re.ASCII)


def lines(answer: Answer, form: str) -> Iterator[str]:
    """In one of FORMATS, without the ends of lines."""
    return {"table": as_table, "csv": as_csv, "json": as_json}[form](answer)


def as_table(answer: Answer) -> Iterator[str]:
    """For reading: the columns that have a heading, texts first."""
    if answer.table is not None:
        return aligned(*answer.table)
    shown = [(n, column) for n, column in enumerate(answer.columns) if column.heading]
    shown.sort(key=lambda each: not each[1].is_text)
    rows = [[None if row[n] is None else _plain(column.shown(row[n])) for n, column in shown] for row in answer.rows]
    return aligned([column.heading for _, column in shown], rows, texts=sum(column.is_text for _, column in shown))


def as_csv(answer: Answer) -> Iterator[str]:
    """With a head."""
    return csv_lines(itertools.chain([[column.name for column in answer.columns]], answer.rows))


def csv_lines(rows: Iterable[Iterable[Any]]) -> Iterator[str]:
    """Rows of cells as lines of CSV. None is an empty cell; instants are UTC, as instant_text writes them.

    A text that a spreadsheet would take for a formula gets a ' before it; a number stays one, whatever its sign. What
    is hidden in a text is shown as an escape (warehouse.outside).
    """
    line = io.StringIO()
    # both characters are named here so that either of them inside a cell gets its cell quoted
    write = csv.writer(line, lineterminator="\r\n").writerow
    for row in rows:
        line.seek(0)
        line.truncate()
        write([_cell(value) for value in row])
        yield line.getvalue().removesuffix("\r\n")


def as_json(answer: Answer) -> Iterator[str]:
    """A list of objects, one a line."""
    names = [column.name for column in answer.columns]
    if not answer.rows:
        yield "[]"
        return
    for number, row in enumerate(answer.rows):
        text = json_text({name: _value(value) for name, value in zip(names, row, strict=True)})
        yield f"{'[' if not number else ' '}{text}{']' if number + 1 == len(answer.rows) else ','}"


def json_text(value: Any, **options: Any) -> str:
    """JSON for people, and with whatever is hidden in it as JSON's own escapes, so that nothing is lost."""
    text = json.dumps(value, ensure_ascii=False, **options)
    return json.dumps(value, **options) if has_hidden(text.replace("\n", "")) else text


def instant_text(instant: datetime) -> str:
    """2025-07-04T14:00:00Z; milliseconds where there are some."""
    utc = instant.astimezone(UTC).replace(tzinfo=None)
    return f"{utc.isoformat(timespec='milliseconds' if utc.microsecond else 'seconds')}Z"


def _cell(value: Any) -> Any:
    if isinstance(value, str):
        value = visible(value, lines=True)
        return f"'{value}" if value.startswith(_FORMULA) and not _NUMBER.fullmatch(value) else value
    return _plain(value)


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return instant_text(value)
    return value.isoformat() if isinstance(value, date) else value


def _value(value: Any) -> Any:
    return float(value) if isinstance(value, Decimal) else _plain(value)
