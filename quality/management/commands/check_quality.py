"""manage.py check_quality: look for issues in what is stored, and write them into the data quality log."""

from argparse import ArgumentTypeError
from collections import Counter
from datetime import UTC, date, datetime

from django.core.management.base import BaseCommand, CommandError
from django.db.models import Q

from quality.check.run import Checked, check
from quality.reasons import title_of
from warehouse.models import Park
from warehouse.partitioning.partitions import FIRST_YEAR, LAST_YEAR, is_within_reach
from warehouse.server.catalog import CatalogError

WRONG_USAGE = 2


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise ArgumentTypeError(f"{text} is no date: use YYYY-MM-DD") from error


class Command(BaseCommand):
    """Check the days and parks that are asked for; exit status 2 for wrong usage, 1 where the check cannot run."""

    help = "Look for gaps, duplicates, impossible and missing values, and write them into the data quality log."

    def add_arguments(self, parser):
        parser.add_argument("--park", action="append", metavar="ID_OR_UUID", help="only this park; may be repeated")
        parser.add_argument("--from", dest="first", type=_day, metavar="DATE", help="first day (UTC), YYYY-MM-DD")
        parser.add_argument("--to", dest="last", type=_day, metavar="DATE", help="last day, included")
        parser.add_argument("--dry-run", action="store_true", help="say what would be written, and write nothing")

    def handle(self, *, park, first, last, dry_run, verbosity, **options):
        if first and last and first > last:
            raise CommandError(f"--from {first} lies after --to {last}", returncode=WRONG_USAGE)
        for option, day in (("--from", first), ("--to", last)):
            if day and not is_within_reach(day):
                raise CommandError(
                    f"{option} {day}: give a day of the years {FIRST_YEAR} to {LAST_YEAR}", returncode=WRONG_USAGE
                )
        parks = [self._park_id(name) for name in park] if park else None

        def progress(month: date, rows: int) -> None:
            if verbosity > 1:
                self.stdout.write(f"{month:%Y-%m} read, {rows:,} observations so far")

        try:
            checked = check(parks, first, last, datetime.now(UTC), dry_run=dry_run, progress=progress)
        except CatalogError as error:
            raise CommandError(str(error)) from error
        self._report(checked, dry_run)

    def _park_id(self, name: str) -> int:
        condition = Q(pk=name) if name.isdecimal() else Q(themeparks_wiki_id=name.lower())
        found = Park.objects.filter(condition).values_list("pk", flat=True).first()
        if found is None:
            raise CommandError(f"There is no park {name}: give its id or its UUID", returncode=WRONG_USAGE)
        return found

    def _report(self, checked: Checked, dry_run: bool) -> None:
        self.stdout.write(f"{checked.window}: {checked.rows_read:,} observations read")
        for (kind, reason), count in sorted(Counter((f.kind, f.reason) for f in checked.findings).items()):
            self.stdout.write(f"  {kind:<14} {title_of(reason):<32} {count:>6,}")
        if dry_run:
            for finding in checked.findings:
                self.stdout.write(f"  {finding.kind} {finding.description}")
            for row, evidence in checked.resolved:
                self.stdout.write(f"  would be resolved: {row.description} ({evidence})")
            self.stdout.write("Dry run: nothing was written")
            return
        self.stdout.write(checked.outcome())
