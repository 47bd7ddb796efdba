"""A run from its claim to the sums of its days, as the command does it, and what came of all runs of a command.

`go` is the same in the command's own process and in a job of its own (imports.archive.side_by_side).
"""

import threading
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from imports.archive import post_import_check, progress
from imports.archive.check_ahead import CheckAhead
from imports.archive.pause_model import Pause
from imports.archive.pipeline import ImportFailed, run_import
from imports.archive.run import ImportRun, Step
from imports.archive.transitions import TransitionRefused
from quality.check.paying import ChecksFailed
from warehouse.history.all_parks import DaysFailed
from warehouse.management.graceful_stop import stop_on_signals
from warehouse.partitioning.partitions import PartitionsError
from warehouse.server import errors
from warehouse.server.away import patience
from warehouse.server.errors import ServerAway

LEFT_TO_OTHERS = (
    "its check and its sums of days are left to the workers, or to  manage.py check_quality --owed  and  "
    "manage.py rebuild_days"
)

#: told lines that belong together, without line ends
Say = Callable[[Sequence[str]], None]


class Reporter(Protocol):
    """Who is told how far a run is."""

    def __call__(self, run: ImportRun, step: Step) -> None: ...

    def next_is(self, what: str) -> None:
        """Files are done; what it is at now."""

    def close(self) -> None: ...


@dataclass
class Outcome:
    """What came of one run: fit for pickling, since a job tells it to another process."""

    completed: bool = False
    failure: str = ""  # why it is not complete, with what to do; "": it was stopped, or waits
    ends_all: bool = False  # no other is to be begun: all is paused, the server is away, or people broke off
    waits_until: datetime | None = None  # the source gives nothing before
    failed_afterwards: dict[str, str] = field(default_factory=dict)  # by kind: check, days


@dataclass
class Tally:
    """What came of the runs of a command so far."""

    runs: Sequence[ImportRun]
    completed: int = 0
    failures: list[str] = field(default_factory=list)
    failed_afterwards: dict[str, str] = field(default_factory=dict)  # the last of each kind
    is_ended: bool = False  # no other is to be begun
    _waiting: dict[str, datetime] = field(default_factory=dict)  # by source

    def take(self, run: ImportRun, outcome: Outcome) -> None:
        """Count in what came of a run."""
        self.completed += outcome.completed
        self.failures += [outcome.failure] if outcome.failure else []
        self.failed_afterwards |= outcome.failed_afterwards
        self.is_ended = self.is_ended or outcome.ends_all
        if outcome.waits_until is not None:
            url = run.source.url
            self._waiting[url] = max(outcome.waits_until, self._waiting.get(url, outcome.waits_until))

    def may_begin(self, run: ImportRun) -> bool:
        """Not where its source gives nothing for now."""
        return not self.is_ended and run.source.url not in self._waiting

    @property
    def waits_until(self) -> datetime | None:
        """When the last of the sources that give nothing for now gives again."""
        return max(self._waiting.values(), default=None)


def one_by_one(runs: Sequence[ImportRun], say: Say, complain: Say, report: "Report") -> Tally:
    """All of them, in this process. `complain` is told what failed, where there are several."""
    tally = Tally(runs)
    try:
        with stop_on_signals() as stop, patience(stop=stop):
            for run in runs:
                if stop.is_set():
                    break
                if not tally.may_begin(run):
                    continue
                outcome = go(run, stop, say, report)
                tally.take(run, outcome)
                if outcome.failure and len(runs) > 1:
                    complain([f"{run.destination}: {outcome.failure}"])
    except KeyboardInterrupt:
        say([""])  # a second signal: the file in hand was rolled back
    return tally


#: makes the reporter of a run, right before its first file
Report = Callable[[ImportRun], Reporter]


def go(run: ImportRun, stop: threading.Event, say: Say, report: Report) -> Outcome:
    """Import a run, and do what follows an import. KeyboardInterrupt: a second signal; what was in hand is rolled back.
    DatabaseError: the server refuses what the import itself did not ask it."""
    try:
        if Pause.current() is not None:
            return Outcome(ends_all=True)
        return _go(run, stop, say, report)
    except (ImportFailed, TransitionRefused, PartitionsError, ServerAway) as error:
        cause = error.__cause__ if isinstance(error.__cause__, Exception) else error
        if isinstance(cause, ServerAway) and cause.is_stopped:
            say([f"  {cause}. What was committed stays"])
            return Outcome(ends_all=True)
        # with the server away the others would wait for it in vain
        return Outcome(failure=_failure(run, error), ends_all=errors.is_away(cause))


def _go(run: ImportRun, stop: threading.Event, say: Say, report: Report) -> Outcome:
    say(
        [
            f"{run.destination}, {run.first} to {run.last}, from {run.source.url}",
            *(f"  {checkpoint.import_id}  {checkpoint.park}" for checkpoint in run.checkpoints),
        ]
    )
    reporter = report(run)
    try:
        with CheckAhead(run) as ahead:
            completed = run_import(run, stop, reporter)
    finally:
        reporter.close()
    outcome = Outcome(completed=completed, waits_until=run.waits_until)
    try:
        _follow(run, stop, say, reporter, ahead, outcome)
    except ServerAway as away:
        if not completed:
            raise
        outcome.failed_afterwards["ServerAway"] = f"{away}. The import is complete; {LEFT_TO_OTHERS}"
        outcome.ends_all = True
        say([f"  {away}"])
    return outcome


def _follow(
    run: ImportRun, stop: threading.Event, say: Say, reporter: Reporter, ahead: CheckAhead, outcome: Outcome
) -> None:
    """What comes after the files; what of it fails is noted in `outcome`."""
    say(progress.summary(run))
    ended = post_import_check.completed(run)
    if ended:
        reporter.next_is("quality check")
    outcome.failed_afterwards |= check(ended, say, ahead)
    if run.leaves_days:
        return
    if ended:
        reporter.next_is("sums of days")
    outcome.failed_afterwards |= _make_days(run, stop, say)


def check(import_ids: Collection[str] | None, say: Say, ahead: CheckAhead | None = None) -> dict[str, str]:
    """What these imports (None: all) owe; `ahead` has gone along with them. A failure is said at once, and given back
    by its kind: the rest goes on."""
    try:
        if said := post_import_check.check_now(import_ids, ahead):
            say([f"  {said}"])
    except ChecksFailed as failed:
        say([f"  {failed}"])
        return {type(failed).__name__: str(failed)}
    return {}


def _make_days(run: ImportRun, stop: threading.Event, say: Say) -> dict[str, str]:
    """The same of the sums of days."""
    try:
        if said := post_import_check.make_days(run, stop, lambda line: say([f"  {line}"])):
            say([f"  {said}"])
    except DaysFailed as failed:
        say([f"  {failed}"])
        return {type(failed).__name__: str(failed)}
    except KeyboardInterrupt:  # a second signal: what was in hand was rolled back, and is marked still
        say(["  days that were not made anew yet are left to the workers"])
    return {}


def _failure(run: ImportRun, error: Exception) -> str:
    if not isinstance(error, ImportFailed | ServerAway):
        return str(error)
    cause = error.__cause__ if isinstance(error, ImportFailed) else error
    mended = "it is back" if isinstance(cause, ServerAway) else "the cause is mended"
    again = f"when {mended}, give the same command again"
    ids = " ".join(checkpoint.import_id for checkpoint in run.checkpoints)
    also = f", or:  manage.py import_archive --resume {ids}" if ids else ""
    return f"Failed: {error}. What was committed stays; {again}{also}"
