"""Which steps of a run go into the database together: small day files that follow each other, in one transaction.

Each transaction costs some 25 statements, a COMMIT and two LOAD DATA, 14 to 18 ms, whatever it holds; a file of 150
events has 2 ms of work of its own (docs/decisions/small-files-together.md). All rules of one file hold for each of
them. Whatever is out of the ordinary goes alone, as if there were no others.
"""

import time
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import chain

from imports.archive.growth import hold_back
from imports.archive.prefetch import ReadAhead, Reading, look_into
from imports.archive.read_before import whose_rows_are_there
from imports.archive.run import ImportRun, MissingDays, Step
from imports.archive.slow_clock import refuse_a_slow_clock, slow_clock
from imports.events.validation import Observation
from imports.sources.source import Feed

FILES_MAX = 64
EVENTS_MAX = 20_000  # 3 MB of rows; from here on a transaction's own cost is below 2 % of it
# A pause is heeded between two transactions and is to be within 2 s, and a kill is to undo little: so long a
# transaction may be, as the one before it went.
SECONDS_MAX = 1.0
GATHER_SECONDS = 0.2  # so long files that are ready wait for the next one, of a source that is slow
EVENTS_A_FILE = 200  # what a file costs beside its events, in events


@dataclass
class Batch:
    """Steps, and what was found of each; of several, all are readings of events for the same parks."""

    steps: list[Step]
    found: list[Reading | MissingDays]

    def observations(self) -> Iterable[Observation]:
        """All that was observed, file by file."""
        return chain.from_iterable(found.validated.observations for found in self.found if isinstance(found, Reading))

    def __len__(self) -> int:
        return len(self.steps)

    def singly(self) -> "list[Batch]":
        """The same, each step by itself."""
        return [Batch([step], [found]) for step, found in zip(self.steps, self.found, strict=True)]


class Batches:
    """The steps of a run in their order, with what `read_ahead` gives of their files."""

    def __init__(self, run: ImportRun, steps: Iterable[Step], read_ahead: ReadAhead):
        self._run, self._read_ahead = run, read_ahead
        self._steps = deque(steps)
        self._at_hand: deque[Reading | MissingDays] = deque()  # of the first steps
        self._seen: list[Reading] = []  # of which the rows are there
        self._failed: Exception | None = None  # what reading the step behind them came to
        self._seconds_an_event: float | None = None
        self.begun = False  # one was taken

    def __bool__(self) -> bool:
        """Whether steps are left."""
        return bool(self._steps)

    def take(self) -> Batch:
        """The next step, and those behind it that can go in with it.

        ClockIsSlow, TooManyNew: the next file is held back. What reading it raises: see imports.archive.prefetch.
        """
        self.begun = True
        first = self._found(0)
        if isinstance(first, Reading) and first.unchanged:
            self._see_what_is_known_again()
            first = self._at_hand[0]
        if isinstance(first, Reading):
            refuse_a_slow_clock(first, self._run.clock())
            if not self._run.options.force:
                hold_back(self._run.sudden_growth(first), self._run.clock())
        many = self._how_many(first)
        batch = Batch([self._steps.popleft() for _ in range(many)], [self._at_hand.popleft() for _ in range(many)])
        self._began = time.monotonic()
        return batch

    def done(self, batch: Batch, many: int) -> None:
        """The first `many` steps of a batch are behind us; the others come again."""
        seconds = time.monotonic() - self._began
        self._steps.extendleft(reversed(batch.steps[many:]))
        self._at_hand.extendleft(reversed(batch.found[many:]))
        if weight := sum(map(_weight, batch.found[:many])):
            self._seconds_an_event = seconds / weight

    # --- which ----------------------------------------------------------------------------------------------------
    def _how_many(self, first: Reading | MissingDays) -> int:
        run = self._run
        if self._seconds_an_event is None or not _files_go_together(run):
            return 1  # the very first says how fast it goes
        if isinstance(first, Reading) and first.unchanged:
            return self._how_many_unchanged(first)
        if not _is_ordinary(first):
            return 1
        parks = run.concerned_by(self._steps[0])
        if run.may_be_joined and _brings_others(first, {checkpoint.park.themeparks_wiki_id for checkpoint in parks}):
            return 1
        room = min(EVENTS_MAX, SECONDS_MAX / self._seconds_an_event) - _weight(first)
        patient_until = time.monotonic() + GATHER_SECONDS
        many = 1
        while many < min(FILES_MAX, len(self._steps)) and self._is_at_hand(many, patient_until):
            found, step = self._at_hand[many], self._steps[many]
            room -= _weight(found)
            if room < 0 or not _is_ordinary(found) or run.concerned_by(step) != parks or self._is_held_back(found):
                break
            if run.may_be_joined and _brings_others(found, {each.park.themeparks_wiki_id for each in parks}):
                break
            many += 1
        return many

    def _how_many_unchanged(self, first: Reading) -> int:
        """Of files that are known again, as many as were looked at together and concern the same parks."""
        if self._run.options.is_selective:
            return 1
        parks = self._run.concerned_by(first.file)
        many = 1
        for found, step in list(zip(self._at_hand, self._steps, strict=False))[1:FILES_MAX]:
            if not (isinstance(found, Reading) and found.unchanged and self._run.concerned_by(step) == parks):
                break
            many += 1
        return many

    def _see_what_is_known_again(self) -> None:
        """Look into those of the next files that hold what they held, and of which something is wanted all the same:
        rows are gone, or a park has joined that did not read them."""
        run, first = self._run, self._at_hand[0]
        if any(first is seen for seen in self._seen):
            return
        patient_until = time.monotonic() + GATHER_SECONDS
        many = 1
        while many < min(FILES_MAX, len(self._steps)) and self._is_at_hand(many, patient_until):
            many += 1
        readings = [found for found in self._at_hand if isinstance(found, Reading) and found.unchanged]
        # asked again: a park may have joined since it was asked when they were read ahead
        known = {found.file.key for found in readings if found.sha256 and run.was_read(found.file, found.sha256)}
        if not run.options.is_selective:
            parks = [checkpoint.park_id for checkpoint in run.checkpoints]
            known &= whose_rows_are_there(run, readings, parks)
        for reading in readings:
            if reading.file.key not in known:
                look_into(run.source, reading, run.clock())
        self._seen = [reading for reading in readings if reading.unchanged]
        for n, found in enumerate(self._at_hand):
            if isinstance(found, Reading) and found.missing:
                self._at_hand[n] = MissingDays(found.file.day, found.file.day)

    def _is_held_back(self, found: Reading | MissingDays) -> bool:
        """When its turn comes, it says so."""
        assert isinstance(found, Reading)
        run = self._run
        return bool(slow_clock(found, run.clock())) or (not run.options.force and run.sudden_growth(found) is not None)

    # --- what there is of them ------------------------------------------------------------------------------------
    def _is_at_hand(self, number: int, patient_until: float) -> bool:
        """Whether it is known what there is of a step, or is by then."""
        if number < len(self._at_hand):
            return True
        if self._failed is not None or isinstance(self._steps[number], MissingDays):
            return False
        if not self._read_ahead.ready(patient_until - time.monotonic()):
            return False
        try:
            self._at_hand.append(self._read(self._steps[number]))
        except Exception as error:
            self._failed = error  # of that step: those before it go in first
            return False
        return True

    def _found(self, number: int) -> Reading | MissingDays:
        if number == len(self._at_hand):
            if self._failed is not None:
                raise self._failed
            self._at_hand.append(self._read(self._steps[number]))
        return self._at_hand[number]

    def _read(self, step: Step) -> Reading | MissingDays:
        """What there is to be written of a step; a file that is gone since it was listed is a missing day."""
        if isinstance(step, MissingDays):
            return step
        reading = next(self._read_ahead)
        return MissingDays(step.day, step.day) if reading.missing else reading


def _files_go_together(run: ImportRun) -> bool:
    """Not where a file takes rows away: which other one holds them is asked of what is written down of those."""
    options = run.options
    return run.source.feed in (Feed.ARCHIVE, Feed.HISTORY) and not (options.replace_archive or options.replace_live)


def _is_ordinary(found: Reading | MissingDays) -> bool:
    return isinstance(found, Reading) and not (
        found.unreadable or found.unchanged or found.out_of_reach_before is not None
    )


def _brings_others(found: Reading | MissingDays, wiki_ids: set[str]) -> bool:
    """Whether a file speaks of parks that may join, or not."""
    return isinstance(found, Reading) and not found.validated.parks.keys() <= wiki_ids


def _weight(found: Reading | MissingDays) -> int:
    return EVENTS_A_FILE + (found.validated.events if isinstance(found, Reading) else 0)
