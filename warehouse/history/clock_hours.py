"""Waits by hour of a park's clock, packed: what ride_days.hours holds.

One byte for the first hour, then three for it and each one after it up to the last with a wait: minutes in which a wait
was shown, and the sum of wait x minutes (big-endian). An hour that the clock has twice that day has up to 120 minutes.
"""

from collections.abc import Sequence
from struct import Struct

_ONE = Struct(">BH")
_MOST = 0xFFFF  # 120 minutes of 546


def pack(minutes: Sequence[int], totals: Sequence[int]) -> bytes | None:
    """Minutes, and sums of wait x minutes, by hour of the clock, 0 to 23. None where there are no minutes."""
    told = [hour for hour, many in enumerate(minutes) if many]
    if not told:
        return None
    first, end = told[0], told[-1] + 1
    hours = zip(minutes[first:end], totals[first:end], strict=True)
    return bytes([first]) + b"".join([_ONE.pack(many, min(total, _MOST)) for many, total in hours])


def unpack(packed: bytes | None) -> dict[int, tuple[int, int]]:
    """The same again, of the hours with a wait; {} for None."""
    if not packed:
        return {}
    found = enumerate(_ONE.iter_unpack(packed[1:]), packed[0])
    return {hour: (minutes, total) for hour, (minutes, total) in found if minutes}
