"""What narrows a list of findings, said above it: a chip for each parameter of the address, with the way without it.

A link from another page may narrow the list by what no filter beside it offers; the chips say that as well.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from django.utils.http import urlencode

from quality.admin.filters import ALL, NO_PARK, OF_THE_VIEW
from quality.models import IssueType, ResolutionStatus
from quality.reasons import title_of
from warehouse.ids import key_of
from warehouse.models import Park, Ride

_NOT_SAID = {*OF_THE_VIEW, "o", "p", "e", "all", "status"}


@dataclass(frozen=True, slots=True)
class Chip:
    """`label` says what is shown; `without` is the address (from the ?) of the list without it."""

    label: str
    without: str


def chips_of(params: Mapping[str, str]) -> list[Chip]:
    """One or two queries, for the names of a park and a ride. The status comes first: some are left out unasked."""
    status = params.get("status")
    if status in ResolutionStatus.values:
        said = ResolutionStatus(status).label
    else:
        said = "All, also those that are done" if status == ALL else "To do: open or investigating"
    chips = [Chip(said, address(params, status=None if status == ALL else ALL))]
    chips += [Chip(label, address(params, **dict.fromkeys(names))) for label, *names in _said(params)]
    return chips


def address(params: Mapping[str, str], **changes: str | None) -> str:
    """The address of the list with these parameters changed; None takes one away. Always the first page."""
    left = {key: value for key, value in {**params, **changes}.items() if value not in (None, "") and key != "p"}
    return f"?{urlencode(sorted(left.items()))}"


def _said(params: Mapping[str, str]) -> Iterator[tuple[str, ...]]:
    of_ride = params.get("entity_type__exact") == "ride" and key_of(params.get("entity_id__exact")) is not None
    if of_ride:
        label, _ = _chip(params, "ride", params["entity_id__exact"])
        yield label, "entity_type__exact", "entity_id__exact"
    of_files = params.get("entity_type__exact") == "destination" and params.get("entity_key__exact", "")
    if of_files:
        parks = ", ".join(Park.objects.filter(destination_wiki_id=of_files).values_list("park_name", flat=True)[:4])
        yield f"Files of the destination of {parks or of_files}", "entity_type__exact", "entity_key__exact"
    said = {"entity_type__exact", "entity_id__exact", "entity_key__exact"} if of_ride or of_files else set()
    for name, value in params.items():
        if name in _NOT_SAID or not value or name in said:
            continue
        if name in ("to", "seen_to") and params.get(name.replace("to", "from")):
            continue  # said with its first day
        yield _chip(params, name, value)


def _chip(params: Mapping[str, str], name: str, value: str) -> tuple[str, ...]:
    if name == "q":
        return f"“{value}”", name
    if name == "issue_type__exact":
        return f"Kind: {IssueType(value).label if value in IssueType.values else value}", name
    if name == "reason":
        return f"Reason: {title_of(value)}", name
    if name == "park":
        found = Park.objects.filter(pk=key_of(value)).first()
        return f"Park: {'none' if value == NO_PARK else found or value}", name
    if name == "ride":
        found = Ride.objects.filter(pk=key_of(value)).select_related("park").first()
        return f"Ride: {found} ({found.park})" if found else f"Ride: {value}", name
    if name == "assignee":
        return f"Assigned to {value}", name
    if name == "batch":
        return f"Moved in bulk {value}", name
    if name in ("from", "seen_from", "to", "seen_to"):
        about = "First seen" if name.startswith("seen") else "About"
        if name in ("to", "seen_to"):
            return f"{about}: until {value}", name
        last = name.replace("from", "to")
        return f"{about}: {value} to {params[last]}" if params.get(last) else f"{about}: from {value}", name, last
    return f"{name}: {value}", name
