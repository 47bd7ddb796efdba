"""A run: one destination's day files walked in order for the parks whose checkpoints it holds.

What is to be done follows from the checkpoints and the list of files alone, so a resumed run is made the same way as
a new one.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

from imports.archive.checkpoint import ClaimLost, ImportCheckpoint
from imports.archive.growth import sudden_growth
from imports.archive.options import Options
from imports.archive.prefetch import Reading
from imports.archive.selection import KnownReadings
from imports.archive.transitions import ImportStatus, TransitionRefused
from imports.events import rules
from imports.loading.resolver import Resolver
from imports.sources.source import DayFile, Feed, Source
from quality.findings import Finding
from warehouse.server.away import patiently


@dataclass(frozen=True, slots=True)
class MissingDays:
    """Days without a file, from `first` to `last`, both included."""

    first: date
    last: date

    def days(self) -> Iterator[date]:
        """Each of them, in order."""
        for n in range((self.last - self.first).days + 1):
            yield self.first + timedelta(days=n)


#: what a run walks through, day by day
Step = DayFile | MissingDays


@dataclass(slots=True)
class Totals:
    """What a run, or one transaction of it, did over all its parks."""

    files: int = 0
    events: int = 0
    stored: int = 0
    already_known: int = 0
    duplicates: int = 0
    rejected: int = 0
    live_replaced: int = 0
    live_kept: int = 0
    replaced: int = 0  # of the stored
    withdrawn: int = 0
    unreadable: int = 0
    unchanged: int = 0  # files whose content was read before
    missing_days: int = 0
    days_out_of_reach: int = 0
    findings: int = 0  # new ones

    def add(self, other: "Totals") -> None:
        """Count in what one more transaction did."""
        for name in self.__dataclass_fields__:
            setattr(self, name, getattr(self, name) + getattr(other, name))


@dataclass
class ImportRun:
    """`files` are those of the destination from the first day that a park still wants, as listed once, by day."""

    source: Source
    destination: str
    files: Sequence[DayFile]
    checkpoints: list[ImportCheckpoint]
    first: date
    last: date
    whole_destination: bool
    options: Options
    worker: str
    clock: Callable[[], datetime]
    decoders: int | None = None  # processes that decode; 0: a thread does, None: as decoders_for says of its files
    leaves_days: bool = False  # the sums of days are left to the workers
    slice_seconds: float | None = None  # a queued run: after so long it goes back to the end of the queue
    fetched: dict[str, bytes] = field(default_factory=dict)  # by key: files that planning has read already, as they are
    troubles: list[str] = field(default_factory=list)  # that planning met in these
    resolver: Resolver = field(default_factory=Resolver)
    totals: Totals = field(default_factory=Totals)
    left: list[ImportCheckpoint] = field(default_factory=list)  # paused or taken over on the way
    joined: list[ImportCheckpoint] = field(default_factory=list)  # parks that first appeared on the way
    waits_until: datetime | None = None  # the source gives nothing before
    known: KnownReadings = field(default_factory=KnownReadings)  # where not every file is to be read

    def __post_init__(self) -> None:
        if self.options.is_selective or self.may_know_files_again:
            self.known = KnownReadings.of(
                self.destination,
                self.first,
                self.last,
                self.source.feed,
                heed_archive=self.options.missing_only and not self.options.changed_only,
            )

    # --- what is to be done ---------------------------------------------------------------------------------------
    def steps(self) -> list[Step]:
        """The range as files to read and runs of days that have none, in order, from where the parks stand."""
        steps: list[Step] = []
        misses_days = self.source.feed == Feed.ARCHIVE and not self.options.changed_only
        expected = min((checkpoint.next_day for checkpoint in self.checkpoints), default=self.first)
        for file in self.files:
            if not expected <= file.day <= self.last:
                continue
            if file.day > expected and misses_days:
                steps.append(MissingDays(expected, file.day - timedelta(days=1)))
            if self._is_to_be_read(file):
                steps.append(file)
            expected = file.day + timedelta(days=1)
        if expected <= self.last and misses_days:
            steps.append(MissingDays(expected, self.last))
        return steps

    def concerned_by(self, step: Step) -> list[ImportCheckpoint]:
        """The parks that have this step still before them, in the order in which their rows are locked."""
        if isinstance(step, MissingDays):
            return list(self.missed_by(step))
        wanting = [checkpoint for checkpoint in self._before(step.day) if self._wants(checkpoint, step)]
        return sorted(wanting, key=lambda checkpoint: checkpoint.pk)

    def was_read(self, file: DayFile, sha256: str) -> bool:
        """Whether nothing is to be had from this content, since it was read for all whom it may concern. Without a
        choice of files: if its rows are there still (imports.archive.read_before)."""
        if not (self.options.is_selective or self.may_know_files_again):
            return False
        concerned = [checkpoint.park_id for checkpoint in self.concerned_by(file)]
        if not self.known.holds(file.day, concerned, sha256, for_all=self.whole_destination):
            return False
        return self.options.is_selective or self.known.gives_nothing_to_tell(file.day, concerned, rules.current())

    def sudden_growth(self, reading: Reading) -> Finding | None:
        """What of a file is out of all proportion, of the parks that it would be read for."""
        parks = None if self.may_be_joined else {checkpoint.park.themeparks_wiki_id for checkpoint in self.checkpoints}
        return sudden_growth(self.destination, reading.file, reading.validated, parks, self.resolver)

    def missed_by(self, missing: MissingDays) -> dict[ImportCheckpoint, list[date]]:
        """The days of a run of missing days that each park has still before it."""
        found: dict[ImportCheckpoint, list[date]] = {}
        for day in missing.days():
            for checkpoint in self._before(day):
                if self.options.missing_only and not self.known.lacks_day(checkpoint.park_id, day):
                    continue  # it was imported before its file went
                found.setdefault(checkpoint, []).append(day)
        return {checkpoint: found[checkpoint] for checkpoint in sorted(found, key=lambda checkpoint: checkpoint.pk)}

    def leave(self, checkpoints: list[ImportCheckpoint]) -> None:
        """These parks are no longer ours: paused, cancelled or taken over. What they lack is done when they resume."""
        gone = {checkpoint.pk for checkpoint in checkpoints}
        self.left += [checkpoint for checkpoint in self.checkpoints if checkpoint.pk in gone]
        self.checkpoints = [checkpoint for checkpoint in self.checkpoints if checkpoint.pk not in gone]

    def join(self, checkpoints: list[ImportCheckpoint]) -> None:
        """Parks that first appeared on the way, their checkpoints committed."""
        self.checkpoints += checkpoints
        self.joined += checkpoints

    # --- its checkpoints ------------------------------------------------------------------------------------------
    def claim(self) -> None:
        """All but those that were paused or cancelled since they were planned; where somebody else is at one of them,
        TransitionRefused and none. A queued run goes on with those that are to be had, or none."""
        claimed: list[ImportCheckpoint] = []
        for checkpoint in list(self.checkpoints):
            try:
                checkpoint.claim(self.worker, queued=self.queued)
            except TransitionRefused:
                if self.queued or checkpoint.status in (ImportStatus.PAUSED, ImportStatus.FAILED):
                    self.leave([checkpoint])
                    continue
                for mine in claimed:
                    mine.pause("another park of the run was not to be had", generation=mine.generation)
                raise
            claimed.append(checkpoint)

    def give_back_claims(self, why: str) -> None:
        """Where claiming broke off: those that were claimed, of which the answer may be lost, go back into the queue,
        or are PAUSED with those that nobody has begun."""
        for checkpoint in self.checkpoints:
            patiently(checkpoint.refresh_from_db)
            with suppress(TransitionRefused, ClaimLost):
                if checkpoint.status == ImportStatus.IN_PROGRESS and checkpoint.worker == self.worker:
                    if self.queued:
                        checkpoint.put_back(why)
                    else:
                        checkpoint.pause(why, generation=checkpoint.generation)
                elif checkpoint.status == ImportStatus.PENDING and not self.queued:
                    checkpoint.pause(why, generation=checkpoint.generation)

    def complete(self) -> bool:
        """Whether all parks that the run began with came to the end of their range."""
        for checkpoint in list(self.checkpoints):
            try:
                checkpoint.complete()
            except ClaimLost:
                self.leave([checkpoint])
        return not self.left

    def pause(self, why: str) -> None:
        """PAUSED, all that are ours still; `why` is kept with each."""
        for checkpoint in self.checkpoints:
            with suppress(TransitionRefused):  # an operator paused it, or another worker has it: as good
                checkpoint.pause(why, generation=checkpoint.generation)

    def wait(self, until: datetime, why: str) -> None:
        """The source gives nothing before `until`: back in the queue for then, or PAUSED; `why` is kept with each."""
        self.waits_until = until
        for checkpoint in self.checkpoints:
            with suppress(TransitionRefused):  # an operator paused it, or another worker has it: as good
                checkpoint.wait(until, why)

    def put_back(self, trouble: str = "") -> None:
        """To the end of the queue. With `trouble` it stays an attempt, of which there are not many."""
        for checkpoint in self.checkpoints:
            with suppress(ClaimLost):  # an operator paused it, or another worker has it: as good
                checkpoint.put_back(trouble)

    def fail(self, why: str) -> None:
        """FAILED, all that are ours still; `why` is kept with each."""
        for checkpoint in self.checkpoints:
            with suppress(TransitionRefused):  # paused or taken over meanwhile: it is not ours to fail
                checkpoint.fail(why, generation=checkpoint.generation)

    @property
    def queued(self) -> bool:
        """Whether it is a worker's, and the queue decides who goes on with it."""
        return self.slice_seconds is not None

    @property
    def nothing_left_to_do(self) -> bool:
        """Whether all parks have left and none can come."""
        return not self.checkpoints and (bool(self.left) or not self.may_be_joined)

    @property
    def may_know_files_again(self) -> bool:
        """Whether all files are to be imported, and one that was read before may be known by that."""
        options = self.options
        chosen = options.is_selective or options.replace_archive or options.replace_live or options.force
        return self.source.feed == Feed.ARCHIVE and not chosen

    @property
    def may_be_joined(self) -> bool:
        """Whether parks that first appear on the way belong to this run."""
        return self.whole_destination

    def _is_to_be_read(self, file: DayFile) -> bool:
        if not self.options.is_selective:
            return self.whole_destination or bool(self._before(file.day))
        park_ids = [checkpoint.park_id for checkpoint in self._before(file.day)]
        return self.known.ask_for(file, park_ids, whole=self.whole_destination, changed_only=self.options.changed_only)

    def _before(self, day: date) -> list[ImportCheckpoint]:
        return [checkpoint for checkpoint in self.checkpoints if checkpoint.next_day <= day]

    def _wants(self, checkpoint: ImportCheckpoint, file: DayFile) -> bool:
        return not self.options.is_selective or self.known.lacks(checkpoint.park_id, file)
