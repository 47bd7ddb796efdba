"""manage.py sync_schedules: register the recurring jobs. deploy does it, too; alone after a change of settings."""

from imports.workers import schedules
from warehouse.management.terminal import TerminalCommand
from warehouse.server.updating import one_host_at_a_time


class Command(TerminalCommand):
    help = (
        "Registers the recurring jobs with the workers: partitions, storage, quality, live states, metadata. "
        "What was changed or switched off in the admin stays so."
    )

    def handle(self, **options):
        with one_host_at_a_time(self.stdout.write):
            for line in schedules.sync():
                self.stdout.write(line)
