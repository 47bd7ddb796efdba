"""A ride over a period, in the admin."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.utils import timezone

from warehouse.admin.day_pages import beside, glance, ride_sections, together
from warehouse.admin.day_pages.page import DAYS_FROM_ROWS, Tab, period_page, refuse_strangers
from warehouse.history.questions.days import of_ride, parks_of
from warehouse.models import Ride

TABS = [
    Tab("year", "At a glance", glance.glance, glance.OPTIONS),
    Tab("days", "Days", ride_sections.days, ride_sections.DAYS_OPTIONS),
    Tab("months", "Months", together.months),
    Tab("hours", "Hours", together.hours, together.HOURS_OPTIONS),
    Tab("calendar", "Busy days", together.calendar),
    Tab("longest", "Longest waits", beside.longest, {"count": beside.LONGEST_OPTIONS["count"]}),
    Tab("times", "First and last", beside.times),
    Tab("lines", "Return times and prices", ride_sections.beside_the_line),
]


def ride_page(request: HttpRequest, ride_id: int) -> HttpResponse:
    """The year to the newest day of its park, or the days that are asked for."""
    refuse_strangers(request)
    ride = get_object_or_404(Ride.objects.select_related("park"), pk=ride_id)
    now, zone = timezone.now(), ride.park.zone
    parks = parks_of(ride)
    context = {"title": f"{ride}: days", "opts": Ride._meta, "ride": ride, "park": ride.park, "zone": zone.key}
    return period_page(
        request,
        TABS,
        parks,
        now,
        now.astimezone(zone).date(),
        lambda asked: of_ride(ride, asked.first, asked.last, now, parks=parks, days_from_rows=DAYS_FROM_ROWS),
        ride.ride_name,
        "warehouse/ride_history.html",
        context,
    )


admin_pages = [("<int:ride_id>/over-time/", ride_page, "warehouse_ride_over_time")]
