"""manage.py collect_live: the state of all rides right now, once or every few minutes."""

import logging
import threading
import time

from django.conf import settings
from django.core.management.base import CommandError
from django.db import DatabaseError, connection
from django.utils import timezone

from imports.api.pace import ApiPace
from imports.api.themeparks import ApiError, ThemeParksApi
from imports.live import collector
from imports.live.models import LiveCollection
from imports.metadata import sync
from warehouse.management.graceful_stop import stop_on_signals
from warehouse.management.terminal import TerminalCommand
from warehouse.server import errors
from warehouse.text import count_of

FAILED, WRONG_USAGE = 1, 2

logger = logging.getLogger(__name__)


class Command(TerminalCommand):
    help = (
        "Collect live states, every LIVE_EVERY_MINUTES until it is stopped (Ctrl-C), or --once. The workers do this by "
        "schedule. Exit status: 0 done, 1 some destination failed (--once), 2 wrong usage."
    )

    def add_arguments(self, parser):
        parser.add_argument(
            "--destination",
            metavar="UUID",
            action="append",
            default=[],
            help="default: DESTINATIONS, or those of all parks in the warehouse",
        )
        parser.add_argument("--once", action="store_true", help="collect once and end")
        parser.add_argument(
            "--lift-hold",
            action="store_true",
            help="the API asked to be left alone (Retry-After, a spent budget): ask again before that. With nothing "
            "else it does that alone",
        )

    def handle(self, *, destination, once, lift_hold, **options):
        if lift_hold:
            self._lift_hold()
            if not (once or destination):
                return
        try:
            api = ThemeParksApi()
            destinations = self._destinations(api, destination)
            with stop_on_signals() as stop:
                while not stop.is_set():
                    next_at = time.monotonic() + settings.LIVE_EVERY_MINUTES * 60
                    failed = self._collect(api, destinations, stop, once)
                    if once:
                        break
                    while time.monotonic() < next_at and not stop.is_set():
                        time.sleep(0.5)  # not stop.wait: set by a signal in the same thread, it might never return
        except (sync.UnknownTarget, collector.NothingToCollect) as error:
            raise CommandError(str(error), returncode=WRONG_USAGE) from error
        except ApiError as error:
            raise CommandError(str(error), returncode=FAILED) from error
        if once and failed:
            raise CommandError(f"{count_of(failed, 'destination')} failed; call again", returncode=FAILED)

    def _collect(self, api: ThemeParksApi, destinations: list[str], stop: threading.Event, once: bool) -> int:
        """How many destinations failed. A server that is restarted ends a single collection, but not the loop."""
        try:
            collection = collector.collect(api, destinations, timezone.now, stop)
        except DatabaseError as error:
            if once:
                raise
            connection.close()
            self.stderr.write(f"{errors.in_words(error)}; the next collection tries again")
            return len(destinations)
        self._tell(collection)
        return collection.failed

    def _lift_hold(self) -> None:
        lifted = ApiPace.lift(settings.THEMEPARKS_API_URL)
        for hold in lifted:
            logger.warning("a hold was lifted by command: %s", hold)
            self.stdout.write(f"Lifted: {hold}")
        if not lifted:
            self.stdout.write("Nothing holds: the API may be asked.")

    def _destinations(self, api: ThemeParksApi, named: list[str]) -> list[str]:
        if not named:
            return collector.known_destinations()
        return [target.destination for target in sync.targets(api, destinations=named)]

    def _tell(self, collection: LiveCollection) -> None:
        for failure in collection.failures:
            self.stderr.write(f"{failure['destination']}: {failure['error']}")
        left = f", {collection.not_reached} left for the next run" if collection.not_reached else ""
        self.stdout.write(
            f"{collection.finished_at:%Y-%m-%d %H:%M:%S}Z  {count_of(collection.destinations, 'destination')}, "
            f"{count_of(collection.rows_read, 'row')}: {collection.stored} stored, "
            f"{collection.already_known} unchanged, "
            f"{count_of(collection.duplicates, 'duplicate')}, {collection.rejected} rejected, "
            f"{count_of(collection.findings, 'new finding')}{left}"
        )
