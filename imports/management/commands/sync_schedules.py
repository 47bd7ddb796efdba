"""manage.py sync_schedules: register the recurring jobs. To be called after every migrate, as often as one likes."""

from imports.workers import schedules
from warehouse.management.terminal import TerminalCommand


class Command(TerminalCommand):
    help = (
        "Registers the recurring jobs with the workers: partitions, storage, quality, live states, metadata. "
        "What was changed or switched off in the admin stays so."
    )

    def handle(self, **options):
        for line in schedules.sync():
            self.stdout.write(line)
