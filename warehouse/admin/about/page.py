"""A park's or a ride's page in the admin: who it is, what an operator has set, and sections of all that is known of it.

The form that changes it is one click away, at an address of its own: what leads to a park or a ride leads here.
"""

from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.http import urlencode

from warehouse.admin.about import changes, figures, standing  # noqa: F401 (their sections register themselves)
from warehouse.admin.about.park_sections import About, Fact, Linked, Section, sections_of
from warehouse.admin.day_pages import links
from warehouse.admin.page_parts import failure
from warehouse.models import EntityMetadata, Park, Ride

NEIGHBOURS_NAMED = 6
SEES_WAITS = "warehouse.view_ridestatussnapshot"


def about_page(request: HttpRequest, obj: Park | Ride) -> HttpResponse:
    """Of a park, or of a ride, whose park is at hand."""
    ride = obj if isinstance(obj, Ride) else None
    park = obj.park if isinstance(obj, Ride) else obj
    about = About(park, ride, request.user, timezone.now())
    context = {
        **admin.site.each_context(request),
        "title": about.name,
        "opts": obj._meta,
        "original": obj,
        "about": about,
        "tools": _tools(about),
        "sections": [_head(about), *sections_of(about)],
    }
    return TemplateResponse(request, "warehouse/about.html", context)


def _head(about: About) -> Section:
    try:
        facts = _facts_of_ride(about, about.ride) if about.ride else _facts_of_park(about)
        return Section("who", "Who it is", facts=facts)
    except Exception as error:
        return Section("who", "Who it is", trouble=failure(f"The head of {about.name}", error))


# --- who it is -------------------------------------------------------------------------------------------------------
def _facts_of_park(about: About) -> list[Fact]:
    park, listed = about.park, reverse("admin:warehouse_park_changelist")
    facts = [_zone(about)]
    if park.destination_wiki_id:
        same = Park.objects.filter(destination_wiki_id=park.destination_wiki_id).exclude(pk=park.pk)
        others = list(same[: NEIGHBOURS_NAMED + 1])
        names = ", ".join(other.park_name for other in others[:NEIGHBOURS_NAMED])
        more = " and others" if len(others) > NEIGHBOURS_NAMED else ""
        url = f"{listed}?{urlencode({'q': park.destination_wiki_id})}"
        beside = f"with {names}{more}" if others else "the only park of it that is known"
        facts.append(Fact("Destination", park.destination_wiki_id, url, beside))
    else:
        facts.append(Fact("Destination", "not known", beside="events and the catalogue tell it"))
    facts.append(Fact("Ids", park.themeparks_wiki_id, beside=f"park_id {park.pk}" + _called(park.park_slug)))
    names = {"park_name": "name", "timezone": "time zone", "destination_wiki_id": "destination"}
    facts.append(_set_by_hand(park, names))
    return facts


def _facts_of_ride(about: About, ride: Ride) -> list[Fact]:
    metadata = list(ride.metadata.all())
    facts = [Fact("Park", about.park.park_name, reverse("admin:warehouse_park_change", args=[about.park.pk]))]
    for each in metadata:
        said = each.entity_type.capitalize() or "not said"
        facts.append(Fact("Kind", said, beside="" if each.listed else "no longer in the catalogue"))
        facts += _places(each)
    if not metadata:
        facts.append(Fact("Kind", "not known", beside="the metadata sync tells it"))
    facts.append(Fact("Tier", ride.get_tier_display() or "none", beside="the operators' own"))
    facts.append(_zone(about))
    facts.append(Fact("Ids", ride.themeparks_wiki_id or "no id", beside=f"ride_id {ride.pk}"))
    facts.append(_set_by_hand(ride, {"ride_name": "name", "park_id": "park", "tier": "tier"}))
    for each in metadata:
        names = {"entity_type": "kind", "latitude": "latitude", "longitude": "longitude"}
        names |= {"indoor_outdoor": "in or out", "height_min_cm": "heights", "height_max_cm": "heights", "tags": "tags"}
        facts.append(_set_by_hand(each, names, "Metadata set by hand"))
    return facts


def _places(of: EntityMetadata) -> list[Fact]:
    """What is known of them."""
    found = []
    if of.latitude is not None and of.longitude is not None:
        found.append(Fact("Place", f"{of.latitude:.5f}, {of.longitude:.5f}", beside="latitude, longitude"))
    if of.indoor_outdoor:
        found.append(Fact("In or out", of.get_indoor_outdoor_display()))
    if of.height_min_cm is not None or of.height_max_cm is not None:
        upper = f" to {of.height_max_cm}" if of.height_max_cm is not None else " and more"
        found.append(Fact("Heights", f"{of.height_min_cm or 0}{upper} cm"))
    return found


def _zone(about: About) -> Fact:
    if not about.park.timezone:
        return Fact("Time zone", "not known", beside="its days are UTC's until then", trouble=True)
    return Fact("Time zone", about.park.timezone, beside=f"it is {about.now.astimezone(about.zone):%a %Y-%m-%d %H:%M}")


def _called(slug: str) -> str:
    return f", called {slug} by events" if slug else ""


def _set_by_hand(of: Park | Ride | EntityMetadata, names: dict[str, str], label: str = "Set by hand") -> Fact:
    """What an operator has set, which no sync touches, and what else may be."""
    said = dict.fromkeys(names.get(name, name) for name in of.hand_set)
    may = ", ".join(dict.fromkeys(name for name in names.values() if name not in said))
    return Fact(label, ", ".join(said) or "nothing", beside=f"can be: {may}" if may else "that is all that can be")


# --- what can be done ------------------------------------------------------------------------------------------------
def _tools(about: About) -> list[Linked]:
    """The first is the form."""
    found, park, ride = [], about.park, about.ride
    obj, name = (ride, "ride") if ride else (park, "park")
    if about.may(f"warehouse.change_{name}"):
        found.append(Linked("Edit", reverse(f"admin:warehouse_{name}_edit", args=[obj.pk])))
    if ride and about.may("warehouse.view_entitymetadata"):
        verb = "Edit metadata" if about.may("warehouse.change_entitymetadata") else "Metadata"
        found += [
            Linked(verb, reverse("admin:warehouse_entitymetadata_change", args=[each.pk]))
            for each in ride.metadata.all()
        ]
    if about.may(SEES_WAITS):
        found.append(Linked("Waits and downtime", links.ride(ride.pk) if ride else links.park(park.pk)))
    found.append(Linked("History", reverse(f"admin:warehouse_{name}_history", args=[obj.pk])))
    return found
