"""Mail and webhook by hand: to try them, or from cron where no workers are."""

from django.conf import settings
from django.core.management.base import CommandError
from django.utils import timezone

from config.alerts import delivery, rounds
from config.alerts.messages import channels
from config.night import night
from config.tasks import NOTHING_SET
from warehouse.management.terminal import TerminalCommand
from warehouse.zones import zone_or_utc


class Command(TerminalCommand):
    help = "Tell operators by mail and webhook what began or ended to need attention, and deliver what is due."

    def add_arguments(self, parser):
        parser.add_argument("--night", action="store_true", help="send the report of the night too, now")

    def handle(self, *, night: bool, **options):
        if not channels():
            raise CommandError(NOTHING_SET)
        now = timezone.now()
        if night:
            facts = self._night(now)
            rounds.report(facts, f"night {now:%Y-%m-%d %H:%M:%S.%f}")
        self.stdout.write(rounds.make(now))
        delivered, failures = delivery.deliver(timezone.now())
        self.stdout.write(f"{delivered} delivered over {', '.join(channels())}")
        if failures:
            raise CommandError("; ".join(failures))

    def _night(self, now):
        return night(now, zone_or_utc(settings.REPORT_TIME_ZONE))
