"""What a park's or a ride's page says of its own history: what it was before, who changed it, what was done here."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from django.contrib.admin.models import LogEntry
from django.contrib.contenttypes.models import ContentType
from django.urls import reverse

from warehouse.admin.about.park_sections import About, Column, Linked, Listing, Section, register
from warehouse.admin.operator_overrides import described
from warehouse.models import EntityMetadata, MetadataChange, Park, Ride
from warehouse.zones import both_in_words

SHOWN = 12  # of each of the two that are merged
ONE_ACT = timedelta(seconds=2)


@register("changes", "Changes", "warehouse.view_metadatachange", 90)
def changes(about: About) -> Section:
    """Values before and after, and the actions of people in the admin, the newest first."""
    name, obj = ("ride", about.ride) if about.ride else ("park", about.park)
    kept = list(MetadataChange.objects.filter(**{name: obj})[:SHOWN])
    rows: list[tuple[datetime, list[Any]]] = []
    for change in kept:
        url = reverse("admin:warehouse_metadatachange_change", args=[change.pk])
        by = change.changed_by or "metadata sync"
        rows.append((change.changed_at, [_when(about, change.changed_at, url), by, described(change)]))
    for entry in _log(about):
        if any(change.changed_by == str(entry.user) and _at_once(change, entry) for change in kept):
            continue  # a form writes both, and the change says it with its values
        said = entry.get_change_message() or str(entry)
        rows.append((entry.action_time, [_when(about, entry.action_time, _history(entry)), str(entry.user), said]))
    listed = f"{reverse('admin:warehouse_metadatachange_changelist')}?{name}__{name}_id__exact={obj.pk}"
    history = reverse(f"admin:warehouse_{name}_history", args=[obj.pk])
    shown = [row for _, row in sorted(rows, key=lambda row: row[0], reverse=True)]
    return Section(
        "changes", "Changes", listed,
        listings=[Listing([Column("When"), Column("By"), Column("What")], shown)] if shown else [],
        said="" if shown else "None so far.",
        links=[Linked("All changes of its values", listed), Linked("What was done in the admin", history)],
    )  # fmt: skip


def _log(about: About) -> Iterable[LogEntry]:
    """The admin's log of this park, or of this ride and its metadata."""
    types = ContentType.objects.get_for_models(Park, Ride, EntityMetadata)
    if about.ride is None:
        found = LogEntry.objects.filter(content_type=types[Park], object_id=str(about.park.pk))
    else:
        found = LogEntry.objects.filter(content_type=types[Ride], object_id=str(about.ride.pk))
        metadata = [str(each.pk) for each in about.ride.metadata.all()]
        if metadata:
            found |= LogEntry.objects.filter(content_type=types[EntityMetadata], object_id__in=metadata)
    return found.select_related("user", "content_type").order_by("-action_time")[:SHOWN]


def _at_once(change: MetadataChange, entry: LogEntry) -> bool:
    return abs(change.changed_at - entry.action_time) < ONE_ACT


def _history(entry: LogEntry) -> str:
    return reverse(f"admin:warehouse_{entry.content_type.model}_history", args=[entry.object_id])


def _when(about: About, at: datetime, url: str) -> Linked:
    return Linked(both_in_words(at, about.zone), url)
