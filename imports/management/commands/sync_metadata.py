"""manage.py sync_metadata: names, time zones, places, heights and tags of parks and rides, from the live API."""

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from imports.api.themeparks import ApiError, ThemeParksApi
from imports.metadata import sync
from imports.metadata.answers import Synced
from warehouse.ids import ID_OR_UUID
from warehouse.text import count_of

FAILED, WRONG_USAGE = 1, 2


class Command(BaseCommand):
    help = (
        "Bring the catalogue of parks and rides and their metadata up to date. What an operator set by hand stays; "
        "what changed is kept as it was before. Exit status: 0 done, 1 some destination failed, 2 wrong usage."
    )

    def add_arguments(self, parser):
        parser.add_argument(
            "--destination",
            metavar="UUID_OR_NAME",
            action="append",
            default=[],
            help="default: DESTINATIONS, or all there are",
        )
        parser.add_argument("--park", metavar=ID_OR_UUID, action="append", default=[], help="this park alone")
        parser.add_argument(
            "--attributes",
            action="store_true",
            help="ask for every attraction too (a request each): only so do heights come, where the list has none",
        )
        parser.add_argument("--dry-run", action="store_true", help="say what would change, write nothing")

    def handle(self, *, destination, park, attributes, dry_run, **options):
        failed = 0
        total = Synced(target=None)
        try:
            api = ThemeParksApi()
            named = destination or ([] if park else settings.DESTINATIONS)
            targets = sync.targets(api, destinations=named, parks=park)
            for synced in sync.sync(api, targets, timezone.now, attributes=attributes, dry_run=dry_run):
                self._tell(synced)
                failed += bool(synced.error)
                total.add(synced)
        except sync.UnknownTarget as error:
            raise CommandError(str(error), returncode=WRONG_USAGE) from error
        except ApiError as error:
            raise CommandError(str(error), returncode=FAILED) from error
        self.stdout.write(
            f"{'Would have been' if dry_run else 'Done'}: {count_of(total.parks, 'park')}, "
            f"{count_of(total.entities, 'entity', 'entities')}, "
            f"{total.new} new, {total.changed} changed, {total.vanished} vanished, "
            f"{count_of(total.findings, 'new finding')}"
        )
        if failed:
            raise CommandError(f"{failed} of {len(targets)} destinations failed; call again later", returncode=FAILED)

    def _tell(self, synced: Synced) -> None:
        if synced.error:
            self.stderr.write(f"{synced.target.name}: {synced.error}")
            return
        outside = f", {synced.outside} outside of parks left out" if synced.outside else ""
        self.stdout.write(
            f"{synced.target.name} ({synced.target.destination}): {count_of(synced.entities, 'entity', 'entities')} in "
            f"{count_of(synced.parks, 'park')}, {synced.new} new, "
            f"{synced.changed} changed, {synced.vanished} vanished{outside}"
        )
