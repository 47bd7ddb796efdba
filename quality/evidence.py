"""How much of what was found is kept as evidence: examples, how often each value was met, and how long each may be.

A source may say anything at any length: one event's time of 3 MB made a page of 6 MB. Nothing of Django: what decodes
files in a process of its own starts without it.
"""

import itertools
import json
import math
from typing import Any

from warehouse.outside import fitting, shown

EXAMPLES_MAX = 5
VALUES_MAX = 50  # values that are counted one by one; how often there were others is counted, too
OTHER_VALUES = "other values"
TEXT_MAX = 500  # characters of a text in an example
LABEL_MAX = 100  # of a value that is counted
ITEMS_MAX = 20  # of a list, and of an object, inside an example
DEPTH_MAX = 5
EXAMPLE_MAX = 4_000  # characters of an example, as JSON
DESCRIPTION_MAX = 2_000
FILES_SHOWN = 100
LEFT_OUT = "…"  # the key under which an object says how much of it was left out


def count_value(values: dict[str, int], value: str, count: int = 1) -> None:
    """Count a value that was refused `count` times more; what comes when VALUES_MAX are known is counted as others."""
    value = fitting(value, LABEL_MAX)
    if value not in values and len(values) - (OTHER_VALUES in values) >= VALUES_MAX:
        value = OTHER_VALUES
    values[value] = values.get(value, 0) + count


def bounded(example: Any) -> Any:
    """An example as it is kept: itself where it is short, else with what was left out said in its place; at most
    EXAMPLE_MAX characters of JSON, whatever it was. What is bounded already comes back as it is."""
    for text_max in (TEXT_MAX, TEXT_MAX // 5):
        kept = _within(example, text_max, DEPTH_MAX)
        text = json.dumps(kept, ensure_ascii=False)
        if len(text) <= EXAMPLE_MAX:
            return kept
    return shown(text, EXAMPLE_MAX - 100)


def examples_within(examples: list[Any]) -> list[Any]:
    """The first EXAMPLES_MAX of them, bounded."""
    return [bounded(example) for example in examples[:EXAMPLES_MAX]]


def values_within(values: dict[Any, Any]) -> dict[str, int]:
    """Counts of values, no more of them and no longer than are counted; of records of before this was so."""
    kept: dict[str, int] = {}
    for value, count in values.items():
        count_value(kept, str(value), count if isinstance(count, int) else 0)
    return kept


def _within(value: Any, text_max: int, depth: int) -> Any:
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int):
        return value if abs(value) < 2**63 else f"{LEFT_OUT}(a number of {value.bit_length():,} bits)"
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)  # NaN is no JSON
    if isinstance(value, dict | list | tuple):
        if not depth:
            return f"{LEFT_OUT}(nested deeper)"
        return (_object if isinstance(value, dict) else _list)(value, text_max, depth - 1)
    return fitting(str(value), text_max)


def _object(value: dict, text_max: int, depth: int) -> dict:
    room = ITEMS_MAX + (LEFT_OUT in value)  # one that was cut before
    kept = {
        fitting(str(key), LABEL_MAX): _within(each, text_max, depth)
        for key, each in itertools.islice(value.items(), room)
    }
    return kept if len(value) <= room else kept | {LEFT_OUT: f"{len(value) - room:,} more"}


def _list(value: list | tuple, text_max: int, depth: int) -> list:
    cut_before = bool(value) and isinstance(value[-1], str) and value[-1].startswith(f"{LEFT_OUT}(")
    room = ITEMS_MAX + cut_before
    kept = [_within(each, text_max, depth) for each in value[:room]]
    return kept if len(value) <= room else [*kept, f"{LEFT_OUT}({len(value) - room:,} more)"]
