"""manage.py export_history: the tables as Parquet files by month, for DuckDB, Spark, Trino and others."""

from datetime import timedelta

from django.conf import settings
from django.core.management.base import CommandError

from warehouse.export import run, verify
from warehouse.export.errors import ExportError
from warehouse.export.opening import open_target
from warehouse.management import arguments
from warehouse.management.graceful_stop import stop_on_signals
from warehouse.management.terminal import TerminalCommand
from warehouse.text import count_of, size_in_words

FAILED, WRONG_USAGE, STOPPED = 1, 2, 3


class Command(TerminalCommand):
    help = (
        "Writes snapshots, queues, ride days, parks, rides and metadata as Parquet, a file a month. Months that have "
        "not changed since are left alone. Can be stopped at any instant; the same command goes on. "
        "Exit status: 0 done, 1 failed or --verify found a difference, 2 wrong usage, 3 stopped."
    )

    def add_arguments(self, parser):
        parser.add_argument(
            "--to",
            metavar="DIR_OR_URL",
            default=settings.EXPORT_TO,
            help="a folder, or s3://bucket/prefix; default EXPORT_TO",
        )
        parser.add_argument(
            "--from-month", metavar="MONTH", dest="first", type=arguments.month, help="first month, YYYY-MM (UTC)"
        )
        parser.add_argument(
            "--to-month", metavar="MONTH", dest="last", type=arguments.month, help="last month, included"
        )
        parser.add_argument(
            "--grace-hours",
            metavar="N",
            type=float,
            default=settings.EXPORT_GRACE_HOURS,
            help="how long a file that was replaced stays for whoever reads it; default EXPORT_GRACE_HOURS",
        )
        parser.add_argument(
            "--verify",
            action="store_true",
            help="write nothing: compare server, manifest and files, exit 1 on difference",
        )

    def handle(self, *, to, first, last, grace_hours, **options):
        if not to:
            raise CommandError(
                "Say where: --to DIR or --to s3://bucket/prefix, or set EXPORT_TO", returncode=WRONG_USAGE
            )
        if first and last and first > last:
            raise CommandError(
                f"--from-month {first:%Y-%m} lies after --to-month {last:%Y-%m}; swap them", returncode=WRONG_USAGE
            )
        if grace_hours < 0:
            raise CommandError("--grace-hours: give 0 or more", returncode=WRONG_USAGE)
        try:
            target = open_target(to)
            if options["verify"]:
                self._verify(target, first, last)
            else:
                self._export(target, first, last, timedelta(hours=grace_hours))
        except ExportError as error:
            raise CommandError(str(error), returncode=FAILED) from error
        except KeyboardInterrupt as error:
            raise CommandError(
                "Stopped; what was exported stays valid, and the same command goes on", returncode=STOPPED
            ) from error

    def _export(self, target, first, last, grace):
        with stop_on_signals() as stop:  # raised in the midst of what C code does, an interrupt was lost now and then
            done = run.export(target, first, last, grace=grace, say=self._say, stop=stop)
        self.stdout.write(
            f"{count_of(len(done.written), 'month')} written, {done.unchanged} unchanged; "
            f"{count_of(done.files, 'file')}, {size_in_words(done.size_bytes / 1e6)} in {target.url}"
        )

    def _say(self, done):
        rows = ", ".join(f"{rows:,} {name.replace('_', ' ')}" for name, rows in done.rows.items())
        self.stdout.write(f"{done.month:%Y-%m}: {rows}; {size_in_words(done.size_bytes / 1e6)} in {done.seconds:.1f} s")
        self.stdout.flush()

    def _verify(self, target, first, last):
        found = list(verify.differences(target, first, last))
        for difference in found:
            self.stdout.write(difference)
        if found:
            raise CommandError(
                f"{count_of(len(found), 'difference')} in {target.url}. Export again; where a file or the server was "
                "altered past the imports, remove the file first",
                returncode=FAILED,
            )
        self.stdout.write(f"Server, manifest and files agree: {target.url}")
