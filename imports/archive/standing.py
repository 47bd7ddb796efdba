"""Which imports somebody has to look at, and which a later one has made needless: asked by the home page, the list, the
page of an import and the command alike.

Nothing of this is a state: an import that a later one covers is FAILED still, and can be retried.
"""

from collections.abc import Sequence
from typing import Any

from django.db.models import CharField, DateField, Exists, Expression, F, Func, OuterRef, Q, QuerySet, Subquery, Value
from django.db.models.functions import Coalesce

from imports.archive.checkpoint import AT_WORK, ImportCheckpoint
from imports.archive.transitions import ImportStatus
from imports.sources.captures import SCHEME as CAPTURES
from imports.sources.opening import HISTORY_SCHEMES

#: what a source begins with that is no archive: an import of one record of the parks brings nothing of another
_SCHEMES = f"^({'|'.join([CAPTURES, *HISTORY_SCHEMES])})"


def needing_attention() -> QuerySet[ImportCheckpoint]:
    """FAILED, not dismissed by anybody, and no later import covers what it has left."""
    return ImportCheckpoint.objects.filter(status=ImportStatus.FAILED, dismissed_at=None).exclude(is_covered())


def is_covered() -> Q:
    """For the WHERE of a query of imports: it did not end well, and a later one has the days that it has left."""
    return ~Q(status=ImportStatus.COMPLETED) & Q(Exists(_covering()))


def covered_by(checkpoints: Sequence[ImportCheckpoint]) -> dict[int, ImportCheckpoint]:
    """The first import that covers each of these, by checkpoint_id, of those that one covers. Two queries."""
    found = dict(
        ImportCheckpoint.objects.filter(pk__in=[each.pk for each in checkpoints])
        .exclude(status=ImportStatus.COMPLETED)
        .order_by()
        .annotate(cover=Subquery(_covering().order_by("checkpoint_id").values("pk")[:1]))
        .values_list("pk", "cover")
    )
    covers = ImportCheckpoint.objects.select_related("park").in_bulk(
        [cover for cover in found.values() if cover is not None]
    )
    return {pk: covers[cover] for pk, cover in found.items() if cover in covers}


def _covering() -> QuerySet[ImportCheckpoint]:
    """Later imports of the same park, of the same destination's files and of the same feed, completed or under way,
    that hold all days which the outer one has left, and do with them what it would have done: it may have been asked
    to write in place of live rows or of earlier readings, and changed days alone are not all."""
    next_day = Func(OuterRef("last_processed_date"), template="ADDDATE(%(expressions)s, 1)", output_field=DateField())
    return ImportCheckpoint.objects.alias(feed=_feed(F("source"))).filter(
        Q(status=ImportStatus.COMPLETED) | AT_WORK,
        park=OuterRef("park"),
        destination_wiki_id=OuterRef("destination_wiki_id"),
        pk__gt=OuterRef("pk"),
        start_date__lte=Coalesce(next_day, OuterRef("start_date")),
        end_date__gte=OuterRef("end_date"),
        replace_live__gte=OuterRef("replace_live"),
        replace_archive__gte=OuterRef("replace_archive"),
        changed_only__lte=OuterRef("changed_only"),
        feed=_feed(OuterRef("source")),
    )


def _feed(source: Any) -> Expression:
    scheme = Func(source, Value(_SCHEMES), function="REGEXP_SUBSTR", output_field=CharField())
    return Coalesce(scheme, Value(""))  # MySQL has NULL where nothing matches
