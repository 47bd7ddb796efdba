"""What a park's day comes to, asked minute by minute: slow, simple, and written apart from warehouse.history.

For each full minute of the day and each ride: which word holds, is the park open, was anything heard, is it a night?
Everything is looked up anew in a plain list of all words. Nothing here imports the rule.
"""

import math
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

HOUR, MINUTE, DAY = 3_600_000, 60_000, 86_400_000
LONGEST = 92 * DAY
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, order=True)
class Said:
    """One row: `single` and the two return times are None where it has no such queue; `single` is a tuple of a wait."""

    ms: int
    ride: int
    status: str
    wait: int | None = None
    is_live: bool = False
    is_silent: bool = False
    single: tuple[int | None] | None = None
    returns: bool | None = None
    paid: bool | None = None


@dataclass
class Archive:
    """A park: all that was said, by whom, and what is known beside it. `openings`: (opens, observed, status)."""

    zone: ZoneInfo
    now: int
    said: list[Said]
    schedule: dict[date, list[tuple[int, int]]] = field(default_factory=dict)
    openings: dict[int, tuple[int, int, str]] = field(default_factory=dict)
    attractions: set[int] = field(default_factory=set)

    def __post_init__(self):
        self.said = sorted(word for word in self.said if word.ms < self.now)
        self._chosen: dict[date, list[Said]] = {}
        self._nights: dict[date, list[tuple[int, int]]] = {}
        self._inferred: dict[date, list[tuple[int, int]]] = {}
        self._seen: dict[tuple, object] = {}
        self._ends: dict[tuple[int, date], list[int]] = {}
        self._midnights: dict[date, int] = {}
        self._near: dict[date, list[int]] = {}

    # --- days ---------------------------------------------------------------------------------------------------------
    def midnight(self, day: date) -> int:
        if day not in self._midnights:
            instant = datetime.combine(day, time(), tzinfo=self.zone)
            self._midnights[day] = (instant.astimezone(UTC) - EPOCH) // timedelta(milliseconds=1)
        return self._midnights[day]

    def bounds(self, day: date) -> tuple[int, int]:
        return self.midnight(day), self.midnight(day + timedelta(days=1))

    def local(self, ms: int) -> datetime:
        return (EPOCH + timedelta(milliseconds=ms)).astimezone(self.zone)

    # --- whose word ---------------------------------------------------------------------------------------------------
    def chosen(self, day: date) -> list[Said]:
        if day not in self._chosen:
            begin, end = self.bounds(day)
            of_day = [word for word in self.said if begin <= word.ms < end]
            self._chosen[day] = [word for word in of_day if self._holds(word, of_day)]
        return self._chosen[day]

    def _holds(self, word: Said, of_day: list[Said]) -> bool:
        if not word.is_live:
            return True
        recorded = [other for other in of_day if not other.is_live]
        if any(other.ms // DAY == word.ms // DAY for other in recorded):
            return False  # the same part, divided at UTC midnight
        if any(other.ms // DAY < word.ms // DAY for other in recorded):
            last = {other.ride: other.status for other in recorded}
            return any(status in ("OPERATING", "DOWN") for status in last.values())
        return True

    def told_by(self, day: date) -> str | None:
        tellers = {"LIVE" if word.is_live else "ARCHIVE" for word in self.chosen(day)}
        return "BOTH" if len(tellers) == 2 else tellers.pop() if tellers else None

    # --- how a ride stands --------------------------------------------------------------------------------------------
    def words_until(self, ride: int, ms: int) -> Iterable[Said]:
        """The words of a ride that hold, the newest first, from an instant back (not included)."""
        day = self.local(ms - 1).date()
        first = self.local(self.said[0].ms).date() if self.said else day
        while day >= first:
            for word in reversed(self.chosen(day)):
                if word.ride == ride and word.ms < ms:
                    yield word
            day -= timedelta(days=1)

    def once(self, what: str, ride: int, day: date, ms: int, *more: object) -> tuple:
        """A key for what changes with the words of a ride alone: between two of them minutes need not be asked anew."""
        said = self._seen.get(("said", ride, day))
        if said is None:
            said = self._seen["said", ride, day] = [word.ms for word in self.chosen(day) if word.ride == ride]
        return what, ride, day, bisect_right(said, ms), *more

    def ends(self, ride: int, day: date) -> list[int]:
        """When 92 days after a word of the ride are over, on a day."""
        if (ride, day) not in self._ends:
            begin, end = self.bounds(day)
            said = [word.ms for word in self.said if word.ride == ride]
            said += [self.openings[ride][1]] if ride in self.openings else []
            self._ends[ride, day] = [ms + LONGEST for ms in said if begin < ms + LONGEST < end]
        return self._ends[ride, day]

    def status(self, ride: int, ms: int) -> str | None:
        """At an instant, words of the very instant included."""
        day = self.local(ms).date()
        # what is carried for 92 days ends at some minute of a day
        key = self.once("status", ride, day, ms, *(ms >= at for at in self.ends(ride, day)))
        if key not in self._seen:
            self._seen[key] = self._status(ride, ms)
        return self._seen[key]

    def _status(self, ride: int, ms: int) -> str | None:
        found = self._last_word(ride, ms + 1)
        if found is None or ms - found[1] >= LONGEST or self._is_lost(found, ms):
            return None
        return found[0]

    def _last_word(self, ride: int, ms: int) -> tuple[str, int, date] | None:
        """Before an instant; in its place the opening, where nothing was known when it came, nor was said since."""
        last = next(iter(self.words_until(ride, ms)), None)
        found = (last.status, last.ms, self.local(last.ms).date()) if last else None
        opening = self._opening(ride, ms)
        if opening is not None:
            at = self.midnight(opening[2] + timedelta(days=1))
            if found is None or (found[1] < at and (at - found[1] >= LONGEST or self._is_lost(found, at))):
                return opening
        return found

    def _opening(self, ride: int, ms: int) -> tuple[str, int, date] | None:
        if ride not in self.openings:
            return None
        opens, observed, status = self.openings[ride]
        day = self.local(opens - 1).date()
        return (status, observed, day) if self.midnight(day + timedelta(days=1)) <= ms else None

    def _is_lost(self, found: tuple[str, int, date], ms: int) -> bool:
        status, _, day = found
        if status not in ("OPERATING", "DOWN"):
            return False
        day += timedelta(days=1)
        while day < self.local(ms).date():
            if not self.chosen(day):
                return True
            day += timedelta(days=1)
        return False

    def is_known(self, ride: int, day: date) -> bool:
        """Whether the ride has figures of the day."""
        begin = self.midnight(day)
        found = self._last_word(ride, begin)
        return any(word.ride == ride for word in self.chosen(day)) or (found is not None and begin - found[1] < LONGEST)

    # --- the park -----------------------------------------------------------------------------------------------------
    def is_silent(self, day: date, ms: int) -> bool:
        if day not in self._near:
            self._near[day] = [word.ms for n in (-1, 0, 1) for word in self.chosen(day + timedelta(days=n))]
        near = self._near[day]
        heard = bisect_right(near, ms)  # so many words until then
        if not heard:
            return False
        end = self.bounds(day + timedelta(days=1))[1]
        following = near[heard] if heard < len(near) else self.now if self.now < end else math.inf
        return following - near[heard - 1] >= DAY

    def nights(self, day: date) -> list[tuple[int, int]]:
        """Quiet stretches of the three days around a day that hold 3 to 5 by the clock."""
        if day not in self._nights:
            words = [word for n in (-1, 0, 1) for word in self.chosen(day + timedelta(days=n))]
            edges, states, quiet = [], {}, []
            for number, word in enumerate(words):
                if not number or word.ms - words[number - 1].ms >= 3 * HOUR:
                    if number:
                        edges.append(words[number - 1].ms)
                    edges.append(word.ms)
                state = (word.status, word.wait or 0)
                if word.wait or states.get(word.ride, state) != state:
                    edges.append(word.ms)
                elif word.status == "OPERATING":
                    quiet.append((len(edges), word.ms))
                states[word.ride] = state
            if words:
                edges.append(words[-1].ms)
            found = []
            for number, (begin, end) in enumerate(pairwise(edges)):
                said = sum(edge == number + 1 for edge, _ in quiet)
                if said >= 6 and self._holds_a_night(begin, end):
                    found.append((begin, end))
            self._nights[day] = found
        return self._nights[day]

    def _holds_a_night(self, begin: int, end: int) -> bool:
        day = self.local(begin).date() - timedelta(days=1)
        while day <= self.local(end).date():
            three, five = (
                (datetime.combine(day, time(hour), tzinfo=self.zone).astimezone(UTC) - EPOCH)
                // timedelta(milliseconds=1)
                for hour in (3, 5)
            )
            if begin <= three and five <= end:
                return True
            day += timedelta(days=1)
        return False

    def hours(self, day: date) -> list[tuple[int, int]]:
        """Of this day alone."""
        if day in self.schedule:
            return self.schedule[day]
        if day not in self._inferred:
            self._inferred[day] = self._infer(day)
        return self._inferred[day]

    def _infer(self, day: date) -> list[tuple[int, int]]:
        begin, end = self.bounds(day)
        nights = [(a, b) for a, b in self.nights(day) if a < end and b > begin]
        words = self.chosen(day)
        asked = {word.ride for word in words}
        asked = asked & self.attractions or asked

        def at_night(ms: int) -> bool:
            return any(a <= ms < b for a, b in nights)

        operating = defaultdict(list)
        opened, left, down = {}, {}, {}
        for word in words:
            if word.ride not in asked:
                continue
            before = self.status(word.ride, word.ms - 1)
            if word.status == "OPERATING" and not at_night(word.ms):
                operating[word.ride].append(word.ms)
                if before != "OPERATING":
                    opened.setdefault(word.ride, word.ms)
            if word.status in ("CLOSED", "REFURBISHMENT"):
                if before == "OPERATING":
                    left[word.ride] = word.ms
                if before == "DOWN":
                    down[word.ride] = word.ms
        for ride in asked:  # open past midnight
            for status, found in (("OPERATING", left), ("DOWN", down)):
                if self.status(ride, end - 1) == status:
                    later = [word for word in self.chosen(day + timedelta(days=1)) if word.ride == ride]
                    change = next((word for word in later if word.status != status), None)
                    if change and change.status in ("CLOSED", "REFURBISHMENT") and change.ms < end + 5 * HOUR:
                        found[ride] = change.ms
        if not operating:
            return []
        quorum = math.ceil(len(operating) / 10)
        opened = {ride: ms for ride, ms in opened.items() if ride in operating}
        firsts = list(opened.values()) if len(opened) >= quorum else [said[0] for said in operating.values()]
        opens = sorted(firsts)[quorum - 1]
        closes = None
        for found in (left, down):
            late = sorted((ms for ms in found.values() if ms > opens), reverse=True)
            if closes is None and len(late) >= quorum:
                closes = late[quorum - 1]
        if closes is None:
            closes = sorted((said[-1] for said in operating.values()), reverse=True)[quorum - 1]
            closes = next((a for a, _ in nights if closes <= a < end), closes)
            if sum(self._operates_over(ride, day, at_night) for ride in asked) >= quorum:
                closes = end
        # minute by minute would lose the milliseconds: cut the nights out
        pieces, at = [], opens
        for a, b in nights:
            if a < closes and b > at:
                if a > at:
                    pieces.append((at, a))
                at = b
        if at < closes:
            pieces.append((at, closes))
        return pieces

    def _operates_over(self, ride: int, day: date, at_night) -> bool:
        """The midnight that ends a day."""
        _, end = self.bounds(day)
        later = [word for word in self.chosen(day + timedelta(days=1)) if word.ride == ride]
        if self.status(ride, end - 1) != "OPERATING" or not later:
            return False
        return later[0].status == "OPERATING" and later[0].ms < end + 5 * HOUR and not at_night(later[0].ms)

    def is_open(self, day: date, ms: int) -> bool:
        both = self.hours(day) + self.hours(day - timedelta(days=1))
        return any(a <= ms < b for a, b in both)

    # --- a ride's day -------------------------------------------------------------------------------------------------
    def rides(self, day: date) -> list[int]:
        every = {word.ride for word in self.said} | set(self.openings)
        return sorted(ride for ride in every if self.is_known(ride, day)) if self.chosen(day) else []

    def figures(self, ride: int, day: date) -> dict:
        begin, end = self.bounds(day)
        words = [word for word in self.chosen(day) if word.ride == ride]
        kinds, within = defaultdict(int), defaultdict(int)
        waits, singles, clock = [], [], defaultdict(lambda: [0, 0])
        returns = 0
        for ms in range(begin, min(end, self.now), MINUTE):
            kind = self._kind(ride, day, ms, words)
            kinds[kind] += 1
            if self.is_open(day, ms):
                within[kind] += 1
            if kind == "OPERATING":
                if (wait := self.shown(ride, day, ms, "standby")) is not None:
                    waits.append(wait)
                    clock[self.local(ms).hour][0] += 1
                    clock[self.local(ms).hour][1] += wait
                if (wait := self.shown(ride, day, ms, "single")) is not None:
                    singles.append(wait)
            returns += kind in ("OPERATING", "DOWN") and self._returns(ride, day, ms)
        told = [self.shown(ride, day, word.ms, "standby") for word in words if self._counts(ride, day, word)]
        told_single = [self.shown(ride, day, word.ms, "single") for word in words]
        return {
            "observations": len(words),
            "operating_minutes": kinds["OPERATING"],
            "down_minutes": kinds["DOWN"],
            "closed_minutes": kinds["CLOSED"],
            "refurbishment_minutes": kinds["REFURBISHMENT"],
            "unknown_minutes": kinds[None],
            "hours_minutes": sum(within.values()),
            "hours_operating": within["OPERATING"],
            "hours_down": within["DOWN"],
            "hours_closed": within["CLOSED"],
            "hours_refurbishment": within["REFURBISHMENT"],
            "hours_unknown": within[None],
            **_line("standby", waits, told),
            **_line("single", singles, told_single),
            "first_operating_at": self._first_operating(ride, words),
            "last_closed_at": self._last_closed(ride, day, words),
            "return_minutes": returns,
            "clock": {hour: tuple(found) for hour, found in clock.items()},
        }

    def _kind(self, ride: int, day: date, ms: int, words: list[Said]) -> str | None:
        status = self.status(ride, ms)
        if status in ("OPERATING", "DOWN") and self.is_silent(day, ms):
            return None
        if status != "OPERATING":
            return status
        if not self.is_open(day, ms):
            began = None  # when it last changed to OPERATING, that day
            for word in words:
                if word.ms <= ms and word.status == "OPERATING" and self.status(ride, word.ms - 1) != "OPERATING":
                    began = word.ms
            if began is None or ms >= began + 4 * HOUR:
                return None
        if not self._stands(ride, day, ms) and self._is_night(day, ms):
            return None
        return status

    def _is_night(self, day: date, ms: int) -> bool:
        return any(a <= ms < b for a, b in self.nights(day))

    def _counts(self, ride: int, day: date, word: Said) -> bool:
        """Whether a value counts for the lowest and highest though perhaps no minute saw it: where it is new, and none
        of a night."""
        begin = self.midnight(day)
        shown = self.shown(ride, day, word.ms - 1, "standby") if word.ms > begin else None
        if (self.status(ride, word.ms - 1), shown) == (word.status, self.shown(ride, day, word.ms, "standby")):
            return False
        minute = begin + math.ceil((word.ms - begin) / MINUTE) * MINUTE
        if minute >= min(self.bounds(day)[1], self.now):
            return True
        return bool(self._stands(ride, day, word.ms)) or not self._is_night(day, minute)

    # --- what is told beside the status -------------------------------------------------------------------------------
    def _tells(self, word: Said, line: str) -> bool:
        if word.status != "OPERATING" or word.is_live:
            return True
        return not word.is_silent if line == "standby" else word.single is not None

    def _value(self, word: Said, line: str) -> int | None:
        if word.status != "OPERATING":
            return None
        if line == "standby":
            return word.wait
        return word.single[0] if word.single else None

    def _last_told(self, ride: int, day: date, ms: int, line: str) -> Said | None:
        telling = [w for w in self.chosen(day) if w.ride == ride and w.ms <= ms and self._tells(w, line)]
        return telling[-1] if telling else None

    def carried(self, ride: int, day: date, line: str) -> int | None:
        """Over the midnight that begins a day."""
        begin = self.midnight(day)
        if self.status(ride, begin - 1) != "OPERATING":
            return None
        told = self._last_told(ride, day - timedelta(days=1), begin - 1, line)
        return self._value(told, line) if told else None

    def _stands(self, ride: int, day: date, ms: int, line: str = "standby") -> int | None:
        if self.status(ride, ms) != "OPERATING":
            return None
        told = self._last_told(ride, day, ms, line)
        return self._value(told, line) if told else self.carried(ride, day, line)

    def shown(self, ride: int, day: date, ms: int, line: str) -> int | None:
        """The wait, unless it is one that was carried over midnight and was not told anew since."""
        key = self.once("shown", ride, day, ms, line)
        if key not in self._seen:
            self._seen[key] = self._shown(ride, day, ms, line)
        return self._seen[key]

    def _shown(self, ride: int, day: date, ms: int, line: str) -> int | None:
        carried = self.carried(ride, day, line)
        since = [word for word in self.chosen(day) if word.ride == ride and word.ms <= ms]
        told_anew = any(word.status != "OPERATING" or self._tells(word, line) for word in since)
        return self._stands(ride, day, ms, line) if told_anew or carried is None else None

    def _returns(self, ride: int, day: date, ms: int) -> bool:
        key = self.once("returns", ride, day, ms)
        if key not in self._seen:
            self._seen[key] = self._gives_any(ride, day, ms)
        return self._seen[key]

    def _gives_any(self, ride: int, day: date, ms: int) -> bool:
        return any(self._gives(ride, day, ms, kind) for kind in ("returns", "paid"))

    def _gives(self, ride: int, day: date, ms: int, kind: str) -> bool:
        for one in (day, day - timedelta(days=1)):
            for word in reversed(self.chosen(one)):
                if word.ride == ride and word.ms <= ms and (word.is_live or getattr(word, kind) is not None):
                    return bool(getattr(word, kind))
        return False

    # --- openings and closings ----------------------------------------------------------------------------------------
    def _changes_to_operating(self, ride: int, words: list[Said]) -> list[int]:
        return [
            word.ms for word in words if word.status == "OPERATING" and self.status(ride, word.ms - 1) != "OPERATING"
        ]

    def _first_operating(self, ride: int, words: list[Said]) -> int | None:
        return next(iter(self._changes_to_operating(ride, words)), None)

    def _last_closed(self, ride: int, day: date, words: list[Said]) -> int | None:
        began = self._changes_to_operating(ride, words)
        if not began:
            return None
        stops = [word.ms for word in words if word.ms > began[-1] and word.status != "OPERATING"]
        if stops:
            return stops[0]
        end = self.bounds(day)[1]
        if not any(a < end < b for a, b in self.hours(day)):
            return None
        later = self.chosen(day + timedelta(days=1))
        return next((word.ms for word in later if word.ride == ride and word.status != "OPERATING"), None)


def _line(name: str, waits: list[int], told: list[int | None]) -> dict:
    ranked = sorted(waits)
    every = [wait for wait in [*told, *waits] if wait is not None]

    def rank(percent: int) -> int | None:
        return ranked[math.ceil(percent * len(ranked) / 100) - 1] if ranked else None

    return {
        f"{name}_minutes": len(waits),
        f"{name}_sum": sum(waits),
        f"{name}_min": min(every, default=None),
        f"{name}_p50": rank(50),
        f"{name}_p90": rank(90),
        f"{name}_max": max(every, default=None),
    }
