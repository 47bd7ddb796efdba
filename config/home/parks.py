"""Waits and downtime: the way to what parks did."""

from datetime import datetime

from django.db.models import OuterRef, Subquery
from django.urls import reverse

from config.home.page import Figure, Home, Part, link
from warehouse.models import Park, RideDay

PARKS_SHOWN = 6


def add(found: Home, now: datetime) -> None:
    """The way to what parks did: those with the newest days, a step on the key of the sums for each park."""
    page = link("warehouse_park_changelist")
    newest = RideDay.objects.filter(park=OuterRef("pk")).order_by("-day").values("day")[:1]
    days = Park.objects.annotate(newest=Subquery(newest)).exclude(newest=None).order_by("-newest", "park_name")
    figures = [
        Figure(
            key=f"{park.pk}",
            label=park.park_name,
            value=f"{park.newest}",
            url=reverse("admin:warehouse_park_over_time", args=[park.pk]),
            raw=park.newest,
        )
        for park in days[:PARKS_SHOWN]
    ]
    none = Figure("none", "parks with days", "none", page)
    found.parts.append(Part("parks", "Waits and downtime", page, figures or [none]))
