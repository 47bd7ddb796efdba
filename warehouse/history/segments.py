"""A day of a park in full: from when to when each ride stood how, by the very rule that its minutes are counted by."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

from warehouse.history.following import Followed
from warehouse.history.frame import Frame, Ranges
from warehouse.history.reading import park_days
from warehouse.history.rule import DayOfPark, Piece, figures_of
from warehouse.history.whole_park import Seen
from warehouse.history.words import UNKNOWN
from warehouse.instants import instant_at
from warehouse.models import Park


@dataclass(frozen=True, slots=True)
class Segment:
    """A stretch of one state: `status` is a number of warehouse.history.words (0: unknown), `wait` what was shown in the
    standby line. `begin` and `end` are minutes from local midnight on, half-open."""

    status: int
    begin: int
    end: int
    wait: int | None

    @property
    def minutes(self) -> int:
        """Never 0."""
        return self.end - self.begin


@dataclass(frozen=True, slots=True)
class FullDay:
    """`of`: the figures, None where nothing was heard of the park. `minutes` are those that are looked at: of today
    those up to now. `hours`: ranges of minutes in which the park was open. `rides`: by ride_id, without gaps."""

    day: date
    of: DayOfPark | None
    begins_at: datetime | None = None  # local midnight (aware, UTC)
    minutes: int = 0
    hours: Ranges = ()
    rides: dict[int, list[Segment]] = field(default_factory=dict)

    def at(self, minute: int) -> datetime:
        """The instant (aware, UTC) of a minute of the day."""
        assert self.begins_at is not None
        return self.begins_at + timedelta(minutes=minute)


def full_day(park: Park, day: date, now: datetime) -> FullDay:
    """By the rows as they are, up to `now` (aware); the ten statements of warehouse.history.reading."""
    seen: Seen = {}
    (of,) = list(park_days(park, day, day, now, seen)) or (None,)
    if of is None:
        return FullDay(day, None)
    frame, followed = seen[day]
    rides = {ride_id: segments_of(frame, ride) for ride_id, ride in followed.items()}
    return FullDay(day, of, instant_at(frame.begin_ms), frame.minutes, frame.hours, rides)


def segments_of(frame: Frame, ride: Followed) -> list[Segment]:
    """Of one ride: what counts as no state is unknown, so they cover the day. None lies beside another of its like."""
    seen: list[Piece] = []
    figures_of(frame, ride, None, 0, seen)
    found: list[Segment] = []
    at = 0
    for status, begin, end, wait in sorted(seen, key=lambda piece: piece[1:3]):
        if begin >= end:
            continue
        if at < begin:
            _add(found, Segment(UNKNOWN, at, begin, None))
        _add(found, Segment(status, begin, end, wait))
        at = end
    if at < frame.minutes:
        _add(found, Segment(UNKNOWN, at, frame.minutes, None))
    return found


def states_alone(segments: Sequence[Segment]) -> list[Segment]:
    """The same without the waits: a stretch in which a ride operated is one, however often its wait changed."""
    found: list[Segment] = []
    for segment in segments:
        _add(found, Segment(segment.status, segment.begin, segment.end, None))
    return found


def _add(found: list[Segment], segment: Segment) -> None:
    if found and (found[-1].status, found[-1].wait, found[-1].end) == (segment.status, segment.wait, segment.begin):
        segment = Segment(segment.status, found[-1].begin, segment.end, segment.wait)
        found.pop()
    found.append(segment)
