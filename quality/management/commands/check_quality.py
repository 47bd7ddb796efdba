"""manage.py check_quality: look for issues in what is stored, and write them into the data quality log."""

from collections import Counter
from datetime import UTC, date, datetime

from django.conf import settings
from django.core.management.base import CommandError
from django.utils.module_loading import import_string

from quality import owed_checks
from quality.check.against_source import DAYS_A_PARK, compare
from quality.check.compared_day import ComparedDay
from quality.check.paying import ChecksFailed, pay
from quality.check.run import Checked, check
from quality.check.source_figures import FiguresAway
from quality.reasons import title_of
from warehouse.days import range_trouble
from warehouse.ids import ID_OR_UUID, park_lookup
from warehouse.management import arguments
from warehouse.management.terminal import TerminalCommand
from warehouse.models import Park
from warehouse.server.away import looking_anew
from warehouse.server.catalog import CatalogError
from warehouse.text import count_of

WRONG_USAGE = 2


class Command(TerminalCommand):
    """Check the days and parks that are asked for; exit status 2 for wrong usage, 1 where the check cannot run.

    Against the source it is 1 where nothing at all could be compared; what stopped it half way is said.
    """

    help = "Look for gaps, duplicates, impossible and missing values, and write them into the data quality log."

    def add_arguments(self, parser):
        parser.add_argument("--park", action="append", metavar=ID_OR_UUID, help="only this park; may be repeated")
        parser.add_argument(
            "--from", dest="first", type=arguments.day, metavar="DATE", help="first day (UTC), YYYY-MM-DD"
        )
        parser.add_argument("--to", dest="last", type=arguments.day, metavar="DATE", help="last day, included")
        parser.add_argument(
            "--against-history",
            action="store_true",
            help="hold some of the parks' own days against the History API's figures, for requests of its budget",
        )
        parser.add_argument("--days", type=int, metavar="N", help=f"with it: days a park ({DAYS_A_PARK})")
        parser.add_argument("--owed", action="store_true", help="what imports brought in and no check has seen yet")
        parser.add_argument("--dry-run", action="store_true", help="say what would be written, and write nothing")

    def handle(self, *, park, first, last, against_history, days, owed, dry_run, verbosity, **options):
        if owed:
            return self._pay(chosen=bool(park or first or last or dry_run or against_history or days is not None))
        if trouble := range_trouble(first, last):
            raise CommandError(trouble, returncode=WRONG_USAGE)
        if days is not None and (days < 1 or not against_history):
            raise CommandError("--days N goes with --against-history, and is 1 or more", returncode=WRONG_USAGE)
        parks = [self._park_id(name) for name in park] if park else None
        if against_history:
            return self._compare(parks, first, last, days or DAYS_A_PARK, dry_run)

        def progress(month: date, rows: int) -> None:
            if verbosity > 1:
                self.stdout.write(f"{month:%Y-%m} read, {rows:,} observations so far")

        try:
            checked = looking_anew(  # twice is as good as once
                lambda: check(parks, first, last, datetime.now(UTC), dry_run=dry_run, progress=progress)
            )
        except CatalogError as error:
            raise CommandError(str(error)) from error
        self._report(checked, dry_run)
        many, _ = looking_anew(owed_checks.standing)
        if many:
            self.stdout.write(f"{count_of(many, 'check')} of imported days owed still: manage.py check_quality --owed")

    def _pay(self, *, chosen: bool) -> None:
        if chosen:
            raise CommandError("--owed checks what imports left: give it nothing beside", returncode=WRONG_USAGE)
        try:
            done = pay(datetime.now(UTC))
        except ChecksFailed as failed:
            raise CommandError(str(failed)) from failed
        for checked in done:
            self._report(checked, dry_run=False)
        if not done:
            self.stdout.write("Nothing is owed: all that imports brought in was checked.")

    def _compare(self, parks: list[int] | None, first: date | None, last: date | None, days: int, dry_run: bool):
        chosen = Park.objects.order_by("pk") if parks is None else Park.objects.filter(pk__in=parks).order_by("pk")
        try:
            found = compare(
                chosen,
                first,
                last,
                import_string(settings.DAILY_FIGURES)(),
                datetime.now(UTC),
                days_a_park=days,
                wait_limit=settings.WAIT_TIME_MAX_MINUTES,
                dry_run=dry_run,
                say=self.stdout.write,
                show=self._show,
            )
        except FiguresAway as away:
            raise CommandError(f"Nothing was compared: {away}") from away
        if not found.days:
            none = ["no day of these was imported from the History API or the archive"]
            raise CommandError(f"Nothing was compared: {'; '.join(found.troubles or none)}")
        for trouble in found.troubles:
            self.stdout.write(trouble)
        if dry_run:
            for day in found.days:
                if day.different:
                    self.stdout.write(f"  {day.finding().description}")
            self.stdout.write("Dry run: nothing was written")
            return
        self.stdout.write(found.outcome())

    def _show(self, day: ComparedDay) -> None:
        self.stdout.write(
            f"  {day.park!s:<40} {day.day}  {day.compared:>4,} compared {day.equal:>4,} equal "
            f"{len(day.different):>4,} different{day.remark and f'  ({day.remark})'}"
        )

    def _park_id(self, name: str) -> int:
        try:
            found = Park.objects.filter(**park_lookup(name)).values_list("pk", flat=True).first()
        except ValueError as error:
            raise CommandError(f"--park {error}", returncode=WRONG_USAGE) from error
        if found is None:
            raise CommandError(f"There is no park {name}", returncode=WRONG_USAGE)
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
