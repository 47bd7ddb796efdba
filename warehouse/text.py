"""Figures as text, alike on pages, in reports and from commands: counts, durations, sizes, tables."""

import re
from collections.abc import Iterable, Iterator, Sequence
from decimal import Decimal
from typing import Any

from warehouse.outside import padded, shown, width

MINUTE, HOUR, DAY = 60, 3600, 86_400  # seconds


def count_of(count: int, one: str, many: str = "") -> str:
    """`1 file`, `0 files`, `1,234 files`; `many` where an s does not make it: `2 entities`."""
    return f"{count:,} {one if count == 1 else many or f'{one}s'}"


def duration_in_words(seconds: float) -> str:
    """Two units at most, cut: 8 s, 3 min 20 s, 2 h 5 min, 47 h, 3 days 4 h. Below 0: 0 s."""
    seconds = max(0, int(seconds))
    for unit, size, from_seconds, smaller, smaller_size in (
        ("days", DAY, 2 * DAY, "h", HOUR),
        ("h", HOUR, HOUR, "min", MINUTE),
        ("min", MINUTE, MINUTE, "s", 1),
    ):
        if seconds >= from_seconds:
            rest = seconds % size // smaller_size
            return f"{seconds // size} {unit}" + (f" {rest} {smaller}" if rest else "")
    return f"{seconds} s"


def age_in_words(seconds: float) -> str:
    """One unit, for what need not be known to the second: 0 min, 119 min, 2 h, 47 h, 2 days. Below 0: 0 min."""
    seconds = max(0, int(seconds))
    if seconds < 2 * HOUR:
        return f"{seconds // MINUTE} min"
    return f"{seconds // HOUR} h" if seconds < 2 * DAY else f"{seconds // DAY:,} days"


def size_in_words(megabytes: float | Decimal, *, on_axis: bool = False) -> str:
    """MB (1,000,000 bytes) in the unit that suits, with three figures or so: 0.02 MB, 12.3 MB, 4.56 GB, 1.20 TB.

    `on_axis`: beside a scale's round figures, where zeros at the end would only be in the way: 0 MB, 50 MB, 1.5 GB.
    """
    amount, unit = float(megabytes), "MB"
    for larger in ("GB", "TB"):
        if abs(amount) >= 1000:
            amount, unit = amount / 1000, larger
    decimals = 2 if abs(amount) < 10 else 1 if abs(amount) < 100 else 0
    return f"{amount:,.4g} {unit}" if on_axis else f"{amount:,.{decimals}f} {unit}"


def aligned(head: Sequence[str], rows: Sequence[Sequence[Any]], *, texts: int = 1) -> Iterator[str]:
    """A table as lines, the head first, columns as wide as they need in a terminal and two spaces apart.

    The first `texts` columns stand to the left, the others are figures and stand to the right; numbers get their
    separators, None is left empty.
    """
    cells = [[_cell(value) for value in row] for row in rows]
    widths = [max(map(width, column)) for column in zip(head, *cells, strict=True)]
    for row in (head, *cells):
        yield "  ".join(
            padded(cell, columns, right=n >= texts) for n, (cell, columns) in enumerate(zip(row, widths, strict=True))
        ).rstrip()


def _cell(value: Any) -> str:
    if value is None:
        return ""
    return f"{value:,}" if isinstance(value, int | Decimal) else shown(value)


def label_of(choices: Iterable[tuple[Any, Any]], value: Any) -> str:
    """Of a model's choices; of a value that is none of them (an ENUM has '' for what SQL wrote) itself, shown, or ?."""
    return str(dict(choices).get(value, shown(value) or "?"))


def plain_name(name: str) -> str:
    """Of a file: small letters, figures and hyphens. Never empty."""
    return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-") or "days"
