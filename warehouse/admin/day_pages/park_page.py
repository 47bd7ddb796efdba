"""A park over a period, in the admin."""

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.utils import timezone
from django.utils.http import url_has_allowed_host_and_scheme

from warehouse.admin.day_pages import beside, glance, links, together
from warehouse.admin.day_pages.page import DAYS_FROM_ROWS, Tab, period_page, refuse_strangers
from warehouse.admin.operator_overrides import override
from warehouse.history.questions.days import of_park
from warehouse.ids import key_of
from warehouse.models import Park, Ride
from warehouse.text import count_of


def _parks() -> forms.ModelMultipleChoiceField:
    return forms.ModelMultipleChoiceField(
        Park.objects.all(), required=False, label="Beside", widget=forms.SelectMultiple(attrs={"size": 4})
    )


TABS = [
    Tab("year", "At a glance", glance.glance, glance.OPTIONS),
    Tab("months", "Months", together.months),
    Tab("hours", "Hours", together.hours, together.HOURS_OPTIONS),
    Tab("calendar", "Busy days", together.calendar),
    Tab("reliability", "Downtime", beside.reliability),
    Tab("longest", "Longest waits", beside.longest, beside.LONGEST_OPTIONS),
    Tab("times", "First and last", beside.times),
    Tab("parks", "Parks", beside.other_parks, {"with": _parks}, of_these_days=False),
    Tab("dropped", "Dropped out", beside.dropped, of_these_days=False),
]


def park_page(request: HttpRequest, park_id: int) -> HttpResponse:
    """The year to the newest day that is over and of which anything is known, or the days that are asked for."""
    refuse_strangers(request)
    park = get_object_or_404(Park, pk=park_id)
    now, zone = timezone.now(), park.zone
    context = {"title": f"{park}: days", "opts": Park._meta, "park": park, "zone": zone.key}
    return period_page(
        request,
        TABS,
        [park],
        now,
        now.astimezone(zone).date(),
        lambda asked: of_park(
            park, asked.first, asked.last, now, kinds=asked.kinds_asked(), days_from_rows=DAYS_FROM_ROWS
        ),
        park.park_name,
        "warehouse/park_history.html",
        context,
    )


def old_address(request: HttpRequest, park_id: int) -> HttpResponse:
    """Where the page of a park's days was before: the same days here."""
    refuse_strangers(request)
    asked = {name: request.GET[name] for name in ("from", "to") if name in request.GET}
    return HttpResponseRedirect(links.park(park_id, **asked), status=301)


def set_tiers(request: HttpRequest, park_id: int) -> HttpResponse:
    """Tiers that an operator takes over from what the waits suggest: `tier`, once or more, as RIDE_ID:TIER."""
    if not request.user.has_perm("warehouse.change_ride"):
        raise PermissionDenied
    park = get_object_or_404(Park, pk=park_id)
    back = request.POST.get("back", "")
    if not url_has_allowed_host_and_scheme(back, allowed_hosts=None):
        back = links.park(park.pk, show="reliability")
    if request.method != "POST":
        return HttpResponseRedirect(back)
    wanted = {}
    for text in request.POST.getlist("tier"):
        ride_id, _, tier = text.partition(":")
        if (key := key_of(ride_id)) is not None and tier in ("1", "2", "3"):
            wanted[key] = int(tier)
    rides = Ride.objects.filter(park=park, pk__in=wanted)
    done = [ride for ride in rides if override(ride, {"tier": wanted[ride.pk]}, request.user)]
    if done:
        messages.success(
            request, f"{count_of(len(done), 'tier')} set. What they were before stands in each ride's history."
        )
    else:
        messages.warning(request, "No tier was set: choose rides of this park.")
    return HttpResponseRedirect(back)


admin_pages = [
    ("<int:park_id>/over-time/", park_page, "warehouse_park_over_time"),
    ("<int:park_id>/tiers/", set_tiers, "warehouse_park_tiers"),
    ("<int:park_id>/days/", old_address, "warehouse_park_days"),
]
