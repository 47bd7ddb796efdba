"""Waits by hour of a park's clock, packed: what ride_days.hours holds.

One byte for the first hour, then three for it and each one after it up to the last with a wait: minutes in which a wait
was shown, and the sum of wait x minutes (big-endian). An hour that the clock has twice that day has up to 120 minutes.
"""

from collections.abc import Mapping
from struct import Struct

_ONE = Struct(">BH")
_MOST = 0xFFFF  # 120 minutes of 546


def pack(hours: Mapping[int, tuple[int, int]]) -> bytes | None:
    """`hours`: (minutes, sum of wait x minutes) by hour of the clock, 0 to 23. None where there are no minutes."""
    told = [hour for hour, (minutes, _) in hours.items() if minutes]
    if not told:
        return None
    first = min(told)
    found = bytearray([first])
    for hour in range(first, max(told) + 1):
        minutes, total = hours.get(hour, (0, 0))
        found += _ONE.pack(minutes, min(total, _MOST))
    return bytes(found)


def unpack(packed: bytes | None) -> dict[int, tuple[int, int]]:
    """The same again, of the hours with a wait; {} for None."""
    if not packed:
        return {}
    found = enumerate(_ONE.iter_unpack(packed[1:]), packed[0])
    return {hour: (minutes, total) for hour, (minutes, total) in found if minutes}
