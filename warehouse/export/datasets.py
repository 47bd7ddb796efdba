"""What is exported, as data: tables, columns with their types, and how a month of each is found.

SCHEMA_VERSION is raised with any change of these: every file of another version is written anew.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from enum import Enum

from warehouse.day_models import DayTold, HoursSource, HoursType
from warehouse.days import midnight
from warehouse.models import DataSource, EntityMetadata, QueueType, ReturnTimeState
from warehouse.partitioning.partitions import add_months
from warehouse.ride_status import RideStatus
from warehouse.snapshot_id import first_id_at

SCHEMA_VERSION = 1


class Kind(Enum):
    """The type of a column in the files; DECIMAL has a scale, ENUM its values."""

    INT16 = "int16"
    INT32 = "int32"
    INT64 = "int64"
    BOOL = "bool"
    ENUM = "dictionary<int8, string>"
    INSTANT = "timestamp[ms, UTC]"
    DATE = "date32"
    TEXT = "string"
    DECIMAL = "decimal"
    BYTES = "binary"


@dataclass(frozen=True, slots=True)
class Column:
    """One column: `sql` is what is selected for it, its own name unless said. `is_summed`: the manifest has its sum.

    `derived`: made of the snapshot_id in the file, and not read.
    """

    name: str
    kind: Kind
    sql: str = ""
    values: tuple[str, ...] = ()
    scale: int = 0
    is_summed: bool = False
    derived: bool = False

    @property
    def selected(self) -> str:
        """SQL of the value as it is read: of an enum the place among `values`, from 0; -1 is none of them."""
        sql = self.sql or self.name
        if self.kind is Kind.ENUM:
            values = ", ".join(f"'{value}'" for value in self.values)
            return f"IF({sql} IS NULL, NULL, FIELD({sql}, {values}) - 1)"
        return sql

    @property
    def number(self) -> str:
        """SQL of a whole number that stands for the value in sums and checks; parquet.numbers says the same of a file.

        NULL where the value is.
        """
        sql = self.sql or self.name
        if self.kind is Kind.INSTANT:
            return f"(TIMESTAMPDIFF(MICROSECOND, '1970-01-01', {sql}) DIV 1000)"
        if self.kind is Kind.DATE:
            return f"(TO_DAYS({sql}) - 719528)"
        if self.kind is Kind.DECIMAL:
            return f"CAST({sql} * {10**self.scale} AS SIGNED)"
        if self.kind in (Kind.TEXT, Kind.BYTES):
            return f"CRC32({sql})"
        return self.selected


@dataclass(frozen=True, slots=True)
class KeyPart:
    """A column's part of the number that a row is told by: (value & mask) << shift; without a mask the value itself."""

    column: str
    shift: int = 0
    mask: int | None = None


@dataclass(frozen=True, slots=True)
class Dataset:
    """One kind of file. `within`: SQL that chooses a month by two bounds, "" where the table is exported whole.

    `by_park`: the table's key begins with park_id, so that a month is found only beside the parks.
    """

    name: str
    tables: str
    columns: tuple[Column, ...]
    key: tuple[KeyPart, ...]
    order: str
    within: str = ""
    bounds: Callable[[date, date], tuple[object, object]] | None = None
    by_park: bool = False

    def limits(self, month: date | None) -> tuple[str, list[object]]:
        """The WHERE of a month and its parameters; empty for a table that is exported whole."""
        if month is None or self.bounds is None:
            return "", []
        return f" WHERE {self.within}", [*self.bounds(month, add_months(month, 1))]


def _choices(words: type[Enum]) -> tuple[str, ...]:
    return tuple(word.value for word in words)


def _ints(kind: Kind, names: str, *, is_summed: bool = True) -> tuple[Column, ...]:
    return tuple(Column(name, kind, is_summed=is_summed) for name in names.split())


def _ids(first: date, end: date) -> tuple[object, object]:
    return first_id_at(midnight(first)), first_id_at(midnight(end))


def _days(first: date, end: date) -> tuple[object, object]:
    return first, end


SNAPSHOTS = Dataset(
    "snapshots",
    "ride_status_snapshots",
    (
        Column("snapshot_id", Kind.INT64),
        Column("ride_id", Kind.INT32),
        Column("recorded_at", Kind.INSTANT),
        Column("status", Kind.ENUM, values=_choices(RideStatus)),
        Column("wait_time", Kind.INT16, is_summed=True),
        Column("computed_is_open", Kind.BOOL, is_summed=True),
        Column("data_source", Kind.ENUM, values=_choices(DataSource)),
        Column("wait_told", Kind.BOOL, is_summed=True),
    ),
    key=(KeyPart("snapshot_id"),),
    order="snapshot_id",
    within="recorded_at >= %s AND recorded_at < %s",
    bounds=_days,
)
#: the ids of a month in 58 bits, the type in the 3 below: two lines of one snapshot must not cancel each other
QUEUES = Dataset(
    "queues",
    "queue_data FORCE INDEX (idx_queue_snapshot)",
    (
        Column("snapshot_id", Kind.INT64),
        Column("ride_id", Kind.INT32, derived=True),
        Column("recorded_at", Kind.INSTANT, derived=True),
        Column("queue_type", Kind.ENUM, values=_choices(QueueType)),
        Column("wait_time_minutes", Kind.INT16, is_summed=True),
        Column("return_time_state", Kind.ENUM, values=_choices(ReturnTimeState)),
        Column("return_time_start", Kind.INSTANT),
        Column("return_time_end", Kind.INSTANT),
        Column("price_amount", Kind.DECIMAL, scale=2, is_summed=True),
        Column("price_currency", Kind.TEXT),
        Column("boarding_group_status", Kind.TEXT),
        Column("boarding_group_current", Kind.TEXT),
    ),
    key=(KeyPart("snapshot_id", shift=3, mask=(1 << 58) - 1), KeyPart("queue_type")),
    order="snapshot_id",
    within="snapshot_id >= %s AND snapshot_id < %s",
    bounds=_ids,
)
RIDE_DAYS = Dataset(
    "ride_days",
    "ride_days LEFT JOIN stale_days USING (park_id, day)",
    (
        Column("park_id", Kind.INT32),
        Column("day", Kind.DATE),
        Column("ride_id", Kind.INT32),
        Column("is_stale", Kind.BOOL, sql="(token IS NOT NULL)", is_summed=True),
        Column("told_by", Kind.ENUM, values=_choices(DayTold)),
        Column("rules_version", Kind.INT32),
        *_ints(Kind.INT32, "observations operating_minutes down_minutes closed_minutes refurbishment_minutes"),
        *_ints(Kind.INT32, "unknown_minutes hours_minutes hours_operating hours_down hours_closed"),
        *_ints(Kind.INT32, "hours_refurbishment hours_unknown standby_minutes"),
        *_ints(Kind.INT64, "standby_sum"),
        *_ints(Kind.INT16, "standby_min standby_p50 standby_p90 standby_max", is_summed=False),
        *_ints(Kind.INT32, "single_minutes"),
        *_ints(Kind.INT64, "single_sum"),
        *_ints(Kind.INT16, "single_min single_p50 single_p90 single_max", is_summed=False),
        Column("first_operating_at", Kind.INSTANT),
        Column("last_closed_at", Kind.INSTANT),
        *_ints(Kind.INT32, "return_minutes"),
        Column("price_min", Kind.DECIMAL, scale=2),
        Column("price_max", Kind.DECIMAL, scale=2),
        Column("price_currency", Kind.TEXT),
        Column("hours", Kind.BYTES),
        Column("computed_at", Kind.INSTANT),
    ),
    key=(
        KeyPart("park_id", 44, (1 << 19) - 1),
        KeyPart("day", 20, (1 << 23) - 1),
        KeyPart("ride_id", 0, (1 << 20) - 1),
    ),
    order="day, park_id, ride_id",
    within="day >= %s AND day < %s",
    bounds=_days,
    by_park=True,
)
MONTHLY = (SNAPSHOTS, QUEUES, RIDE_DAYS)


def _whole(table: str, key: str, *columns: Column) -> Dataset:
    return Dataset(table, table, (Column(key, Kind.INT32), *columns), (KeyPart(key),), key)


def _texts(names: str) -> tuple[Column, ...]:
    return tuple(Column(name, Kind.TEXT) for name in names.split())


#: small, and exported whole: what names and places the rest
WHOLE = (
    _whole("parks", "park_id", *_texts("park_name timezone themeparks_wiki_id destination_wiki_id park_slug")),
    _whole(
        "rides",
        "ride_id",
        Column("park_id", Kind.INT32),
        *_texts("ride_name themeparks_wiki_id"),
        Column("tier", Kind.INT16),
    ),
    _whole(
        "entity_metadata",
        "metadata_id",
        Column("ride_id", Kind.INT32),
        Column("themeparks_wiki_id", Kind.TEXT),
        Column("latitude", Kind.DECIMAL, scale=7),
        Column("longitude", Kind.DECIMAL, scale=7),
        Column("indoor_outdoor", Kind.ENUM, values=_choices(EntityMetadata.IndoorOutdoor)),
        Column("height_min_cm", Kind.INT32),
        Column("height_max_cm", Kind.INT32),
        *_texts("entity_type tags"),
        Column("last_updated", Kind.INSTANT),
        Column("version", Kind.INT32),
        Column("listed", Kind.BOOL),
    ),
    _whole(
        "ride_stays",
        "stay_id",
        Column("ride_id", Kind.INT32),
        Column("park_id", Kind.INT32),
        Column("begins_at", Kind.INSTANT),
        Column("ends_at", Kind.INSTANT),
    ),
    _whole(
        "ride_openings",
        "ride_id",
        Column("opens_at", Kind.INSTANT),
        Column("observed_at", Kind.INSTANT),
        Column("status", Kind.ENUM, values=_choices(RideStatus)),
        Column("wait_time", Kind.INT16),
    ),
    _whole(
        "park_hours",
        "hours_id",
        Column("park_id", Kind.INT32),
        Column("day", Kind.DATE),
        Column("type", Kind.ENUM, values=_choices(HoursType)),
        Column("opens_at", Kind.INSTANT),
        Column("closes_at", Kind.INSTANT),
        Column("source", Kind.ENUM, values=_choices(HoursSource)),
        Column("description", Kind.TEXT),
    ),
)
BY_NAME = {dataset.name: dataset for dataset in (*MONTHLY, *WHOLE)}
