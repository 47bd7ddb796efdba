"""manage.py sync_metadata: names, time zones, places, heights and tags of parks and rides, and the hours of parks, from
the live API."""

from collections.abc import Iterator
from datetime import UTC, date
from zoneinfo import ZoneInfo

from django.conf import settings
from django.core.management.base import CommandError
from django.utils import timezone

from imports.api.themeparks import ApiError, ThemeParksApi
from imports.metadata import sync
from imports.metadata.answers import Synced, Target
from imports.metadata.park_hours import HoursOfPark, months_between, sync_hours
from warehouse.days import ONE_DAY, in_future, month_from
from warehouse.ids import ID_OR_UUID
from warehouse.management.terminal import TerminalCommand
from warehouse.models import Park
from warehouse.rides import hours
from warehouse.text import count_of, duration_in_words
from warehouse.zones import known_zone, local_date

FAILED, WRONG_USAGE = 1, 2


class Command(TerminalCommand):
    help = (
        "Bring the catalogue of parks and rides, their metadata and the hours of parks up to date. What an operator "
        "set by hand stays; what changed is kept as it was before. Exit status: 0 done, 1 some destination or schedule "
        "failed, 2 wrong usage."
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
        parser.add_argument(
            "--hours-from", metavar="YYYY-MM", help="read the hours of past months too, from this one (a request each)"
        )
        parser.add_argument("--hours-to", metavar="YYYY-MM", help="to this month; default: the present one")
        parser.add_argument("--no-hours", action="store_true", help="read no schedules: spares a request a park")
        parser.add_argument("--dry-run", action="store_true", help="say what would change, write nothing")

    def handle(self, *, destination, park, attributes, dry_run, **options):
        failed = hours_failed = days = 0
        total = Synced(target=None)
        months = _months(options["hours_from"], options["hours_to"], options["no_hours"])
        try:
            api = ThemeParksApi()
            named = destination or ([] if park else settings.DESTINATIONS)
            targets = sync.targets(api, destinations=named, parks=park)
            if months:
                self._tell_the_cost(targets, months)
            for synced in sync.sync(api, targets, timezone.now, attributes=attributes, dry_run=dry_run):
                self._tell(synced)
                failed += bool(synced.error)
                total.add(synced)
                if options["no_hours"] or synced.error:
                    continue
                for found in sync_hours(api, _parks_of(synced.target), timezone.now, months=months, dry_run=dry_run):
                    self._tell_hours(found, dry_run)
                    days += len(found.days)
                    total.findings += found.findings
                    hours_failed += bool(found.errors)
        except sync.UnknownTarget as error:
            raise CommandError(str(error), returncode=WRONG_USAGE) from error
        except ApiError as error:
            raise CommandError(str(error), returncode=FAILED) from error
        self.stdout.write(
            f"{'Would have been' if dry_run else 'Done'}: {count_of(total.parks, 'park')}, "
            f"{count_of(total.entities, 'entity', 'entities')}, "
            f"{total.new} new, {total.changed} changed, {total.vanished} vanished, "
            f"{count_of(total.findings, 'new finding')}"
            + ("" if options["no_hours"] else f"; hours of {count_of(days, 'day')}")
        )
        if failed:
            raise CommandError(f"{failed} of {len(targets)} destinations failed; call again later", returncode=FAILED)
        if hours_failed:
            raise CommandError(
                f"the hours of {count_of(hours_failed, 'park')} could not be read; call again later", returncode=FAILED
            )

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

    def _tell_the_cost(self, targets: list[Target], months: list[date]) -> None:
        parks = sum(1 if target.park else len(target.parks) for target in targets)
        requests = parks * len(months)
        seconds = 60 * requests / settings.THEMEPARKS_REQUESTS_PER_MINUTE
        self.stdout.write(
            f"Hours of {count_of(len(months), 'month')} of {count_of(parks, 'park')}: "
            f"{count_of(requests, 'request')} beside the others, {duration_in_words(seconds)} at "
            f"{settings.THEMEPARKS_REQUESTS_PER_MINUTE:g} a minute"
        )

    def _tell_hours(self, found: HoursOfPark, dry_run: bool) -> None:
        park, zone = found.park, known_zone(found.park.timezone)
        for error in found.errors:
            self.stderr.write(f"  {park}: {error}")
        words = "hours not read" if found.errors else "no schedule"
        if found.days:
            words = f"hours of {count_of(len(found.days), 'day')}, {len(found.changed)} changed"
            if not dry_run:
                words += "".join(_in_words(park, zone))
        self.stdout.write(f"  {park} ({park.timezone or 'no time zone'}): {words}")


def _in_words(park: Park, zone: ZoneInfo | None) -> Iterator[str]:
    today = local_date(timezone.now(), zone)
    said = hours.hours_of([park.pk], today - ONE_DAY, today)
    for name, day in (("today", today), ("yesterday", today - ONE_DAY)):
        yield f"; {name} {hours.in_words(said.get((park.pk, day), ()), zone)}"


def _parks_of(target: Target) -> list[Park]:
    """As they are in the warehouse by now; none of them in a dry run that would make them."""
    asked = {"themeparks_wiki_id": target.park} if target.park else {"destination_wiki_id": target.destination}
    return list(Park.objects.filter(**asked).order_by("park_name"))


def _months(first: str | None, last: str | None, without: bool) -> list[date]:
    today = timezone.now().astimezone(UTC).date()
    try:
        begin, end = (month_from(text) if text else None for text in (first, last))
    except ValueError as error:
        raise CommandError(f"--hours-from, --hours-to: {error}", returncode=WRONG_USAGE) from error
    if without and (begin or end):
        raise CommandError("--no-hours reads none: leave out --hours-from, or it", returncode=WRONG_USAGE)
    if end and not begin:
        raise CommandError("--hours-to needs --hours-from", returncode=WRONG_USAGE)
    if begin is None:
        return []
    for option, month in (("--hours-from", begin), ("--hours-to", end)):
        if month and month > today + ONE_DAY:  # it may be there already
            raise CommandError(in_future(option, month, today), returncode=WRONG_USAGE)
    if end and begin > end:
        raise CommandError(f"--hours-from {first} lies after --hours-to {last}; swap them", returncode=WRONG_USAGE)
    return months_between(begin, end or today)
