"""A file from its bytes to what it says, as one piece of work that can be done here or in another process."""

from collections.abc import Callable
from datetime import datetime
from typing import Any, NamedTuple

from msgspec.structs import astuple

from imports.events.decoded import Decoded
from imports.events.validation import Observation, Validated, validate

#: the bytes of a file -> what it holds. UnreadableFile: nothing of it can be used.
Decode = Callable[[bytes], Decoded]


class Job(NamedTuple):
    """One file to be decoded and validated. `decode` is a function of a module, which another process finds by its
    name."""

    decode: Decode
    raw: bytes
    now: datetime  # aware: what lies behind it is in the future
    wait_max_minutes: int


class Answer(NamedTuple):
    """What became of a job, to be pickled.

    Observations come by columns, which are put together again in 0.3 us each; pickled as they are it would be 0.4, and
    twice as long to pickle them. A text that many share crosses once, and they share it again.
    """

    decoded: Decoded
    validated: Validated  # without its observations
    columns: list[tuple[Any, ...]]  # of the observations


def do(job: Job) -> tuple[Decoded, Validated]:
    """What the file holds, without its events, and what they amount to."""
    decoded = job.decode(job.raw)
    validated = validate(decoded.events, job.now, job.wait_max_minutes)
    decoded.events = []  # the memory of a file, twice
    return decoded, validated


def answer_of(decoded: Decoded, validated: Validated) -> Answer:
    """To be sent to another process. Takes the observations out of `validated`."""
    observations, validated.observations = validated.observations, []
    return Answer(decoded, validated, list(zip(*map(astuple, observations), strict=True)))


def open_answer(answer: Answer) -> tuple[Decoded, Validated]:
    """What `do` gave in the other process."""
    answer.validated.observations = list(map(Observation, *answer.columns)) if answer.columns else []
    return answer.decoded, answer.validated
