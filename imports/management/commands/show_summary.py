"""manage.py show_summary: what the warehouse holds, by park, month, kind of finding and size."""

from django.core.management.base import CommandError

from imports.management.summary import summarize
from warehouse.management.terminal import TerminalCommand
from warehouse.server.away import looking_anew
from warehouse.server.catalog import CatalogError


class Command(TerminalCommand):
    help = "Show files and rows by park, rows by month partition, findings by kind, and what the tables weigh."

    def handle(self, **options):
        try:
            for table in looking_anew(lambda: list(summarize())):
                self.stdout.write("\n".join(table.lines()) + "\n\n")
        except CatalogError as error:
            raise CommandError(str(error)) from error
