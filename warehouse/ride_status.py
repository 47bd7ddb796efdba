"""The states of a ride and of its queues, below the tables that keep them: words alone, nothing of Django.

What decodes files in a process of its own knows them without loading Django, which takes it 0.2 s and 18 MB.
"""

from collections.abc import Iterable
from enum import StrEnum


class RideStatus(StrEnum):
    """The four states that themeparks.wiki tells of; no other is stored."""

    OPERATING = "OPERATING"
    DOWN = "DOWN"
    CLOSED = "CLOSED"
    REFURBISHMENT = "REFURBISHMENT"


class QueueType(StrEnum):
    """The queues a ride may have. STANDBY has its place in snapshots.wait_time, the others in queue_data."""

    STANDBY = "STANDBY"
    SINGLE_RIDER = "SINGLE_RIDER"
    RETURN_TIME = "RETURN_TIME"
    PAID_RETURN_TIME = "PAID_RETURN_TIME"
    BOARDING_GROUP = "BOARDING_GROUP"
    PAID_STANDBY = "PAID_STANDBY"


class ReturnTimeState(StrEnum):
    """Whether return times are given out now, as themeparks.wiki says it."""

    AVAILABLE = "AVAILABLE"
    TEMP_FULL = "TEMP_FULL"
    FINISHED = "FINISHED"


def choices_of(words: Iterable[StrEnum]) -> list[tuple[str, str]]:
    """For a field of a model: `[("SINGLE_RIDER", "Single Rider"), ...]`."""
    return [(word.value, word.value.replace("_", " ").title()) for word in words]
