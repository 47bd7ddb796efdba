"""One day of a park in full, in the admin: how each ride stood from when to when, and the waits of one."""

from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django import forms
from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.utils import timezone

from warehouse.admin.day_pages import day_sections, links, taking_away
from warehouse.admin.day_pages.asking import KINDS, Asked, day_field
from warehouse.admin.day_pages.page import address_with, refuse_strangers
from warehouse.admin.day_pages.scope import Scope
from warehouse.admin.day_pages.section import Section
from warehouse.admin.page_parts import failure
from warehouse.days import ONE_DAY, is_within_reach
from warehouse.history.questions.days import KnownDays, of_park
from warehouse.history.questions.extent import newest_day_of
from warehouse.history.segments import FullDay, full_day
from warehouse.models import Park
from warehouse.zones import local_day

FINAL_AFTER = timedelta(days=1)  # the rows of a day may come so late (warehouse.history.recompute)


class DayForm(forms.Form):
    """A day, kinds of rides, and a ride whose waits are shown."""

    kinds = forms.ChoiceField(choices=KINDS, required=False, label="Kinds")

    def __init__(self, data: Any, default: date):
        super().__init__(data)
        self.default = default
        kinds = self.fields.pop("kinds")
        self.fields["day"] = day_field(required=False, initial=default)
        self.fields["kinds"] = kinds
        self.fields["ride"] = forms.IntegerField(required=False, widget=forms.HiddenInput, min_value=1)

    def clean_day(self) -> date:
        return self.cleaned_data["day"] or self.default


def day_page(request: HttpRequest, park_id: int) -> HttpResponse:
    """The newest day, or the one that is asked for."""
    refuse_strangers(request)
    park = get_object_or_404(Park, pk=park_id)
    now, zone = timezone.now(), park.zone
    newest = newest_day_of([park], now)
    form = DayForm(request.GET, newest or now.astimezone(zone).date())
    problems: list[str] = []
    page: dict[str, Any] = {
        **admin.site.each_context(request),
        "title": f"{park}: a day",
        "opts": Park._meta,
        "park": park,
        "zone": zone.key,
        "form": form,
        "problems": problems,
        "newest": newest,
        "sections": [],
    }
    if not form.is_valid():
        return TemplateResponse(request, "warehouse/park_day.html", page)
    day, ride_id = form.cleaned_data["day"], form.cleaned_data["ride"]
    asked = Asked(day, day, form.cleaned_data["kinds"])
    known = of_park(park, day, day, now, kinds=asked.kinds_asked())
    scope = Scope(known, asked, park.park_name)
    full, sections = _sections(scope, ride_id, problems)
    if (taken := taking_away.asked_for(request, scope, sections, problems)) is not None:
        return taken
    page |= {
        "title": f"{park}: {day:%A}, {day}",
        "day": day,
        "full": full,
        "hours": _hours(full, zone) if full else "",
        "is_final": now >= local_day(day, zone)[1] + FINAL_AFTER,
        "now": f"{now.astimezone(zone):%Y-%m-%d %H:%M}",  # a template would show UTC
        "sections": [(section, taking_away.csvs_of(section)) for section in sections],
        "csv": address_with(request, "csv"),
        "days_beside": _days_beside(park, day, asked, ride_id, now.astimezone(zone).date()),
        "over_time": [
            ("Month", links.park(park.pk, period=f"{day:%Y-%m}", kinds=asked.kinds)),
            ("Year", links.park(park.pk, period=f"{day:%Y}", kinds=asked.kinds)),
            ("Year to this day", links.park(park.pk, **{"from": day - 364 * ONE_DAY, "to": day, "kinds": asked.kinds})),
        ],
    }
    form.data = form.data.copy() | {"day": f"{day}"}
    return TemplateResponse(request, "warehouse/park_day.html", page)


def _sections(scope: Scope, ride_id: int | None, problems: list[str]) -> tuple[FullDay | None, list[Section]]:
    known: KnownDays = scope.known
    try:
        full = full_day(known.park, scope.asked.first, known.now)
        if full.of is None:
            return None, []
        if ride_id is not None and ride_id not in known.rides:
            problems.append(f"There is no ride {ride_id} of these kinds in this park; the waits are of another")
            ride_id = None
        return full, day_sections.sections(scope, full, ride_id)
    except Exception as error:
        return None, [Section("day", "The day", trouble=failure(f"{scope.asked.first} of {scope.name}", error))]


def _days_beside(park: Park, day: date, asked: Asked, ride_id: int | None, today: date) -> list[tuple[str, str]]:
    return [
        (name, links.day(park.pk, other, kinds=asked.kinds, ride=ride_id))
        for name, other in (
            (f"← {day - ONE_DAY:%a %d %b}", day - ONE_DAY),
            (f"{day + ONE_DAY:%a %d %b} →", day + ONE_DAY),
            (f"a week before, {day - 7 * ONE_DAY:%d %b}", day - 7 * ONE_DAY),
            (f"a year before, {day - 364 * ONE_DAY:%a %d %b %Y}", day - 364 * ONE_DAY),
        )
        if other <= today and is_within_reach(other)
    ]


def _hours(full: FullDay, zone: ZoneInfo) -> str:
    if full.of is None or not full.of.hours:
        return "not known, or none"

    def clock(milliseconds: int) -> str:
        return f"{datetime.fromtimestamp(milliseconds / 1000, tz=zone):%H:%M}"

    said = ", ".join(f"{clock(opens)} to {clock(closes)}" for opens, closes in full.of.hours)
    by = {"SCHEDULE": "by its schedule", "OPERATOR": "set by an operator", "INFERRED": "inferred from its rides"}
    return f"{said}, {by[str(full.of.hours_source)]}" if full.of.hours_source else said


admin_pages = [("<int:park_id>/day/", day_page, "warehouse_park_day")]
