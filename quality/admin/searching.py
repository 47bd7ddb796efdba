"""The search of the triage desk: words of a finding, and the rides it is about, by name and by either id."""

from django.db.models import Q, QuerySet

from quality.models import DataQualityLog, FindingRide
from quality.named_rides import UUID
from warehouse.ids import key_of
from warehouse.models import Ride

HELP = "words of the finding, the name or id of a ride or park, a source file, or a finding's number"


def matching(queryset: QuerySet[DataQualityLog], text: str) -> QuerySet[DataQualityLog]:
    """Findings that say every word of `text`, or are about a ride whose name has them all or whose id it is."""
    words = text.split()
    if not words:
        return queryset
    said, named = Q(), Q()
    for word in words:
        said &= Q(description__icontains=word) | Q(source_file__icontains=word) | Q(entity_key__icontains=word)
        named &= Q(ride_name__icontains=word)
    whole = text.strip()
    number = key_of(whole)
    if number is not None:
        said |= Q(pk=number)
        named |= Q(pk=number)
    if UUID.fullmatch(whole):
        named |= Q(themeparks_wiki_id=whole)
    rides = list(Ride.objects.filter(named).values_list("pk", flat=True))
    if number is not None:
        rides.append(number)  # a ride that is gone has findings still
    if rides:
        said |= Q(pk__in=FindingRide.objects.filter(ride__in=rides).values("finding"))
    return queryset.filter(said)
