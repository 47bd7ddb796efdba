"""What a park's or a ride's page says of its findings: how many wait, of which reason, and where the list of them is.

Each count is what the list shows behind its link. A park's are read by its key, a ride's by that of data_quality_rides
(those whose evidence names it are among them), a destination's by idx_quality_entity: none of it grows with the log.
"""

from collections.abc import Iterable
from datetime import date, datetime
from typing import NamedTuple

from django.db.models import Count, Max, Q, QuerySet
from django.urls import reverse
from django.utils.http import urlencode

from quality.models import TO_DO, DataQualityLog, FindingRide
from quality.reasons import title_of
from warehouse.admin.about.park_sections import About, Column, Fact, Linked, Listing, Section, register
from warehouse.days import ONE_DAY, midnight
from warehouse.models import Ride
from warehouse.zones import both_in_words

VIEW = "quality.view_dataqualitylog"
RIDES_SHOWN = 5
TOLD_OF_WHO_IT_IS = ("id_adopted", "ride_moved", "ambiguous_ride", "duplicate_name", "duplicate_observations")
TOLD_SHOWN = 10


@register("findings", "Findings", VIEW, 10)
def findings(about: About) -> Section:
    """Open ones by reason; of a park those of its destination's files, too, and the rides with the most."""
    whose = {"ride": about.ride.pk} if about.ride else {"park": about.park.pk}
    listed = list_of(**whose)
    counts = by_reason(_found(about))
    waiting = sum(each.waiting for each in counts)
    closed = sum(each.closed for each in counts)
    facts = [
        Fact("To do", f"{waiting:,}", listed, trouble=bool(waiting)),
        Fact("Closed", f"{closed:,}", list_of(**whose, status="all"), "resolved or given up; the list has all"),
    ]
    listings = [_by_reason(about, counts, whose)] if waiting else []
    if not about.ride:
        listings += _of_destination(about)
        listings += _by_ride(about, whose) if waiting else []
    else:
        listings += _told_of_who_it_is(about, about.ride)
    said = "" if waiting else "No finding waits for anybody."
    return Section("findings", "Findings", listed, facts, listings, said)


def list_of(**filters: object) -> str:
    """The list of findings, of those to do unless it says status=all."""
    return f"{reverse('admin:quality_dataqualitylog_changelist')}?{urlencode(filters)}"


def page_of(finding_id: int) -> str:
    """Of one finding."""
    return reverse("admin:quality_dataqualitylog_change", args=[finding_id])


class ReasonCount(NamedTuple):
    """Findings of one reason: how many wait, how many are closed, and when one was last seen."""

    reason: str
    waiting: int
    closed: int
    last_seen: datetime


def by_reason(found: QuerySet[DataQualityLog]) -> list[ReasonCount]:
    """The reasons of which the most wait come first. One statement."""
    rows = (
        found.order_by()
        .values_list("reason")
        .annotate(
            waiting=Count("pk", filter=Q(resolution_status__in=TO_DO)),
            closed=Count("pk", filter=~Q(resolution_status__in=TO_DO)),
            last_seen=Max("last_seen_at"),
        )
    )
    return sorted((ReasonCount(*row) for row in rows), key=lambda each: (-each.waiting, each.reason))


def touching(first: date, last: date) -> Q:
    """Findings whose period touches these days, as the list finds them by `from` and `to`."""
    begin, end = midnight(first), midnight(last + ONE_DAY)
    return Q(timestamp_start__lt=end) & (Q(timestamp_end__gt=begin) | Q(timestamp_start__gte=begin))


def _found(about: About) -> QuerySet[DataQualityLog]:
    if about.ride:
        return DataQualityLog.objects.filter(pk__in=FindingRide.objects.filter(ride=about.ride).values("finding"))
    return DataQualityLog.objects.filter(park=about.park)


def _by_reason(about: About, counts: Iterable[ReasonCount], whose: dict[str, object]) -> Listing:
    rows = [
        [
            Linked(title_of(each.reason), list_of(**whose, reason=each.reason)),
            f"{each.waiting:,}",
            both_in_words(each.last_seen, about.zone),
        ]
        for each in counts
        if each.waiting
    ]
    return Listing([Column("Reason"), Column("to do", is_number=True), Column("last seen", wide=True)], rows)


def _of_destination(about: About) -> list[Listing]:
    """Files of the whole destination belong to none of its parks."""
    key = about.park.destination_wiki_id
    if not key:
        return []
    found = DataQualityLog.objects.filter(
        entity_type="destination", entity_id=None, entity_key=key, resolution_status__in=TO_DO
    )
    whose = {"entity_type__exact": "destination", "entity_key__exact": key}
    rows = [
        [Linked(title_of(each.reason), list_of(**whose, reason=each.reason)), f"{each.waiting:,}"]
        for each in by_reason(found)
    ]
    columns = [Column("Reason"), Column("to do", is_number=True)]
    return [Listing(columns, rows, "Of its destination's files")] if rows else []


def _by_ride(about: About, whose: dict[str, object]) -> list[Listing]:
    """Those with the most findings to do."""
    counts = dict(
        DataQualityLog.objects.filter(park=about.park, resolution_status__in=TO_DO, rides__isnull=False)
        .order_by()
        .values_list("rides__ride_id")
        .annotate(count=Count("pk"))
        .order_by("-count", "rides__ride_id")[:RIDES_SHOWN]
    )
    rides = Ride.objects.in_bulk(counts)
    rows = [
        [
            Linked(rides[ride_id].ride_name, f"{reverse('admin:warehouse_ride_change', args=[ride_id])}#findings"),
            Linked(f"{count:,}", list_of(**whose, ride=ride_id)),
        ]
        for ride_id, count in counts.items()
        if ride_id in rides
    ]
    columns = [Column("Ride"), Column("to do", is_number=True)]
    return [Listing(columns, rows, "Rides with the most")] if rows else []


def _told_of_who_it_is(about: About, ride: Ride) -> list[Listing]:
    """Adoptions and moves, whatever became of the findings that told of them."""
    found = _found(about).filter(reason__in=TOLD_OF_WHO_IT_IS).order_by("-log_id").defer("evidence")[:TOLD_SHOWN]
    rows = [
        [
            both_in_words(row.timestamp_start, about.zone),
            Linked(row.description, page_of(row.pk)),
            row.get_resolution_status_display(),
        ]
        for row in found
    ]
    columns = [Column("When"), Column("Told of who it is"), Column("status", wide=True)]
    return [Listing(columns, rows, "Adoptions, moves and names")] if rows else []
