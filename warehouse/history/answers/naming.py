"""Parks and rides as somebody names them: by number, by UUID, or by name."""

from typing import Any

from django.db.models import Q, QuerySet

from warehouse.ids import uuid_of
from warehouse.models import Park, Ride, RideStay

NAMES_SHOWN = 10


def park_named(text: str) -> Park:
    """ValueError: none, or several; the message says which there are."""
    return _named(text, Park.objects.all(), "park", "park_name")


def ride_named(text: str, parks: list[Park]) -> Ride:
    """Of these parks, or of any where there are none. ValueError as `park_named` raises it."""
    rides = Ride.objects.select_related("park")
    if parks:  # or that ever stood there
        rides = rides.filter(Q(park__in=parks) | Q(pk__in=_stood_in(parks)))
    return _named(text, rides, "ride", "ride_name")


def _stood_in(parks: list[Park]) -> Any:
    return RideStay.objects.filter(park__in=parks).values("ride_id")


def _named(text: str, among: QuerySet, what: str, name: str) -> Any:
    if text.isascii() and text.isdigit() and len(text) < 10:
        found = list(among.filter(pk=int(text)))
    elif (uuid := uuid_of(text)) is not None:
        found = list(among.filter(themeparks_wiki_id=uuid))
    else:
        found = list(among.filter(**{name: text})) or list(among.filter(**{f"{name}__icontains": text}))
    if len(found) == 1:
        return found[0]
    if not found:
        raise ValueError(f"no {what} is called {text!r}; give its {what}_id, its UUID, or (part of) its name")
    some = "; ".join(f"{one.pk} {one}{f' ({one.park})' if what == 'ride' else ''}" for one in found[:NAMES_SHOWN])
    more = f"; and {len(found) - NAMES_SHOWN} more" if len(found) > NAMES_SHOWN else ""
    raise ValueError(f"{text!r} may be {len(found)} {what}s; give the {what}_id of one: {some}{more}")
