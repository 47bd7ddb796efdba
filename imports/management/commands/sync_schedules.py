"""manage.py sync_schedules: register the recurring jobs. To be called after every migrate, as often as one likes."""

from django.core.management.base import BaseCommand

from imports.workers import schedules


class Command(BaseCommand):
    help = (
        "Registers the recurring jobs with the workers: partitions, storage, quality, live states, metadata. "
        "What was changed or switched off in the admin stays so."
    )

    def handle(self, **options):
        for line in schedules.sync():
            self.stdout.write(line)
