"""A ride followed through one day: where its words change something, and how it stands when the day ends.

Most words change nothing that counts (a return window moves: 112 of 187 captured of Space Mountain on 2026-09-26), so
the rule of a day looks at changes alone.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from warehouse.history.words import (
    ARCHIVE,
    CARRIED_MS,
    OPERATING,
    PAID_RETURN_TIME,
    RETURN_TIME,
    SILENT,
    SINGLE_RIDER,
    STATUS,
    UNKNOWN,
    Queue,
    State,
    Word,
)
from warehouse.snapshot_id import RIDE_ID_BITS

#: from when on (ms), status, wait shown in the standby line
Change = tuple[int, int, int | None]


@dataclass(slots=True)
class Followed:
    """`changes`: the first is how the ride stood at midnight. A wait that was carried over midnight is not shown: it
    counts once it is told anew."""

    changes: list[Change]
    held: int | None  # the wait that was carried over midnight
    leaves: State | None  # None: nothing is known of it, or it went to another park
    observations: int
    single: list[tuple[int, int | None]] = field(default_factory=list)  # from when on, wait of the single rider line
    returns: list[tuple[int, bool]] = field(default_factory=list)  # from when on, whether return times are given out
    prices: list[tuple[Decimal, str | None]] = field(default_factory=list)  # with currency, in the order of time


def follow(
    state: State | None,
    words: Sequence[Word],
    begin_ms: int,
    end_ms: int,
    queues: Mapping[int, list[Queue]],
    leaves_ms: int | None = None,
) -> Followed:
    """One ride's day, from `begin_ms` to `end_ms`: how it stood before, and its words of the day, ascending.

    A word of the archive that is silent about the standby line leaves the wait as it was told last, up to a status that
    is not OPERATING. What is told beside the status is carried over one midnight: a day in which it is not told again
    forgets it, so that no day hangs by more than the one before.
    """
    status, held = (state.status, state.wait) if state else (UNKNOWN, None)
    changes: list[Change] = [(begin_ms, status, None)]
    if state and status:
        limit = state.heard_ms + CARRIED_MS
        if limit <= begin_ms:
            status, held = UNKNOWN, None
            changes = [(begin_ms, UNKNOWN, None)]
        elif limit < (words[0][0] >> RIDE_ID_BITS if words else end_ms):
            changes.append((limit, UNKNOWN, None))
            status = UNKNOWN
    # what was carried, until it is told anew: that there is no wait, too
    stands = held if status == OPERATING else None
    told = shown = None
    is_told = False
    for key, code, wait in words:
        now = code & STATUS
        if now != OPERATING:
            told, is_told = None, True
        elif not code & SILENT:
            told, is_told = wait, True
        if now != status or told != shown or (is_told and stands is not None):
            status, shown, stands = now, told, None
            changes.append((key >> RIDE_ID_BITS, status, shown))
    followed = Followed(changes, held, None, len(words))
    single, available = None, 0
    carries = state is not None and (state.available or state.single is not None)
    if carries or (queues and any(key in queues for key, _, _ in words)):
        single, available = _follow_queues(followed, state, words, begin_ms, queues)
    if leaves_ms is not None:
        changes.append((leaves_ms, UNKNOWN, None))
    elif words:
        heard_ms = words[-1][0] >> RIDE_ID_BITS
        followed.leaves = State(status, heard_ms, shown, single, available)
    elif state:
        followed.leaves = State(status, state.heard_ms)
    return followed


def _follow_queues(
    followed: Followed, state: State | None, words: Sequence[Word], begin_ms: int, queues: Mapping[int, list[Queue]]
) -> tuple[int | None, int]:
    """The further queues; what of them goes into the next day.

    A row of the live collector is whole: a queue of which it does not speak is none. One of the archive may be silent.
    """
    single, available = (state.single, state.available) if state else (None, 0)
    followed.single.append((begin_ms, None))  # what is carried is not shown, as of the standby line
    followed.returns.append((begin_ms, available > 0))
    single_told = returns_told = 0
    shown: int | None = None
    for key, code, _ in words:
        now, given = single, available
        if not code & ARCHIVE:
            now, given, single_told, returns_told = None, 0, 1, RETURN_TIME | PAID_RETURN_TIME
        for queue in queues.get(key, ()):
            if queue.kind == SINGLE_RIDER:
                now, single_told = queue.wait, 1
            elif queue.kind & (RETURN_TIME | PAID_RETURN_TIME):
                given = given & ~queue.kind | queue.kind * queue.is_available
                returns_told |= queue.kind
            if queue.price is not None:
                followed.prices.append((queue.price, queue.currency))
        if code & STATUS != OPERATING:
            now, single_told = None, 1
        single = now
        if single_told and single != shown:
            shown = single
            followed.single.append((key >> RIDE_ID_BITS, single))
        if given != available:
            available = given
            followed.returns.append((key >> RIDE_ID_BITS, available > 0))
    return single if single_told else None, available & returns_told
