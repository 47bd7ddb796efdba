"""Make the months that are missing, say how the partitions stand, or compact months that take too much room."""

import time
from datetime import date

from django.conf import settings
from django.core.management.base import CommandError
from django.utils import timezone

from warehouse.management import arguments
from warehouse.management.graceful_stop import stop_on_signals
from warehouse.management.terminal import TerminalCommand
from warehouse.partitioning import health, partitions
from warehouse.partitioning.compacting import procedure
from warehouse.partitioning.compacting.procedure import CompactionError
from warehouse.server import catalog, ddl
from warehouse.server.away import looking_anew
from warehouse.text import aligned, count_of, size_in_words

COUNT_LIMIT = 1_000_000_000
DRAINED_ROWS_PER_SECOND = 200_000  # 200,000 rows took 0.8 s on two cores; a slow disk takes longer
REPORT_EVERY_SECONDS = 2.0
FAILED, WRONG_USAGE, STOPPED = 1, 2, 3


class Command(TerminalCommand):
    help = (
        "Give every month a partition, up to --ahead months from now; never waits for a lock, deletes nothing. "
        "--compact rebuilds closed months that take more room than their rows need, while they are in use. "
        "Exit status: 0 done, 1 failed, something left alone or --check found something, 2 wrong usage, 3 stopped."
    )

    def add_arguments(self, parser):
        parser.add_argument("--ahead", type=int, default=settings.PARTITIONS_AHEAD_MONTHS, metavar="N")
        parser.add_argument(
            "--from",
            type=arguments.month,
            dest="first",
            metavar="MONTH",
            help="YYYY-MM; default: this month, with --compact the oldest",
        )
        parser.add_argument("--dry-run", action="store_true", help="print the SQL and change nothing")
        parser.add_argument(
            "--check", action="store_true", help="exit 1 when months run short or a boundary partition holds rows"
        )
        parser.add_argument(
            "--drain", action="store_true", help="move rows out of the boundary partitions; others wait meanwhile"
        )
        compact = parser.add_argument_group("compacting")
        compact.add_argument(
            "--compact",
            action="store_true",
            help="rebuild closed months densely; with --dry-run or --check say which, and what that would save",
        )
        compact.add_argument("--to", type=arguments.month, dest="last", metavar="MONTH", help="last month, included")
        compact.add_argument(
            "--longest-wait",
            type=float,
            default=procedure.LONGEST_WAIT_SECONDS,
            metavar="SECONDS",
            help="for which readers and writers may have to wait for a month's exchange; default %(default)s",
        )
        compact.add_argument("--throttle", type=int, default=0, metavar="PERCENT", help="of the time to rest (0 to 95)")

    def handle(self, *, ahead, first, dry_run, check, drain, compact, **options):
        if compact:
            self._compact_or_say(first, dry_run, check, drain, **options)
            return
        if options["last"]:
            raise CommandError("--to goes with --compact", returncode=WRONG_USAGE)
        if not 0 <= ahead <= 120:
            raise CommandError(f"--ahead {ahead}: give 0 to 120 months")
        today = timezone.now().date()
        last = partitions.add_months(partitions.month_of(today), ahead)
        if first and first > last:
            raise CommandError(f"--from {first:%Y-%m} lies after {last:%Y-%m}, the last month that is kept ready")
        try:
            if check:
                looking_anew(lambda: self._check(today))
            else:
                looking_anew(lambda: self._maintain(first or today, last, dry_run, drain))
        except (catalog.CatalogError, partitions.PartitionsError) as error:
            raise CommandError(str(error)) from error

    def _check(self, today: date) -> None:
        found = health.health(today)
        if found.problems or found.months_ahead is None:
            raise CommandError("\n".join(found.problems))
        self.stdout.write(f"{count_of(found.months_ahead, 'month')} ahead, all boundary partitions are empty")

    def _maintain(self, first: date, last: date, dry_run: bool, drain: bool) -> None:
        if not catalog.partitions(partitions.TABLE):
            self.stdout.write(
                f"{partitions.TABLE} is not partitioned by month; manage.py partition_snapshots apply does that"
            )
            return
        months = partitions.months_between(first, last) + (health.months_needed() if drain else [])
        plan = partitions.plan_now(months, drain=drain)
        for step in plan.steps:
            self.stdout.write(f"{step.sql};")
            if drain and step.splits and (rows := partitions.count_rows(step.splits, limit=COUNT_LIMIT)):
                self.stdout.write(
                    f"-- copies the {count_of(rows, 'row')} of {step.splits}; others wait for about "
                    f"{max(0.1, rows / DRAINED_ROWS_PER_SECOND):,.1f} s"
                )
        if not plan:
            self.stdout.write(f"Nothing to do: every month from {first:%Y-%m} to {last:%Y-%m} has its partition")
        elif dry_run:
            self.stdout.write(f"Dry run: {count_of(len(plan.adds), 'month')} would be made")
        else:
            self._say(ddl.said_of_galera())
            partitions.apply(plan, patience_seconds=partitions.MAINTAIN_PATIENCE_SECONDS)
            self.stdout.write(f"Made {count_of(len(plan.adds), 'month')}: {plan.adds[0]} to {plan.adds[-1]}")

    def _say(self, sentence: str) -> None:
        if sentence:
            self.stdout.write(sentence)

    # --- compacting ---------------------------------------------------------------------------------------------------
    def _compact_or_say(self, first, dry_run, check, drain, *, last, longest_wait, throttle, **options):
        if drain:
            raise CommandError("--drain and --compact are two things: one after the other", returncode=WRONG_USAGE)
        if first and last and first > last:
            raise CommandError(f"--from {first:%Y-%m} lies after --to {last:%Y-%m}; swap them", returncode=WRONG_USAGE)
        if not 0 <= throttle <= 95:
            raise CommandError(f"--throttle {throttle}: give 0 to 95 percent", returncode=WRONG_USAGE)
        if not longest_wait > 0:
            raise CommandError("--longest-wait: give more than 0 seconds", returncode=WRONG_USAGE)
        today = timezone.now().date()
        try:
            if dry_run or check:
                self._say_what_it_would_save(today, first, last, check)
            else:
                self._compact(today, first, last, longest_wait, throttle)
        except (catalog.CatalogError, CompactionError) as error:
            raise CommandError(str(error), returncode=FAILED) from error
        except (procedure.Stopped, KeyboardInterrupt) as error:
            done = f"{error}; " if str(error) else ""
            raise CommandError(
                f"Stopped: {done}the month in hand is as it was; the same command goes on", returncode=STOPPED
            ) from error

    def _say_what_it_would_save(self, today: date, first: date | None, last: date | None, check: bool) -> None:
        for record in procedure.unfinished():
            self.stdout.write(f"{record.partition_name} is unfinished: the next --compact finishes with it")
        found = procedure.candidates(today, first, last)
        for line in aligned(
            ("month", "rows", "bytes a row", "MB", "MB compact", "MB saved"),
            [
                (
                    month.name,
                    month.rows,
                    round(month.bytes / month.rows),
                    round(month.bytes / 1e6),
                    round(month.compact_bytes / 1e6),
                    round(month.saves / 1e6),
                )
                for month in found
            ],
        ):
            if found:
                self.stdout.write(line)
        if not found:
            self.stdout.write("Nothing to gain: every closed month is compact")
            return
        free = catalog.disk_free_bytes()
        room = "not known from here" if free is None else size_in_words(free / 1e6)
        said = (
            f"{count_of(len(found), 'month')} would be compacted, which saves about "
            f"{size_in_words(sum(month.saves for month in found) / 1e6)}; up to "
            f"{size_in_words(max(map(procedure.bytes_needed, found)) / 1e6)} of disk are needed meanwhile, free: {room}"
        )
        if check:
            raise CommandError(f"{said}. Run manage.py maintain_partitions --compact", returncode=FAILED)
        self.stdout.write(f"Dry run: {said}")

    def _compact(self, today, first, last, longest_wait, throttle):
        self._reported = (time.monotonic(), "")
        if catalog.disk_free_bytes() is None:
            self.stdout.write(
                "How much of the database's disk is free is not known from here; a month in hand needs "
                f"{procedure.ROOM_FACTOR:g} times what it takes"
            )
        self._say(ddl.said_of_galera())
        with stop_on_signals() as stop:
            done = procedure.run(
                today,
                self._report,
                first=first,
                last=last,
                longest_wait_seconds=longest_wait,
                throttle_percent=throttle,
                stop=stop,
            )
        if not done.months and not done.left:
            self.stdout.write("Nothing to gain: every closed month is compact")
            return
        said = f"{count_of(len(done.months), 'month')} compacted, {size_in_words(done.saved / 1e6)} saved"
        if done.left:
            raise CommandError(f"{said}; {count_of(len(done.left), 'month')} left alone", returncode=FAILED)
        self.stdout.write(said)

    def _report(self, what: str, done: int, total: int) -> None:
        """A line for each step, and for a long one every 2 s."""
        at, before = self._reported
        if what == before and total and time.monotonic() - at < REPORT_EVERY_SECONDS:
            return
        self._reported = (time.monotonic(), what)
        self.stdout.write(f"{what}: {done:,} of {total:,} rows" if total else what)
        self.stdout.flush()
