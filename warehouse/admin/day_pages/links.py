"""Addresses of the pages; what is asked stands in them."""

from collections.abc import Mapping
from datetime import date
from typing import Any

from django.urls import reverse
from django.utils.http import urlencode


def park(park_id: int, **asked: Any) -> str:
    """A park over a period."""
    return _with(reverse("admin:warehouse_park_history", args=[park_id]), asked)


def day(park_id: int, of: date, **asked: Any) -> str:
    """One day of a park."""
    return _with(reverse("admin:warehouse_park_day", args=[park_id]), {"day": of, **asked})


def ride(ride_id: int, **asked: Any) -> str:
    """A ride over a period."""
    return _with(reverse("admin:warehouse_ride_history", args=[ride_id]), asked)


class DayLinks:
    """Addresses of many days of a park: made from one, since hundreds are on a page."""

    def __init__(self, park_id: int, **asked: Any):
        self._address = day(park_id, date(2000, 1, 1), **asked).replace("2000-01-01", "{}")

    def __call__(self, of: date) -> str:
        return self._address.format(of.isoformat())


def _with(address: str, asked: Mapping[str, Any]) -> str:
    given = {name: value for name, value in asked.items() if value not in (None, "", [])}
    return f"{address}?{urlencode(given, doseq=True)}" if given else address
