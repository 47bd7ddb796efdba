"""Whose word a park's day is by: the record's or the live collector's.

Both tell the same days, the live collector up to the minute, the record (day files, the History API) later and whole.
Where both spoke, the record holds. Day files may be cut at UTC midnight, which lies within most parks' days: so a day
is divided there, and each part is by itself. A function of the rows of that day of the park alone.
"""

from operator import itemgetter

from warehouse.history.words import ARCHIVE, DAY_MS, DOWN, OPERATING, STATUS, Word
from warehouse.models import DayTold
from warehouse.snapshot_id import RIDE_ID_BITS

_code = itemgetter(1)


def choose(words: dict[int, list[Word]], begin_ms: int, end_ms: int) -> tuple[dict[int, list[Word]], DayTold | None]:
    """The words of a day that hold, by ride, and by whom they are; None: nobody said anything.

    A part in which the park has rows of the archive is the archive's. Another is the live collector's, unless the
    archive told an earlier part of the day and closed the park: no ride was left OPERATING or DOWN. What the collector
    says then are strays of feeds that never close.
    """
    codes = {code & ARCHIVE for said in words.values() for code in set(map(_code, said))}
    if len(codes) < 2:
        return words, None if not codes else DayTold.ARCHIVE if ARCHIVE in codes else DayTold.LIVE
    chosen: dict[int, list[Word]] = {}
    tellers: set[DayTold] = set()
    closed = False
    cuts = [begin_ms, *range((begin_ms // DAY_MS + 1) * DAY_MS, end_ms, DAY_MS), end_ms]
    for number, first_ms in enumerate(cuts[:-1]):
        low, high = first_ms << RIDE_ID_BITS, cuts[number + 1] << RIDE_ID_BITS
        part = {ride: [word for word in said if low <= word[0] < high] for ride, said in words.items()}
        is_archive = any(word[1] & ARCHIVE for said in part.values() for word in said)
        if is_archive:
            part = {ride: [word for word in said if word[1] & ARCHIVE] for ride, said in part.items()}
            closed = _is_closed(words)
        elif closed:
            continue
        for ride, said in part.items():
            if said:
                chosen.setdefault(ride, []).extend(said)
                tellers.add(DayTold.ARCHIVE if is_archive else DayTold.LIVE)
    return chosen, DayTold.BOTH if len(tellers) > 1 else tellers.pop()


def _is_closed(words: dict[int, list[Word]]) -> bool:
    """Whether each ride's last word of the archive that day leaves it neither OPERATING nor DOWN."""
    last = (next((code for _, code, _ in reversed(said) if code & ARCHIVE), 0) for said in words.values())
    return not any(code & STATUS in (OPERATING, DOWN) for code in last)
