"""manage.py import_archive: bring day files into the warehouse, or go on where an import stopped."""

from collections.abc import Sequence
from datetime import UTC, datetime

from django.conf import settings
from django.core.management.base import CommandError
from django.utils import timezone

from imports.archive import (
    beginning,
    beside,
    cost,
    how_many_jobs,
    planning,
    post_import_check,
    progress,
    standing,
)
from imports.archive import dry_run as dry_runs
from imports.archive.checkpoint import ImportCheckpoint
from imports.archive.going import check, one_by_one
from imports.archive.pause_model import Pause
from imports.archive.request import Request, RequestError
from imports.archive.run import ImportRun
from imports.archive.side_by_side import side_by_side
from imports.archive.slow_clock import ClockIsSlow
from imports.archive.transitions import TransitionRefused
from imports.sources.opening import delisted_of, open_source
from imports.sources.source import ArchiveError, NotNow
from imports.workers.models import Worker
from imports.workers.queue import enqueue, why_not_queued
from quality import owed_checks
from warehouse.ids import ID_OR_UUID
from warehouse.management import arguments
from warehouse.management.terminal import TerminalCommand
from warehouse.partitioning.partitions import PartitionsError
from warehouse.server.away import patiently
from warehouse.text import count_of

FAILED, WRONG_USAGE, PAUSED = 1, 2, 3


class Command(TerminalCommand):
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
        parser.add_argument(
            "--jobs",
            metavar="N",
            type=arguments.as_said(how_many_jobs.jobs_from),
            help="so many destinations side by side, a process each; default: the cores, where there is much to read",
        )
        parser.add_argument(
            "--leave-days",
            action="store_true",
            help="leave the sums of days to the workers, or to manage.py rebuild_days",
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
        jobs,
        leave_days,
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
        if jobs is not None and (queue or dry_run or list):
            raise CommandError(
                "--jobs is for what this command imports itself: leave away --queue, --dry-run and --list. How many "
                "workers there are says WORKERS",
                returncode=WRONG_USAGE,
            )
        if leave_days and (queue or dry_run or list):
            raise CommandError(
                "--leave-days is for what this command imports itself: leave away --queue, --dry-run and --list. What "
                "is queued leaves the sums of days to the workers anyway",
                returncode=WRONG_USAGE,
            )
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
        self._jobs: int | None = jobs
        self._leave_days: bool = leave_days
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
        for run in runs:
            run.leaves_days = self._leave_days
        works = [how_many_jobs.Work.of(run) for run in runs] if len(runs) > 1 else []
        jobs = how_many_jobs.how_many(works, self._jobs)
        if jobs > 1:
            self.stdout.write(how_many_jobs.in_words(jobs, works))
            tally = side_by_side(works, jobs, self.stdout, self.stderr)
        else:
            if (self._jobs or 1) > 1 and len(runs) > 1 and (why := how_many_jobs.why_one(runs)):
                self.stdout.write(f"One job: {why}")
            tally = one_by_one(runs, self._say, self._complain, lambda run: progress.Reporter(self.stdout, run))
        if tally.failures:
            first = tally.failures[0]
            some = f"{len(tally.failures):,} of {len(runs):,} destinations failed, the first of them so: {first}"
            raise CommandError(first if len(runs) == 1 else some, returncode=FAILED)
        if tally.completed < len(runs):
            waits = tally.waits_until
            when = f" after {waits.astimezone(UTC):%Y-%m-%d %H:%M}Z" if waits else ""
            raise CommandError(
                f"Paused; nothing is lost. Go on{when} with:  manage.py import_archive --resume", returncode=PAUSED
            )
        self._raise_what_failed_afterwards(tally.failed_afterwards)

    def _raise_what_failed_afterwards(self, failed: dict[str, str]) -> None:
        if failed:
            raise CommandError("\n".join(failed.values()), returncode=FAILED)

    def _say(self, lines: Sequence[str]) -> None:
        for line in lines:
            self.stdout.write(line)

    def _complain(self, lines: Sequence[str]) -> None:
        for line in lines:
            self.stderr.write(line)

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
            if not patiently(Worker.alive().exists):
                self.stdout.write("No worker is alive: start one with manage.py qcluster (bin/serve does).")
        if not_queued := why_not_queued(runs):
            raise CommandError(not_queued, returncode=FAILED)

    def _resume(self, import_ids: list[str], source: str | None, *, queue: bool, force: bool) -> None:
        unchecked = post_import_check.completed_and_owed(import_ids)  # of these nothing but the check is left
        waiting = [import_id for import_id in import_ids if import_id not in unchecked]
        runs = []
        dismissed = ImportCheckpoint.objects.filter(import_id__in=waiting, dismissed_at__isnull=False)
        for checkpoint in patiently(lambda: list(dismissed)):
            self.stdout.write(f"{checkpoint.import_id} was {checkpoint.dismissal}. It goes on, since you name it.")
        if waiting or not import_ids:
            runs = beginning.resume(waiting, open_source(source) if source else None, force=force)
        if runs:
            (self._queue if queue else self._run)(runs)
        causes = unchecked if import_ids else None
        if owed_checks.owed(causes):
            if queue:
                post_import_check.check_later(causes)
            else:
                self._raise_what_failed_afterwards(check(causes, self._say))
        elif runs:
            return
        elif patiently(ImportCheckpoint.objects.exists):
            self.stdout.write("Nothing waits to be resumed. Failed imports are retried by their id: --list shows them.")
        else:
            raise RequestError("Nothing to resume: no import was begun yet")

    def _list(self) -> None:
        imports = patiently(lambda: list(ImportCheckpoint.objects.select_related("park")))
        covers = patiently(lambda: standing.covered_by(imports))
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
