"""Write a made-up archive in the real format."""

import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

from django.core.management.base import CommandError
from tqdm import tqdm

from imports.sample import MANIFEST_FILE, Plan, SampleError, write_archive
from warehouse.management import arguments
from warehouse.management.terminal import TerminalCommand
from warehouse.text import size_in_words

ARCHIVE_DELAY_DAYS = 2  # the real archive trails by 1 to 3 days, and the last file reaches an hour into the next day


class Command(TerminalCommand):
    help = (
        "Writes an archive of made-up parks in the layout and format of archive.themeparks.wiki into DIR: one file a "
        "destination and day. A sample archive that lies in DIR is replaced; a folder with anything else in it is "
        "refused. The same arguments give the same files."
    )
    requires_system_checks = []  # touches no table

    def add_arguments(self, parser):
        parser.add_argument("folder", metavar="DIR", type=Path, help="a folder that is new, empty, or a sample archive")
        parser.add_argument("--days", type=int, default=30, help="day files of each destination (30)")
        parser.add_argument("--events-per-day", type=int, default=2000, help="events in each day file (2000)")
        parser.add_argument("--seed", type=int, default=1, help="another seed, another history of the same rides (1)")
        parser.add_argument("--destinations", type=int, default=3, help="resorts of two or three parks each (3)")
        parser.add_argument(
            "--with-defects",
            action="store_true",
            help="put in every kind of damaged file and event with an issue, and say which",
        )
        dates = parser.add_mutually_exclusive_group()
        dates.add_argument("--start", type=arguments.day, metavar="DATE", help="first day, e.g. 2024-01-01")
        dates.add_argument("--end", type=arguments.day, metavar="DATE", help="last day (two days ago)")

    def handle(self, *, folder, days, events_per_day, seed, destinations, start, end, with_defects, **options):
        newest = datetime.now(UTC).date() - timedelta(days=ARCHIVE_DELAY_DAYS)
        try:
            first = start or (end or newest) - timedelta(days=days - 1)
            plan = Plan(first, days, events_per_day, seed, destinations, with_defects)
        except OverflowError as error:
            raise CommandError(f"{days} days: no calendar goes back that far") from error
        except SampleError as error:
            raise CommandError(str(error)) from error
        if plan.last > newest:
            raise CommandError(f"The last day would be {plan.last}; the newest an archive can have is {newest}")
        try:
            with tqdm(total=plan.files, unit="file", disable=None, file=sys.stderr) as bar:
                manifest = write_archive(folder, plan, on_file=bar.update)
        except SampleError as error:
            raise CommandError(str(error)) from error
        except KeyboardInterrupt as error:
            raise CommandError(f"Stopped; {folder} is incomplete, call again to replace it", returncode=130) from error
        self._report(folder, plan, manifest)

    def _report(self, folder, plan, manifest):
        totals = manifest.totals()
        self.stdout.write(
            f"Sample archive (made up) in {folder}: {totals['events']:,} events of {totals['rides']} rides in "
            f"{totals['parks']} parks, {plan.first} to {plan.last}, {totals['files']} files, "
            f"{size_in_words(totals['size_bytes'] / 1e6)}"
        )
        for resort in manifest.destinations:
            self.stdout.write(f"  {resort.uuid}  {resort.name} ({resort.timezone}, {resort.currency})")
        if plan.with_defects:
            self.stdout.write("Put in on purpose, and what must become of it:")
            for line in manifest.describe_cases():
                self.stdout.write(f"  {line}")
        self.stdout.write(
            f"An import must give {totals['snapshots']:,} snapshots, {totals['queue_rows']:,} queue rows and "
            f"{totals['findings']:,} findings; file by file in {folder / MANIFEST_FILE}"
        )
