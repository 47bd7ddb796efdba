"""Ask the warehouse how rides and parks went, and take the answer away as a table, CSV or JSON."""

import os
import sys
from collections.abc import Iterator
from datetime import date, timedelta

from django.core.management.base import CommandError
from django.utils import timezone

from warehouse.days import range_trouble
from warehouse.history.answers import asked as asking
from warehouse.history.answers import naming, written
from warehouse.history.answers.answer import Answer, Asked
from warehouse.history.answers.asked import MATCHED, QUESTIONS, Question
from warehouse.history.questions.days import ATTRACTIONS, Kinds
from warehouse.history.questions.extent import newest_day
from warehouse.management import arguments
from warehouse.management.terminal import TerminalCommand
from warehouse.models import EntityMetadata, Park, Ride, RideStay
from warehouse.server import replica
from warehouse.server.away import looking_anew

WRONG_USAGE = 2
DAYS_BY_DEFAULT = 28
STALE_DAYS_SAID = 31  # a park of 100 rides takes 0.1 s a day


class Command(TerminalCommand):
    help = (
        "Answer a question about parks and rides; --list says which there are. Only attractions unless --kind is given."
    )

    def add_arguments(self, parser):
        parser.add_argument("question", nargs="?", metavar="QUESTION", help=f"one of {', '.join(QUESTIONS)}")
        parser.add_argument("--list", action="store_true", help="the questions, each with an example")
        parser.add_argument(
            "--park", action="append", default=[], metavar="PARK", help="its id, UUID or name; repeatable"
        )
        parser.add_argument("--ride", metavar="RIDE", help="its id, UUID or name")
        parser.add_argument(
            "--from",
            type=arguments.first_day,
            dest="first",
            metavar="DAY",
            help="YYYY-MM-DD, or YYYY-MM: its first day; days are the park's own; default: the last 28 days known",
        )
        parser.add_argument(
            "--to", type=arguments.last_day, dest="last", metavar="DAY", help="YYYY-MM-DD, or YYYY-MM: its last day"
        )
        parser.add_argument("--format", choices=written.FORMATS, default="table", dest="form")
        parser.add_argument(
            "--kind",
            action="append",
            default=[],
            metavar="KIND",
            help="ATTRACTION, SHOW, RESTAURANT, ... or all; repeatable",
        )
        parser.add_argument("--by", metavar="WORD", help="hours: all, day, weekday, month, month-of-year; compare: day")
        parser.add_argument("--matched", choices=MATCHED, help="compare: what is held against what; default: weekdays")
        parser.add_argument("--years", type=int, metavar="N", help="compare: at most so many; default: all there are")
        parser.add_argument("--count", type=int, metavar="N", help="longest: so many; default: 10")
        parser.add_argument("--each-ride-once", action="store_true", help="longest: the longest wait of each ride")

    def handle(self, *, question, form, **options):
        if options["list"]:
            return self._print(_list())
        answer, reading = replica.read(lambda: self._answer(question, options))
        for remark in answer.remarks:
            self.stderr.write(remark, str)  # in no colour of errors
        if reading is not None:
            self.stderr.write(reading.in_words(), str)
        return self._print(written.lines(answer, form))

    def _answer(self, question: str | None, options: dict) -> Answer:
        asked_question = _question(question)
        asked = looking_anew(lambda: _asked(asked_question, options))
        if (stale := len(asked.known.stale)) > STALE_DAYS_SAID:
            self.stderr.write(
                f"The sums of {stale:,} days are not up to date: they are counted from their rows, which takes a while "
                "(manage.py rebuild_days makes them for all questions to come).",
                str,
            )
        return looking_anew(lambda: asking.answer(asked_question, asked))

    def _print(self, lines: Iterator[str]) -> None:
        try:
            for line in lines:
                self.stdout.write(line)
            self.stdout.flush()
        except BrokenPipeError:  # whoever reads has read enough; Python flushes once more when it ends
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _list() -> Iterator[str]:
    for question in QUESTIONS.values():
        yield f"{question.name}: {question.tells}"
        yield f"    manage.py ask {question.name} {question.example}"


def _question(name: str | None) -> Question:
    if name is None:
        raise CommandError(
            "ask what? manage.py ask --list names the questions, each with an example", returncode=WRONG_USAGE
        )
    if name not in QUESTIONS:
        raise CommandError(
            f"{name} is no question; there are {', '.join(QUESTIONS)} (see manage.py ask --list)",
            returncode=WRONG_USAGE,
        )
    return QUESTIONS[name]


def _asked(question: Question, options: dict) -> Asked:
    further = _further(question, options)
    try:
        parks = [naming.park_named(text) for text in options["park"]]
        ride = naming.ride_named(options["ride"], parks) if options["ride"] else None
    except ValueError as error:
        raise CommandError(str(error), returncode=WRONG_USAGE) from error
    parks = _parks(question, parks, ride)
    now = timezone.now()
    first, last = _days(parks, options["first"], options["last"], now)
    return Asked(parks, first, last, now, ride=ride, kinds=_kinds(options["kind"]), **further)


def _further(question: Question, options: dict) -> dict:
    """What only some questions take. Given to another it would be passed over in silence, so it is refused."""
    given = {
        name: value
        for name in ("matched", "years", "count", "each_ride_once")
        if (value := options[name]) is not None and value is not False
    }
    for name in given.keys() - set(question.options):
        raise CommandError(
            f"{question.name} takes no --{name.replace('_', '-')}; see manage.py ask --list", returncode=WRONG_USAGE
        )
    for name in ("years", "count"):
        if given.get(name, 1) < 1:
            raise CommandError(f"--{name} {given[name]}: give 1 or more", returncode=WRONG_USAGE)
    if options["by"] is not None:
        if options["by"] not in question.by:
            known = f"--by {', '.join(question.by)}" if question.by else "no --by"
            raise CommandError(f"{question.name} takes {known}, not --by {options['by']}", returncode=WRONG_USAGE)
        given["by"] = options["by"]
    return given


def _parks(question: Question, parks: list[Park], ride: Ride | None) -> list[Park]:
    """Whose days they are: of a ride those of all parks that it was in, the one it is in now first."""
    if ride is not None:
        if "ride" not in question.of:
            raise CommandError(
                f"{question.name} is asked of a park: give --park in the place of --ride", returncode=WRONG_USAGE
            )
        stood = RideStay.objects.filter(ride=ride).values_list("park_id", flat=True)
        found = Park.objects.filter(pk__in={ride.park_id, *stood})
        return sorted(found, key=lambda park: (park.pk != ride.park_id, park.pk))
    if not parks:
        names = "--park or --ride" if "ride" in question.of else "--park"
        raise CommandError(
            f"{question.name} of what? Give {names} with an id, a UUID or a name", returncode=WRONG_USAGE
        )
    if len(parks) > 1 and "parks" not in question.of:
        raise CommandError(f"{question.name} is asked of one park; give one --park", returncode=WRONG_USAGE)
    return list(dict.fromkeys(parks))


def _days(parks: list[Park], first: date | None, last: date | None, now) -> tuple[date, date]:
    today = max(now.astimezone(park.zone).date() for park in parks)
    if trouble := range_trouble(first, last) or range_trouble(first, None, today):
        raise CommandError(trouble, returncode=WRONG_USAGE)
    if last is None:
        last = newest_day([park.pk for park in parks], now) or today
        if first is not None and first > last:
            last = first
    if first is None:
        first = last - timedelta(days=DAYS_BY_DEFAULT - 1)
    return first, min(last, today) if first <= today else last


def _kinds(given: list[str]) -> Kinds:
    if not given:
        return ATTRACTIONS
    kinds = {kind.upper() for kind in given}
    if "ALL" in kinds:
        return None
    known = set(EntityMetadata.objects.values_list("entity_type", flat=True).distinct()) | {"ATTRACTION"}
    for kind in sorted(kinds - known):
        raise CommandError(
            f"--kind {kind}: there are {', '.join(sorted(known - {''}))}, or all", returncode=WRONG_USAGE
        )
    return frozenset(kinds | (ATTRACTIONS if "ATTRACTION" in kinds else set()))
