"""Rows as texts, as LOAD DATA reads them: made once where a value is checked, compared and loaded as they are."""

import re
from collections.abc import Iterable
from typing import Any

QUEUE_COLUMNS = (
    "queue_type",
    "wait_time_minutes",
    "return_time_start",
    "return_time_end",
    "price_amount",
    "price_currency",
    "boarding_group_status",
    "boarding_group_current",
    "return_time_state",
)
STATE_COLUMNS = ("status", "wait_time", "computed_is_open", "wait_told")

NULL = "\\N"


def row_text(values: Iterable[Any]) -> str:
    """Values as LOAD DATA reads them: separated by tabs, NULL as \\N, tab, line end and backslash escaped.

    Without the line end, which a loader adds.
    """
    return "\t".join([NULL if value is None else _escaped(str(value)) for value in values])


def row_values(text: str) -> list[str | None]:
    """The values of a `row_text` again, as texts."""
    return [None if value == NULL else _ESCAPES.sub(lambda m: _PLAIN[m[1]], value) for value in text.split("\t")]


_PLAIN = {"\\": "\\", "t": "\t", "n": "\n", "r": "\r"}
_ESCAPES = re.compile(r"\\([\\tnr])")


def _escaped(text: str) -> str:
    if "\\" in text or "\t" in text or "\n" in text or "\r" in text:
        text = text.replace("\\", "\\\\").replace("\t", "\\t").replace("\n", "\\n").replace("\r", "\\r")
    return text


def text_of(value: Any) -> str:
    """A text that the database can take: lone surrogates replaced; '' for anything that is no text."""
    return value.encode("utf-8", errors="replace").decode() if type(value) is str else ""
