"""The frame of the pages: who may see them, what was asked, tabs, the answers of one tab, and a CSV of each."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

from django import forms
from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse

from warehouse.admin.day_pages import taking_away
from warehouse.admin.day_pages.asking import Asked, AskForm
from warehouse.admin.day_pages.scope import Scope
from warehouse.admin.day_pages.section import Section
from warehouse.admin.page_parts import failure
from warehouse.days import ONE_DAY
from warehouse.history.questions.days import KnownDays
from warehouse.history.questions.extent import extent_of
from warehouse.models import Park

#: stale days that a page makes from rows: one takes some 0.1 s
DAYS_FROM_ROWS = 7
YEARS_LINKED = 6


@dataclass(frozen=True, slots=True)
class Tab:
    """`sections` are worked out only of the one that is shown; `options`: fields of the form that are its own.
    `of_these_days`: it reads the days of the page, and so can say as of when they are."""

    name: str
    title: str
    sections: Callable[[Scope], list[Section]]
    options: Mapping[str, Callable[[], forms.Field]] = field(default_factory=dict)
    of_these_days: bool = True


def refuse_strangers(request: HttpRequest) -> None:
    """Who may not see snapshots may not see what they add up to."""
    if not request.user.has_perm("warehouse.view_ridestatussnapshot"):
        raise PermissionDenied


def period_page(
    request: HttpRequest,
    tabs: Sequence[Tab],
    parks: Sequence[Park],
    now: datetime,
    today: date,
    days_of: Callable[[Asked], KnownDays],
    name: str,
    template: str,
    context: Mapping[str, Any],
) -> HttpResponse:
    """A park's, or a ride's over a period: the year to its newest day that is over, or what is asked for."""
    show = request.GET.get("show", "")
    tab = next((tab for tab in tabs if tab.name == show), tabs[0])
    earliest, newest = extent_of(parks, now)
    last = newest or today
    if newest == today and (earliest or today) < today:
        last = today - ONE_DAY  # half a day beside whole ones would only mislead; it is a click away
    form = AskForm(request.GET, (last - timedelta(days=364), last), {key: make() for key, make in tab.options.items()})
    problems = [f"There is no page called {show[:40]}; this is the first"] if show and tab.name != show else []
    page: dict[str, Any] = {
        **admin.site.each_context(request),
        **context,
        "form": form,
        "tab": tab,
        "problems": problems,
        "newest": newest,
        "sections": [],
    }
    if form.is_valid():
        asked = form.asked()
        scope = Scope(days_of(asked), asked, name, DAYS_FROM_ROWS, earliest)
        found = _sections(tab, scope) if newest else []
        if (taken := taking_away.asked_for(request, scope, found, problems)) is not None:
            return taken
        page |= {
            "asked": asked,
            "scope": scope,
            "sections": [(each, taking_away.csvs_of(each)) for each in found],
            "tabs": [(each, scope.address(each.name)) for each in tabs],
            "periods": _periods(scope, tab, newest, earliest) if newest else [],
            "csv": address_with(request, "csv"),
            "as_of": _as_of(scope) if newest and tab.of_these_days else {},
        }
        form = _with_what_is_asked(form, asked)
    else:
        page["tabs"] = [(each, f"?show={each.name}") for each in tabs]
    return TemplateResponse(request, template, page)


def _sections(tab: Tab, scope: Scope) -> list[Section]:
    """A question that fails is said in its place: the page stands."""
    if scope.known.first > scope.known.today:
        return [Section(tab.name, tab.title, nothing="These days are still to come.")]
    try:
        return tab.sections(scope)
    except Exception as error:
        said = failure(f"{tab.title} of {scope.name}", error)
        return [Section(tab.name, tab.title, trouble=said)]


def _as_of(scope: Scope) -> dict[str, Any]:
    """How many days were made from rows a moment ago, and how many were too many for that."""
    known = scope.known
    try:
        now = f"{known.now.astimezone(known.zone):%H:%M}"  # a template would show UTC
        return {"days": len(known.from_rows), "left_out": len(known.left_out), "now": now}
    except Exception as error:
        return {"trouble": failure("Days from rows", error)}


def _periods(scope: Scope, tab: Tab, newest: date, first: date | None) -> list[tuple[str, str, bool]]:
    """Periods that are a click away: name, address, whether it is the one that is shown."""
    first = first or newest
    found = [
        ("4 weeks", newest - 27 * ONE_DAY, newest),
        ("a year", newest - 364 * ONE_DAY, newest),
        ("5 years", max(first, newest - 1825 * ONE_DAY), newest),
    ]
    found += [(f"{year}", date(year, 1, 1), date(year, 12, 31)) for year in range(newest.year, first.year - 1, -1)][
        :YEARS_LINKED
    ]
    asked, options = scope.asked, {key: value for key, value in scope.asked.options.items() if isinstance(value, str)}
    return [
        (
            name,
            scope.address(tab.name, **options, **{"from": begin, "to": end}),
            (begin, end) == (asked.first, asked.last),
        )
        for name, begin, end in found
    ]


def _with_what_is_asked(form: AskForm, asked: Asked) -> AskForm:
    """So that the form shows the days that the page shows."""
    data = form.data.copy()
    data["from"], data["to"], data["period"] = f"{asked.first}", f"{asked.last}", ""
    form.data = data
    return form


def address_with(request: HttpRequest, name: str) -> str:
    """The address of this page with a further word of this name, which is to be put behind it."""
    query = request.GET.copy()
    query.pop(name, None)
    return f"?{query.urlencode()}{'&' if query else ''}{name}="
