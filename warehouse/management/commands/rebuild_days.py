"""manage.py rebuild_days: make the sums of days (ride_days, park_days) anew from the rows, or compare them."""

from collections.abc import Iterator
from datetime import date, datetime
from functools import partial

from django.core.management.base import CommandError
from django.utils import timezone

from warehouse.days import ONE_DAY, range_trouble
from warehouse.history import recompute, verifying
from warehouse.history.known_days import known_days
from warehouse.ids import ID_OR_UUID, park_lookup
from warehouse.management import arguments
from warehouse.management.terminal import TerminalCommand
from warehouse.models import Park, Ride
from warehouse.rides import stale_days
from warehouse.server.away import looking_anew
from warehouse.text import count_of

DIFFERENT, WRONG_USAGE, STOPPED = 1, 2, 3
SHOWN = 10  # differences, one a day and ride
PATIENCE_SECONDS = 60  # where a worker is at the same park: it takes a month in one go


class Command(TerminalCommand):
    help = (
        "Make the sums of days (ride_days, park_days) anew from the rows, of all parks and days or of those that are "
        "named. Runs beside imports and workers, and can be stopped at any instant. Exit status: 0 done, 1 failed or "
        "with --verify different, 2 wrong usage, 3 stopped."
    )

    def add_arguments(self, parser):
        parser.add_argument("--park", action="append", metavar=ID_OR_UUID, help="only this park; may be repeated")
        parser.add_argument(
            "--from", dest="first", type=arguments.day, metavar="DATE", help="first day (the park's own), YYYY-MM-DD"
        )
        parser.add_argument("--to", dest="last", type=arguments.day, metavar="DATE", help="last day, included")
        parser.add_argument(
            "--verify", action="store_true", help="write nothing: say where the sums are not what the rows say"
        )

    def handle(self, *, park, first, last, verify, **options):
        if trouble := range_trouble(first, last):
            raise CommandError(trouble, returncode=WRONG_USAGE)
        parks = [_park(name) for name in park] if park else list(Park.objects.order_by("pk"))
        chosen = [
            (each, *days) for each in parks if (days := _within(known_days(each, first, last), first, last)) is not None
        ]
        if not chosen:
            self.stdout.write("Nothing is known of these days.")
            return
        self._at = ""
        try:
            (self._verify if verify else self._rebuild)(chosen, timezone.now())
        except KeyboardInterrupt:
            at = f" behind {self._at}" if self._at else " before the first days were done"
            rest = "" if verify else ", and what is left is marked: the workers make it, or the same command again"
            raise CommandError(f"Stopped{at}. What is done stays{rest}", returncode=STOPPED) from None

    # --- making anew ------------------------------------------------------------------------------------------------
    def _rebuild(self, chosen: list[tuple[Park, date, date]], now: datetime) -> None:
        days = rows = 0
        busy: list[Park] = []
        for park, first, last in chosen:
            looking_anew(partial(_mark, park, first, last))
            go = partial(recompute.recompute, park.pk, now, until=last, patience_seconds=PATIENCE_SECONDS, goes=1)
            try:
                while done := looking_anew(go):  # marks say what is left
                    (made,) = done
                    days, rows = days + made.days, rows + made.rows
                    self._at = f"{park}, {made.last}"
                    self.stderr.write(f"{park}: {made.first} to {made.last}, {count_of(made.rows, 'row')}")
            except recompute.ParkBusy:
                busy.append(park)
                self.stderr.write(f"{park}: another process is at it")
        said = f"{count_of(days, 'day')} of {count_of(len(chosen), 'park')} made anew, {count_of(rows, 'row')}"
        if busy:
            raise CommandError(
                f"{said}. {count_of(len(busy), 'park')} could not be finished, since others write their rows or days "
                "all the time: what is left is marked, the workers make it, or the same command later"
            )
        self.stdout.write(said)

    # --- comparing --------------------------------------------------------------------------------------------------
    def _verify(self, chosen: list[tuple[Park, date, date]], now: datetime) -> None:
        days = marked = shown = 0
        different: dict[str, set[date]] = {}
        for park, first, last in chosen:
            for compared in verifying.compare(park, first, last, now):
                days, marked = days + compared.days, marked + compared.marked
                self._at = f"{park}, {compared.last}"
                self.stderr.write(f"{park}: {compared.first} to {compared.last} read")
                for line in _lines(park, compared.different):
                    shown += 1
                    if shown <= SHOWN:
                        self.stdout.write(line)
                if compared.different:
                    different.setdefault(str(park.pk), set()).update(each.day for each in compared.different)
        left = f", {count_of(marked, 'day')} left out that are marked or not final" if marked else ""
        if not different:
            self.stdout.write(f"{count_of(days, 'day')} compared{left}: all are what the rows say")
            return
        many = sum(map(len, different.values()))
        (park_id, bad), *_ = different.items()
        raise CommandError(
            f"{many:,} of {count_of(days, 'day')} compared are not what the rows say{left}. To make them anew:  "
            f"manage.py rebuild_days --park {park_id} --from {min(bad)} --to {max(bad)}",
            returncode=DIFFERENT,
        )


def _mark(park: Park, first: date, last: date) -> None:
    stale_days.mark((park.pk, day) for day in _days(first, last))


def _lines(park: Park, different: list[verifying.Difference]) -> Iterator[str]:
    """One a day and ride, with all its columns."""
    names = dict(Ride.objects.filter(pk__in={each.ride_id for each in different}).values_list("pk", "ride_name"))
    found: dict[tuple[date, int | None, str], list[str]] = {}
    for each in different:
        said = f"{each.column} {_shown(each.stored)} stored, {_shown(each.by_rows)} by the rows"
        found.setdefault((each.day, each.ride_id, each.whole_park), []).append(said)
    for (day, ride_id, whole_park), said in found.items():
        of = f"the park's {whole_park}" if ride_id is None else f"ride {ride_id} {names.get(ride_id, '')}".rstrip()
        yield f"{park}, {day}, {of}: {'; '.join(said)}"


def _shown(value: object) -> str:
    return value.hex() if isinstance(value, bytes) else str(value)


def _within(known: tuple[date, date] | None, first: date | None, last: date | None) -> tuple[date, date] | None:
    if known is None:
        return None
    begin, end = max(known[0], first or known[0]), min(known[1], last or known[1])
    return (begin, end) if begin <= end else None


def _days(first: date, last: date) -> Iterator[date]:
    return (first + n * ONE_DAY for n in range((last - first).days + 1))


def _park(name: str) -> Park:
    try:
        found = Park.objects.filter(**park_lookup(name)).first()
    except ValueError as error:
        raise CommandError(f"--park {error}", returncode=WRONG_USAGE) from error
    if found is None:
        raise CommandError(f"There is no park {name}", returncode=WRONG_USAGE)
    return found
