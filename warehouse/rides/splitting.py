"""Taking apart a ride that was taken for two: an entity that was given a ride without an id gets one of its own again.

Rows move by being written again under the new number, since a snapshot_id holds the ride_id, with their queue rows.
What the ride held before it was given the id stays with it (`Held`); rows among these instants cannot be told apart,
and move only where their number shows that none was added since.
"""

from dataclasses import dataclass
from datetime import datetime

from django.db import connection

from warehouse.instants import END_OF_TIME, EPOCH, ONE_MILLISECOND, aware_utc, naive_utc
from warehouse.models import (
    NAME_LENGTH,
    EntityMetadata,
    MetadataChange,
    Ride,
    RideOpening,
    RideSighting,
    RideStatusSnapshot,
    RideStay,
)
from warehouse.rides import changed_rows, stale_days, stays
from warehouse.rides.numbering import take_numbers
from warehouse.snapshot_id import RIDE_ID_MASK

IDS_PER_STATEMENT = 2000
ROWS_MAX = 500_000  # written again in one transaction; a ride has some 50,000 a year


class SplitRefused(Exception):
    """The ride cannot be taken apart; the message says why and what to do."""


@dataclass(frozen=True, slots=True)
class Held:
    """The rows of a ride: how many, and the first and the last instant (aware); None where there are none."""

    count: int
    first: datetime | None
    last: datetime | None


@dataclass(frozen=True, slots=True)
class Split:
    """What became of it: the entity's own ride, the rows that went with it, and those that cannot be told apart."""

    ride: Ride
    moved: int
    in_doubt: int  # among the instants of what the ride held before; they stay with the ride without an id


def rows_held(ride_id: int, start: datetime = EPOCH, end: datetime = END_OF_TIME) -> Held:
    """What is stored of a ride from `start` until before `end`; one walk on its index."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT COUNT(*), MIN(recorded_at), MAX(recorded_at) FROM ride_status_snapshots "
            "FORCE INDEX (idx_ride_recorded) WHERE ride_id = %s AND recorded_at >= %s AND recorded_at < %s",
            [ride_id, naive_utc(start), naive_utc(end)],
        )
        count, first, last = cursor.fetchone()
    return Held(count, first and aware_utc(first), last and aware_utc(last))


@dataclass(frozen=True, slots=True)
class Adopted:
    """What was noted when a ride without an id was given one: its name and rows then, and the entity."""

    ride_id: int
    ride_name: str
    entity_id: str
    called: str
    before: Held


def split(adopted: Adopted, now: datetime, by: str) -> Split:
    """Undo an adoption, in the caller's transaction; `by` is the operator. SplitRefused: it cannot be undone.

    Nothing else may write rows of the ride meanwhile.
    """
    ride_id, entity_id, before = adopted.ride_id, adopted.entity_id, adopted.before
    ride = Ride.objects.select_for_update().filter(pk=ride_id).first()
    if ride is None or ride.themeparks_wiki_id != entity_id:
        raise SplitRefused(f"Ride {ride_id} does not have the id {entity_id} any more: there is nothing to undo")
    if rows_held(ride_id).count - before.count > ROWS_MAX:
        raise SplitRefused(
            f"More than {ROWS_MAX:,} rows came since: that is too much for one page, ask an administrator"
        )
    was = {"themeparks_wiki_id": entity_id, "ride_name": ride.ride_name}
    renamed = ride.ride_name != adopted.ride_name and "ride_name" not in ride.hand_set
    name = ride.ride_name if renamed else adopted.called or ride.ride_name
    ride.themeparks_wiki_id = None
    if renamed:
        ride.ride_name = adopted.ride_name
    ride.save(update_fields=["themeparks_wiki_id", "ride_name"])
    (number,) = take_numbers(1)
    own = Ride.objects.create(
        ride_id=number,
        park_id=ride.park_id,
        ride_name=name[:NAME_LENGTH],
        themeparks_wiki_id=entity_id,
        named_at=ride.named_at,
    )
    moved = in_doubt = 0
    if before.first is None or before.last is None:
        moved = _move_rows(ride_id, number, EPOCH, END_OF_TIME)
    else:
        behind = before.last + ONE_MILLISECOND
        moved += _move_rows(ride_id, number, EPOCH, before.first)
        moved += _move_rows(ride_id, number, behind, END_OF_TIME)
        in_doubt = max(0, rows_held(ride_id, before.first, behind).count - before.count)
    _move_what_is_the_entitys(ride, own)
    MetadataChange.objects.create(
        ride=ride,
        changed_at=now,
        changed_by=by,
        before=was,
        after={"themeparks_wiki_id": None, "ride_name": ride.ride_name},
    )
    return Split(own, moved, in_doubt)


def _move_what_is_the_entitys(ride: Ride, own: Ride) -> None:
    """What the catalogue says, how the entity stood when its record begins, and in which parks it was heard of: the
    ride without an id has none of it."""
    parks = {stay.park_id for stay in stays.of_rides([ride.pk]).get(ride.pk, ())} | {ride.park_id}
    stale_days.mark_ride(ride.pk, parks)
    RideOpening.objects.filter(ride=ride).update(ride=own)
    EntityMetadata.objects.filter(ride=ride, themeparks_wiki_id=own.themeparks_wiki_id).update(ride=own)
    kept = stays.of_rides([ride.pk]).get(ride.pk)
    if kept is not None:
        RideSighting.objects.filter(ride=ride).update(ride=own)
        RideStay.objects.filter(ride=ride).update(ride=own)
        Ride.objects.filter(pk=ride.pk).update(park=kept[0].park_id)  # where it was, as far as is known


def _move_rows(ride_id: int, number: int, start: datetime, end: datetime) -> int:
    renumbered = {"snapshot_id": f"(snapshot_id & ~{RIDE_ID_MASK}) | {number}", "ride_id": str(number)}
    columns = [field.column for field in RideStatusSnapshot._meta.concrete_fields]
    values = ", ".join(renumbered.get(column, column) for column in columns)
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT snapshot_id, recorded_at FROM ride_status_snapshots FORCE INDEX (idx_ride_recorded) "
            "WHERE ride_id = %s AND recorded_at >= %s AND recorded_at < %s ORDER BY recorded_at FOR UPDATE",
            [ride_id, naive_utc(start), naive_utc(end)],
        )
        rows = cursor.fetchall()
        for begin in range(0, len(rows), IDS_PER_STATEMENT):
            part = rows[begin : begin + IDS_PER_STATEMENT]
            ids = [snapshot_id for snapshot_id, _ in part]
            which = "WHERE snapshot_id IN %s AND recorded_at >= %s AND recorded_at <= %s"
            values_of = [ids, part[0][1], part[-1][1]]
            cursor.execute(
                f"INSERT INTO ride_status_snapshots ({', '.join(columns)}) "
                f"SELECT {values} FROM ride_status_snapshots {which}",
                values_of,
            )
            cursor.execute(
                f"UPDATE queue_data SET snapshot_id = (snapshot_id & ~{RIDE_ID_MASK}) | {number} "
                "WHERE snapshot_id IN %s",
                [ids],
            )
            cursor.execute(f"DELETE FROM ride_status_snapshots {which}", values_of)
            changed_rows.rows_changed(ids)  # both rides are of one park
    return len(rows)
