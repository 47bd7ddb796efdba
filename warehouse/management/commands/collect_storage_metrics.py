"""Measure every table and keep the figures, a row per table and day."""

import logging

from django.core.management.base import CommandError
from django.db.models import Max
from django.utils import timezone

from warehouse.days import in_future
from warehouse.management import arguments
from warehouse.management.terminal import TerminalCommand
from warehouse.models import StorageMetrics
from warehouse.partitioning.compacting import months
from warehouse.server import catalog
from warehouse.server.away import looking_anew
from warehouse.storage import measurement, status
from warehouse.storage.report import lines, resolutions

logger = logging.getLogger(__name__)


class Command(TerminalCommand):
    help = "Measure rows and sizes of every table; again on one day replaces that day's figures."

    def add_arguments(self, parser):
        parser.add_argument(
            "--date", type=arguments.day, metavar="DATE", help="the day it stands for, YYYY-MM-DD; default: today (UTC)"
        )
        parser.add_argument("--estimate", action="store_true", help="rows by the server's statistics, not counted")
        parser.add_argument("--report", action="store_true", help="print the figures, the forecast and comparisons")
        parser.add_argument("--check", action="store_true", help="exit 1 from 80 %% of STORAGE_CAPACITY_GB on")

    def handle(self, *, estimate, report, check, **options):
        now = timezone.now()
        of_day = options["date"] or now.date()
        if of_day > now.date():
            raise CommandError(in_future("--date", of_day, now.date()))
        newest = looking_anew(lambda: StorageMetrics.objects.aggregate(Max("measurement_date")))[
            "measurement_date__max"
        ]
        if newest and of_day < newest:  # it would put what is there now in the place of what was there then
            raise CommandError(
                f"--date {of_day} lies before the newest measurement, of {newest}: the tables as they are now cannot "
                "stand for that day"
            )
        try:
            measured = {metrics.table_name: metrics for metrics in measurement.collect(of_day, now, estimate=estimate)}
        except catalog.CatalogError as error:
            raise CommandError(str(error)) from error
        size = sum(metrics.data_size_mb + metrics.index_size_mb for metrics in measured.values())
        self.stdout.write(f"{of_day}: {len(measured)} tables, {size:,.2f} MB of data and indexes")
        found = looking_anew(status.storage)
        if report:
            self.stdout.write("")
            gain = looking_anew(lambda: months.gain(now.date()))
            for line in lines(
                measured,
                found.points[-1].snapshot_bytes,
                found.forecast,
                resolutions(),
                estimated=estimate,
                could_save_mb=gain.total / 1e6,
                saved_mb=gain.saved / 1e6,
            ):
                self.stdout.write(line)
        for warning in found.warnings:
            logger.warning(warning)
        if check and found.warnings:
            raise CommandError("Storage needs attention")
