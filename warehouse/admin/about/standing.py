"""What a park's page says of its rides and its hours, and a ride's of the parks that it stood in."""

from datetime import timedelta

from django.db.models import Count
from django.urls import reverse
from django.utils.http import urlencode

from warehouse.admin.about.park_sections import About, Column, Fact, Linked, Listing, Section, register
from warehouse.admin.day_pages import links
from warehouse.days import ONE_DAY
from warehouse.instants import instant_at
from warehouse.models import Ride
from warehouse.rides import hours, openings
from warehouse.zones import both_in_words

RIDES_SHOWN = 200
DAYS_AHEAD = 6


# --- rides of a park -------------------------------------------------------------------------------------------------
@register("rides", "Rides", "warehouse.view_ride", 60)
def rides(about: About) -> Section:
    """How many of each kind, a way to search them, and their names; or where a ride stood."""
    if about.ride:
        return _stays(about, about.ride)
    listed = f"{reverse('admin:warehouse_ride_changelist')}?park__park_id__exact={about.park.pk}"
    of_park = Ride.objects.filter(park=about.park)
    kinds = of_park.order_by().values_list("metadata__entity_type").annotate(Count("pk")).order_by("-pk__count")
    facts = [
        Fact(
            (kind or "not said").capitalize(), f"{count:,}", listed + (f"&{urlencode({'kind': kind})}" if kind else "")
        )
        for kind, count in kinds
    ]
    named = [
        (name, reverse("admin:warehouse_ride_change", args=[ride_id]))
        for ride_id, name in of_park.order_by("ride_name").values_list("ride_id", "ride_name")[: RIDES_SHOWN + 1]
    ]
    said = "" if named else "No ride of it is known yet: imports, live data and the metadata sync bring them."
    if len(named) > RIDES_SHOWN:
        said = f"The first {RIDES_SHOWN} by name; the list has all of them."
    more = {"rides": named[:RIDES_SHOWN], "search": reverse("admin:warehouse_ride_changelist"), "park": about.park.pk}
    return Section(
        "rides", "Rides", listed, facts, said=said, links=[Linked("All rides", listed)],
        template="warehouse/_rides_of.html", more=more,
    )  # fmt: skip


def _stays(about: About, ride: Ride) -> Section:
    zone = about.zone
    known = list(ride.stays.select_related("park").order_by("begins_at"))
    rows = [
        [
            both_in_words(stay.begins_at, stay.park.zone) if stay.begins_at else "before",
            Linked(stay.park.park_name, reverse("admin:warehouse_park_change", args=[stay.park_id])),
        ]
        for stay in known
    ]
    facts = []
    opening = openings.of_rides([ride.pk]).get(ride.pk)
    if opening is not None:
        wait = "" if opening.wait_time is None else f", {opening.wait_time} minutes"
        opens, seen = (both_in_words(instant_at(ms), zone) for ms in (opening.opens_ms, opening.observed_ms))
        facts.append(Fact("When its record begins", f"{opening.status}{wait}", beside=f"at {opens}; seen so at {seen}"))
    said = "" if known else "In this park always, as far as is known."
    park = reverse("admin:warehouse_park_change", args=[about.park.pk])
    listing = [Listing([Column("From"), Column("Park")], rows)] if rows else []
    return Section(
        "rides", "Parks it was in", park, facts, listing, said, [Linked(f"All rides of {about.park}", f"{park}#rides")]
    )


# --- hours -----------------------------------------------------------------------------------------------------------
@register("hours", "Hours", "warehouse.view_parkhours", 80)
def park_hours(about: About) -> Section:
    """Of yesterday, today and the days ahead, by the park's clock."""
    first, last = about.today - ONE_DAY, about.today + timedelta(days=DAYS_AHEAD)
    said = hours.hours_of([about.park.pk], first, last)
    listed = f"{reverse('admin:warehouse_parkhours_changelist')}?park__park_id__exact={about.park.pk}"
    rows = []
    for n in range((last - first).days + 1):
        day = first + n * ONE_DAY
        of_day = said.get((about.park.pk, day), ())
        shown = f"{day:%a %Y-%m-%d}" + (", today" if day == about.today else "")
        url = links.day(about.park.pk, day) if day <= about.today else f"{listed}&day__exact={day}"
        if of_day or day == about.today:
            rows.append([Linked(shown, url), hours.in_words(of_day, about.zone)])
    go = [Linked("All hours", listed)]
    if about.may("warehouse.add_parkhours"):
        go.append(Linked("Set hours of a day", f"{reverse('admin:warehouse_parkhours_add')}?park={about.park.pk}"))
    zone = about.park.timezone or "UTC: the park's zone is not known"
    return Section(
        "hours", f"Hours of {about.park}" if about.ride else "Hours", listed,
        listings=[Listing([Column("Day", whole=True), Column(f"Hours ({zone})")], rows)], links=go,
    )  # fmt: skip
