"""Make the months that are missing, or say how the partitions stand."""

from datetime import date

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from warehouse.management import arguments
from warehouse.partitioning import health, partitions
from warehouse.server import catalog
from warehouse.text import count_of

COUNT_LIMIT = 1_000_000_000
DRAINED_ROWS_PER_SECOND = 200_000  # 200,000 rows took 0.8 s on two cores; a slow disk takes longer


class Command(BaseCommand):
    help = "Give every month a partition, up to --ahead months from now; never waits for a lock, deletes nothing."

    def add_arguments(self, parser):
        parser.add_argument("--ahead", type=int, default=settings.PARTITIONS_AHEAD_MONTHS, metavar="N")
        parser.add_argument(
            "--from", type=arguments.month, dest="first", metavar="MONTH", help="YYYY-MM; default: this month"
        )
        parser.add_argument("--dry-run", action="store_true", help="print the SQL and change nothing")
        parser.add_argument(
            "--check", action="store_true", help="exit 1 when months run short or a boundary partition holds rows"
        )
        parser.add_argument(
            "--drain", action="store_true", help="move rows out of the boundary partitions; others wait meanwhile"
        )

    def handle(self, *, ahead, first, dry_run, check, drain, **options):
        if not 0 <= ahead <= 120:
            raise CommandError(f"--ahead {ahead}: give 0 to 120 months")
        today = timezone.now().date()
        last = partitions.add_months(partitions.month_of(today), ahead)
        if first and first > last:
            raise CommandError(f"--from {first:%Y-%m} lies after {last:%Y-%m}, the last month that is kept ready")
        try:
            if check:
                self._check(today)
            else:
                self._maintain(first or today, last, dry_run, drain)
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
            partitions.apply(plan, patience_seconds=partitions.MAINTAIN_PATIENCE_SECONDS)
            self.stdout.write(f"Made {count_of(len(plan.adds), 'month')}: {plan.adds[0]} to {plan.adds[-1]}")
