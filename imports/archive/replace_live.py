"""Archive over live (import_archive --replace-live): a park's LIVE rows of a day give way to its ARCHIVE rows.

Called in the transaction in which the archive's rows come, so that no reader ever sees the day empty. By default
both are kept (docs/decisions/archive-over-live.md).
"""

from datetime import UTC, date, datetime, tzinfo
from typing import Any

from django.db import connection

from imports.events.validation import Validated
from warehouse.days import ONE_DAY, midnight
from warehouse.instants import instant_at, naive_utc
from warehouse.models import DataSource, Park
from warehouse.rides import stays
from warehouse.zones import known_zone

IDS_PER_QUERY = 2000


def replace_live(park: Park, validated: Validated, day: date) -> int:
    """Delete the park's LIVE snapshots of the file's day with their queue rows; how many snapshots went.

    None go where the file has nothing of the park on that day.
    """
    span = day_covered(park, validated, day)
    if span is None:
        return 0
    return sum(_delete_live(*period) for period in stays.periods_of(park.pk, *span))


def _delete_live(ride_ids: list[int], start: datetime, end: datetime) -> int:
    where = "ride_id IN %s AND recorded_at >= %s AND recorded_at < %s AND data_source = %s"
    values: list[Any] = [ride_ids, naive_utc(start), naive_utc(end), DataSource.LIVE.value]
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT snapshot_id FROM ride_status_snapshots WHERE {where} FOR UPDATE", values)
        ids = [row[0] for row in cursor.fetchall()]
        for first in range(0, len(ids), IDS_PER_QUERY):
            cursor.execute("DELETE FROM queue_data WHERE snapshot_id IN %s", [ids[first : first + IDS_PER_QUERY]])
        if ids:
            cursor.execute(f"DELETE FROM ride_status_snapshots WHERE {where}", values)
    return len(ids)


def day_covered(park: Park, validated: Validated, day: date) -> tuple[datetime, datetime] | None:
    """The half-open span that the file's day is: UTC's or the park's own, whichever holds more of its events.

    Which of the two the archive means is not proven, and deleting by the wrong one would lose hours that another
    file covers. Where both hold as many, what both call this day. None: the file has no event of the park there.
    """
    instants = [
        instant_at(observation.milliseconds)
        for observation in validated.observations
        if observation.park_id == park.themeparks_wiki_id
    ]
    zone = known_zone(park.timezone) or UTC
    by_utc = (midnight(day), midnight(day + ONE_DAY))
    by_park = (_local_midnight(day, zone), _local_midnight(day + ONE_DAY, zone))
    in_utc, in_park = (sum(start <= instant < end for instant in instants) for start, end in (by_utc, by_park))
    if not in_utc and not in_park:
        return None
    if in_utc != in_park:
        return by_utc if in_utc > in_park else by_park
    return max(by_utc[0], by_park[0]), min(by_utc[1], by_park[1])


def _local_midnight(day: date, zone: tzinfo) -> datetime:
    return midnight(day).replace(tzinfo=zone).astimezone(UTC)
