"""manage.py import_archive: bring day files into the warehouse, or go on where an import stopped."""

import threading
from datetime import UTC, datetime

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from imports.archive import beginning, beside, cost, planning, post_import_check, progress, standing
from imports.archive import dry_run as dry_runs
from imports.archive.check_ahead import CheckAhead
from imports.archive.checkpoint import ImportCheckpoint
from imports.archive.pause_model import Pause
from imports.archive.pipeline import ImportFailed, run_import
from imports.archive.request import Request, RequestError
from imports.archive.run import ImportRun
from imports.archive.slow_clock import ClockIsSlow
from imports.archive.transitions import TransitionRefused
from imports.sources.opening import delisted_of, open_source
from imports.sources.source import ArchiveError, NotNow
from imports.workers.models import Worker
from imports.workers.queue import enqueue, why_not_queued
from quality import owed_checks
from quality.check.paying import ChecksFailed
from warehouse.history.all_parks import DaysFailed
from warehouse.ids import ID_OR_UUID
from warehouse.management import arguments
from warehouse.management.graceful_stop import stop_on_signals
from warehouse.partitioning.partitions import PartitionsError
from warehouse.server import errors
from warehouse.text import count_of

FAILED, WRONG_USAGE, PAUSED = 1, 2, 3


class Command(BaseCommand):
    help = (
        "Import day files of archive.themeparks.wiki. Can be stopped at any instant (Ctrl-C finishes the file in "
        "hand) and resumed. Exit status: 0 completed, 1 failed, 2 wrong usage, 3 paused and resumable."
    )

    def add_arguments(self, parser):
        parser.add_argument("--destination", metavar="UUID", action="append", default=[], help="all parks of it")
        parser.add_argument("--park", metavar=ID_OR_UUID, action="append", default=[], help="this park alone")
        parser.add_argument("--all", action="store_true", help="every destination of the source")
        parser.add_argument("--from", metavar="DATE", dest="first", type=arguments.day, help="first day, YYYY-MM-DD")
        parser.add_argument("--to", metavar="DATE", dest="last", type=arguments.day, help="last day, included")
        parser.add_argument(
            "--source",
            metavar="DIR_OR_URL",
            help="a folder, s3://bucket, themeparks-history: or captures of live answers (see docs/sources.md); "
            "default ARCHIVE_URL",
        )
        parser.add_argument(
            "--delisted", action="store_true", help="of the History API: what its parks no longer list, by months"
        )
        parser.add_argument(
            "--missing-only", action="store_true", help="what is new: days not read yet, or whose file has changed"
        )
        parser.add_argument(
            "--changed", action="store_true", help="only days that were read and whose file has changed"
        )
        parser.add_argument("--replace-live", action="store_true", help="LIVE rows of an imported day give way to it")
        parser.add_argument("--replace", action="store_true", help="a file published anew replaces its earlier reading")
        parser.add_argument("--force", action="store_true", help="also do what is held back as out of all proportion")
        parser.add_argument(
            "--resume",
            metavar="IMPORT_ID",
            nargs="*",
            help="go on with these imports, or with all that wait",
        )
        parser.add_argument("--queue", action="store_true", help="hand it to the workers (manage.py qcluster)")
        parser.add_argument("--dry-run", action="store_true", help="read and check every file, write nothing")
        parser.add_argument("--list", action="store_true", help="the imports and how far each has come")

    def handle(
        self,
        *,
        destination,
        park,
        first,
        last,
        source,
        delisted,
        missing_only,
        changed,
        replace_live,
        replace,
        force,
        resume,
        queue,
        dry_run,
        list,
        **options,
    ):
        chosen = bool(destination or park or options["all"])
        going_on = chosen or first or last or dry_run or delisted or missing_only or changed or replace_live or replace
        if resume is not None and going_on:
            raise CommandError("--resume goes on with what was begun: give it import ids alone", returncode=WRONG_USAGE)
        if missing_only and changed:
            raise CommandError(
                "--missing-only reads changed days too: give it alone, or --changed", returncode=WRONG_USAGE
            )
        if force and (list or resume == []):
            raise CommandError(
                "--force is for what is begun with it, or for imports that are named: --resume IMPORT_ID --force",
                returncode=WRONG_USAGE,
            )
        if queue and (dry_run or list):
            raise CommandError("--queue starts imports: leave away --dry-run and --list", returncode=WRONG_USAGE)
        url = source or settings.ARCHIVE_URL
        if delisted:
            try:
                url = delisted_of(url)
            except ArchiveError as error:
                raise CommandError(f"--delisted: {error}", returncode=WRONG_USAGE) from error
        if not (queue or list or dry_run) and (pause := Pause.current()) is not None:
            # before anything is begun: what is refused at its claim would stand there as one that nobody goes on with
            raise CommandError(
                f"{pause.in_words()}. Resume everything on the admin's home page, or give --queue: the workers begin "
                "with it then",
                returncode=PAUSED,
            )
        begin = self._queue if queue else self._run
        self._failed_afterwards: dict[type[Exception], Exception] = {}  # the last of each kind
        try:
            if list:
                self._list()
            elif resume is not None:
                self._resume(resume, source, queue=queue, force=force)
            else:
                request = Request(
                    source=open_source(url),
                    destinations=destination,
                    parks=park,
                    everything=options["all"],
                    first=first,
                    last=last,
                    missing_only=missing_only,
                    changed_only=changed,
                    replace_live=replace_live,
                    replace=replace,
                    force=force,
                )
                plans = planning.plan(request, datetime.now(UTC).date())
                for sentence in [*beside.sentences(request.beside), *cost.sentences(plans)]:
                    self.stdout.write(sentence)
                if dry_run:
                    dry_runs.dry_run(plans, timezone.now, self.stdout)
                elif runs := beginning.begin(plans):
                    begin(runs)
                    for sentence in cost.out_of_reach(plans):  # a run that completed has not got everything
                        self.stdout.write(sentence)
                else:
                    self.stdout.write("Nothing is left to import: what was asked for is here already.")
        except RequestError as error:
            raise CommandError(str(error), returncode=WRONG_USAGE) from error
        except NotNow as waiting:
            raise CommandError(
                f"{waiting.in_words()}: give the same command again then", returncode=PAUSED
            ) from waiting
        except (ArchiveError, ClockIsSlow, TransitionRefused, PartitionsError) as error:
            raise CommandError(str(error), returncode=FAILED) from error

    def _run(self, runs: list[ImportRun]) -> None:
        completed: list[bool] = []
        failed: list[str] = []
        try:
            with stop_on_signals() as stop:
                for run in runs:
                    if stop.is_set() or Pause.current() is not None:
                        break
                    if any(other.waits_until for other in runs if other.source.url == run.source.url):
                        continue  # its source gives nothing for now
                    try:
                        completed.append(self._run_one(run, stop))
                    except (ImportFailed, TransitionRefused, PartitionsError) as error:
                        failed.append(self._failure(run, error))
                        if len(runs) > 1:
                            self.stderr.write(f"{run.destination}: {failed[-1]}")
                        if errors.is_away(error.__cause__ or error):
                            break  # the others would wait for the server in vain
        except KeyboardInterrupt:
            self.stdout.write("")  # a second signal: the file in hand was rolled back
        if failed:
            some = f"{len(failed):,} of {len(runs):,} destinations failed, the first of them so: {failed[0]}"
            raise CommandError(failed[0] if len(runs) == 1 else some, returncode=FAILED)
        if len(completed) < len(runs) or not all(completed):
            waits = max((run.waits_until for run in runs if run.waits_until), default=None)
            when = f" after {waits.astimezone(UTC):%Y-%m-%d %H:%M}Z" if waits else ""
            raise CommandError(
                f"Paused; nothing is lost. Go on{when} with:  manage.py import_archive --resume", returncode=PAUSED
            )
        self._raise_what_failed_afterwards()

    def _raise_what_failed_afterwards(self) -> None:
        if self._failed_afterwards:
            raise CommandError("\n".join(map(str, self._failed_afterwards.values())), returncode=FAILED)

    def _failure(self, run: ImportRun, error: Exception) -> str:
        if not isinstance(error, ImportFailed):
            return str(error)
        again = "when the cause is mended, give the same command again"
        ids = " ".join(checkpoint.import_id for checkpoint in run.checkpoints)
        also = f", or:  manage.py import_archive --resume {ids}" if ids else ""
        return f"Failed: {error}. What was committed stays; {again}{also}"

    def _run_one(self, run: ImportRun, stop: threading.Event) -> bool:
        self.stdout.write(f"{run.destination}, {run.first} to {run.last}, from {run.source.url}")
        for checkpoint in run.checkpoints:
            self.stdout.write(f"  {checkpoint.import_id}  {checkpoint.park}")
        reporter = progress.Reporter(self.stdout, run)
        try:
            with CheckAhead(run) as ahead:
                completed = run_import(run, stop, reporter)
        finally:
            reporter.close()
        for line in progress.summary(run):
            self.stdout.write(line)
        self._check(post_import_check.completed(run), ahead)
        self._make_days(run, stop)
        return completed

    def _check(self, import_ids: list[str] | None, ahead: CheckAhead | None = None) -> None:
        """What these imports (None: all) owe. A failure is said at once, the rest goes on, and the end is exit 1."""
        try:
            if said := post_import_check.check_now(import_ids, ahead):
                self.stdout.write(f"  {said}")
        except ChecksFailed as failed:
            self.stdout.write(f"  {failed}")
            self._failed_afterwards[type(failed)] = failed

    def _make_days(self, run: ImportRun, stop: threading.Event) -> None:
        """The same of the sums of days."""
        try:
            if said := post_import_check.make_days(run, stop, lambda line: self.stdout.write(f"  {line}")):
                self.stdout.write(f"  {said}")
        except DaysFailed as failed:
            self.stdout.write(f"  {failed}")
            self._failed_afterwards[type(failed)] = failed
        except KeyboardInterrupt:  # a second signal: what was in hand was rolled back, and is marked still
            self.stdout.write("  days that were not made anew yet are left to the workers")

    def _queue(self, runs: list[ImportRun]) -> None:
        checkpoints = [checkpoint for run in runs for checkpoint in run.checkpoints]
        if checkpoints:
            enqueue(checkpoints)
            for checkpoint in checkpoints:
                self.stdout.write(
                    f"{checkpoint.import_id}  {checkpoint.park}, {checkpoint.start_date} to {checkpoint.end_date}, "
                    f"from {checkpoint.source}"
                )
            self.stdout.write("Queued. Watch with --list, or in the admin.")
            if not Worker.alive().exists():
                self.stdout.write("No worker is alive: start one with manage.py qcluster (bin/serve does).")
        if not_queued := why_not_queued(runs):
            raise CommandError(not_queued, returncode=FAILED)

    def _resume(self, import_ids: list[str], source: str | None, *, queue: bool, force: bool) -> None:
        unchecked = post_import_check.completed_and_owed(import_ids)  # of these nothing but the check is left
        waiting = [import_id for import_id in import_ids if import_id not in unchecked]
        runs = []
        for checkpoint in ImportCheckpoint.objects.filter(import_id__in=waiting, dismissed_at__isnull=False):
            self.stdout.write(f"{checkpoint.import_id} was {checkpoint.dismissal}. It goes on, since you name it.")
        if waiting or not import_ids:
            runs = beginning.resume(waiting, open_source(source) if source else None, force=force)
        if runs:
            (self._queue if queue else self._run)(runs)
        check = post_import_check.check_later if queue else self._check
        owed = owed_checks.owed(unchecked if import_ids else None)
        if owed:
            check(unchecked if import_ids else None)
            self._raise_what_failed_afterwards()
        elif runs:
            return
        elif ImportCheckpoint.objects.exists():
            self.stdout.write("Nothing waits to be resumed. Failed imports are retried by their id: --list shows them.")
        else:
            raise RequestError("Nothing to resume: no import was begun yet")

    def _list(self) -> None:
        imports = list(ImportCheckpoint.objects.select_related("park"))
        covers = standing.covered_by(imports)
        for checkpoint in imports:
            self.stdout.write(
                f"{checkpoint.import_id}  {checkpoint.status:<11}  {checkpoint.park}: "
                f"{checkpoint.start_date} to {checkpoint.end_date} of {checkpoint.destination_wiki_id}, "
                f"at {checkpoint.last_processed_date or 'its start'}, "
                f"{count_of(checkpoint.records_imported, 'row')}, {count_of(checkpoint.errors_encountered, 'error')}"
                + (f"; {checkpoint.last_error}" if checkpoint.last_error else "")
            )
            if checkpoint.dismissed_at is not None:
                self.stdout.write(f"    {checkpoint.dismissal}")
            elif checkpoint.pk in covers:
                self.stdout.write(f"    covered by {covers[checkpoint.pk].import_id}")
            elif checkpoint.queued_at is not None:
                self.stdout.write("    queued")
            elif not {"resume", "retry"}.isdisjoint(checkpoint.allowed_actions(alive=checkpoint.is_alive())):
                self.stdout.write(f"    go on with:  {checkpoint.resume_command}")
        if not imports:
            self.stdout.write("No import was begun yet.")
