"""What operators type on command lines, read alike by every command: for `type=` of argparse, which says the message
of what is no such thing and ends with exit status 2.
"""

import re
from argparse import ArgumentTypeError
from collections.abc import Callable
from datetime import date
from typing import TypeVar

from warehouse import days

T = TypeVar("T")
_MONTH = re.compile(r"[0-9]{4}-[0-9]{2}")


def day(text: str) -> date:
    """YYYY-MM-DD, within reach (warehouse.days)."""
    return _read(days.day_from, text)


def month(text: str) -> date:
    """YYYY-MM or YYYYMM: the first day of the month."""
    return _read(days.month_from, text)


def first_day(text: str) -> date:
    """YYYY-MM-DD; of a month, YYYY-MM, its first day."""
    return _read(days.month_from if _MONTH.fullmatch(text) else days.day_from, text)


def last_day(text: str) -> date:
    """YYYY-MM-DD; of a month, YYYY-MM, its last day."""
    found = first_day(text)
    return days.end_of_month(found) if _MONTH.fullmatch(text) else found


def as_said(read: Callable[[str], T]) -> Callable[[str], T]:
    """`read`, whose ValueError says what is wrong."""
    return lambda text: _read(read, text)


def _read(read: Callable[[str], T], text: str) -> T:
    try:
        return read(text)
    except ValueError as error:  # of a ValueError argparse would keep the message to itself
        raise ArgumentTypeError(str(error)) from None
