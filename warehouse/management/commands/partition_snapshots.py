"""Partition an existing fact table by month while it is in use, and take it back."""

import argparse
import time

from django.core.management.base import CommandError
from django.utils import timezone

from warehouse.management.terminal import TerminalCommand
from warehouse.partitioning import page_compression as compression
from warehouse.partitioning.online import procedure
from warehouse.partitioning.online import statements as statements
from warehouse.partitioning.online.procedure import Direction, RepartitionError
from warehouse.partitioning.partitions import TABLE
from warehouse.server import catalog, ddl
from warehouse.text import count_of, size_in_words

REPORT_EVERY_SECONDS = 2.0


class Command(TerminalCommand):
    help = "Partition the fact table by month, or take that back, while readers and writers go on."

    def add_arguments(self, parser):
        parser.add_argument("action", choices=["status", "apply", "rollback", "cleanup"])
        parser.add_argument("--dry-run", action="store_true", help="print the statements and change nothing")
        parser.add_argument("--throttle", type=int, default=0, metavar="PERCENT", help="of the time to rest (0 to 95)")
        parser.add_argument(
            "--patience", type=float, default=procedure.PATIENCE_SECONDS, metavar="SECONDS", help="to find no lock"
        )
        parser.add_argument(
            "--force",
            action="store_true",
            help="apply, rollback: begin on a disk that seems too small; cleanup: drop a backup whose rows are not all "
            "there",
        )

        parser.add_argument(
            "--page-compression",
            action=argparse.BooleanOptionalAction,
            help="apply: compress the pages of all months, or no longer; half the room again, slower imports. Then run "
            "maintain_partitions --compact",
        )

    def handle(self, *, action, dry_run, throttle, patience, force, page_compression, **options):
        if not 0 <= throttle <= 95:
            raise CommandError(f"--throttle {throttle}: give 0 to 95 percent")
        if page_compression is not None and action != "apply":
            raise CommandError("--page-compression goes with apply")
        self._reported = (time.monotonic(), "")
        try:
            if action == "status":
                self._status()
            elif action == "cleanup":
                self._cleanup(dry_run, force, patience)
            elif dry_run:
                self._dry_run(Direction(action), page_compression)
            else:
                self._run(Direction(action), patience, throttle, force, page_compression)
        except (RepartitionError, catalog.CatalogError) as error:
            raise CommandError(str(error)) from error

    def _run(self, direction: Direction, patience: float, throttle: int, force: bool, compressed: bool | None) -> None:
        if said := ddl.said_of_galera():
            self.stdout.write(said)
        backup = procedure.run(
            direction,
            timezone.now().date(),
            self._report,
            patience_seconds=patience,
            throttle_percent=throttle,
            force=force,
            page_compression=compressed,
        )
        if backup is None:
            self.stdout.write(f"Nothing to do: {TABLE} is {catalog.partitioning(TABLE).description}")
            return
        self.stdout.write(f"{TABLE} is {catalog.partitioning(TABLE).description}")
        self.stdout.write(f"The old table is {backup}; manage.py partition_snapshots cleanup drops it")

    def _dry_run(self, direction: Direction, compressed: bool | None) -> None:
        state = procedure.look()
        if state.is_done(direction) and (compressed is None or compression.is_on() == compressed):
            self.stdout.write(f"Nothing to do: {TABLE} is {state.table.description}")
            return
        for sql in [
            *statements.prepare(direction.value, timezone.now().date(), compressed),
            *map(statements.trigger, statements.TRIGGERS),
            statements.chunk(bounded=True),
            statements.swap(statements.backup_name()),
        ]:
            self.stdout.write(f"{sql};")
        needed, free = procedure.bytes_needed(), catalog.disk_free_bytes()
        rows = catalog.total(catalog.sizes(TABLE)).rows_estimate
        room = "" if free is None else f"; {size_in_words(free / 1e6)} are free"
        self.stdout.write(
            f"Dry run: about {count_of(rows, 'row')} would be copied, which takes about "
            f"{size_in_words(needed / 1e6)} of disk{room}"
        )

    def _cleanup(self, dry_run: bool, force: bool, patience: float) -> None:
        state = procedure.look()
        if dry_run:
            self.stdout.write(
                "Would take the unfinished copy back"
                if state.unfinished
                else f"Would drop {state.backups or 'nothing'}"
            )
        elif state.unfinished:
            procedure.undo(self._report, patience_seconds=patience)
            self.stdout.write(f"The unfinished copy is gone, {TABLE} is as it was")
        elif not state.backups:
            self.stdout.write("Nothing to clean up")
        for name in () if dry_run or state.unfinished else state.backups:
            procedure.drop_backup(name, self._report, force=force)
            self.stdout.write(f"Dropped {name}")

    def _status(self) -> None:
        state = procedure.look()
        self.stdout.write(f"{TABLE} is {state.table.description}, {count_of(len(state.table.partitions), 'partition')}")
        if state.progress and state.swapped:
            self.stdout.write(f"{state.progress.direction.value}: swapped; call it again for the last checks")
        elif state.progress:
            done, total = state.progress.rows_copied, state.progress.rows_total
            self.stdout.write(
                f"{state.progress.direction.value}: unfinished, {done:,} of about {total:,} rows copied; call it again "
                "to go on, or cleanup to take it back"
            )
        elif state.unfinished:
            self.stdout.write("A copy is left over: cleanup removes it")
        elif not state.is_done(Direction.APPLY):
            self.stdout.write("manage.py partition_snapshots apply gives every month its partition")
        for name in state.backups:
            self.stdout.write(f"Backup {name} is there; cleanup drops it once all its rows are found in {TABLE}")

    def _report(self, step: str, done: int, total: int) -> None:
        """A line for each step, and for a long one every 2 s."""
        at, before = self._reported
        if step == before and (not total or (time.monotonic() - at < REPORT_EVERY_SECONDS and done < total)):
            return
        self._reported = (time.monotonic(), step)
        self.stdout.write(f"{step}: {done:,} of {total:,} rows ({done / total:.0%})" if total else step)
