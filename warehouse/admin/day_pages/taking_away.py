"""The CSVs of a page: what `manage.py ask` gives for the same question."""

from collections.abc import Iterable
from dataclasses import fields

from django.http import HttpRequest
from django.http.response import HttpResponseBase

from warehouse.admin.csv_files import csv_file
from warehouse.admin.day_pages.scope import Scope
from warehouse.admin.day_pages.section import Csv, Section
from warehouse.history.answers import written
from warehouse.history.answers.answer import Answer, Asked
from warehouse.history.answers.asked import QUESTIONS


def csvs_of(section: Section) -> list[Csv]:
    """Those it names, or that of its own table."""
    if section.table is None or not section.table.rows:
        return []
    return list(section.csvs) or [Csv(section.slug)]


def asked_for(
    request: HttpRequest, scope: Scope, sections: Iterable[Section], problems: list[str]
) -> HttpResponseBase | None:
    """The CSV that ?csv= names; None where none is asked for, or none is called so, which is a problem to be said."""
    wanted = request.GET.get("csv")
    if wanted is None:
        return None
    for section in sections:
        for csv in csvs_of(section):
            if csv.name == wanted:
                return response(request, scope, section, csv)
    problems.append("There is no such CSV here; those that there are have links below their tables")
    return None


def response(request: HttpRequest, scope: Scope, section: Section, csv: Csv) -> HttpResponseBase:
    """A file to keep, called by what it is of."""
    return file_of(
        request, _answer(scope, section, csv), f"{scope.name}-{csv.name}-{scope.asked.first}-{scope.asked.last}"
    )


def file_of(request: HttpRequest, answer: Answer, name: str) -> HttpResponseBase:
    """As spreadsheets read it."""
    return csv_file(request, written.as_csv(answer), name)


def _answer(scope: Scope, section: Section, csv: Csv) -> Answer:
    if not csv.question:
        table = csv.table or section.table
        assert table is not None
        return table.as_answer()
    known = scope.known
    asked = Asked(
        parks=csv.further.get("parks", list(known.parks.values())),
        first=scope.asked.first,
        last=scope.asked.last,
        now=known.now,
        ride=known.ride,
        kinds=scope.asked.kinds_asked(),
        days_from_rows=scope.days_from_rows,
        **{name: value for name, value in csv.further.items() if name in _FURTHER},
    )
    return QUESTIONS[csv.question].answer(asked)


_FURTHER = {field.name for field in fields(Asked)} - {"parks"}
