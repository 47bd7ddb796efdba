"""manage.py sync_groups: make the groups Viewers, Operators and Configurers. manage.py deploy does."""

from imports.admin import groups
from warehouse.management.terminal import TerminalCommand


class Command(TerminalCommand):
    help = "Makes the groups Viewers, Operators and Configurers. Groups that are there are left as they are."

    def add_arguments(self, parser):
        parser.add_argument("--reset", action="store_true", help="give them the permissions they come with again")

    def handle(self, *, reset, **options):
        for line in groups.sync(reset=reset):
            self.stdout.write(line)
