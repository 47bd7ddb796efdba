"""How the storage will grow: the slope of the last 30 days without backfills, and what follows from it.

Pure reckoning over measurements, no clock and no settings; `load` alone reads the database. MB are 1,000,000 bytes.
Growth is reckoned from data and indexes, which move with every row; files, which grow in steps of megabytes, follow
in the proportion they have now.

It holds for every series in order of its days: none, one, with gaps, several of one day, shrinking, at the ends of the
calendar. A point whose sizes are no finite numbers from 0 on is passed over, and a figure that would be none is None.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from math import inf, isfinite
from statistics import median, quantiles

from django.db.models import F, Q, Sum
from django.db.models.functions import Coalesce

from warehouse.models import QueueData, StorageMetrics
from warehouse.partitioning.partitions import TABLE
from warehouse.text import count_of

WINDOW_DAYS = 30
DAYS_A_YEAR = 365.25
YEARS = (1, 3, 5)
# The band: how fast any week or more of the window grew, without the fastest and slowest tenth.
BAND_LEAST_DAYS = 7
CLEAN_PAIRS_AT_LEAST = 15  # six days without a backfill
WARN_AT_SHARE = 0.8
DISK_WARNING_DAYS = 90


@dataclass(frozen=True, slots=True)
class Point:
    """All tables on one day. `backfill_mb` is what backfills added since the point before.

    `snapshot_bytes`: of a snapshot with its queue rows and all indexes; None before the first row.
    """

    day: date
    size_mb: float
    disk_mb: float  # as files, or as size_mb where files cannot be read
    backfill_mb: float = 0.0
    snapshot_bytes: float | None = None


@dataclass(frozen=True, slots=True)
class Band:
    """A figure with what it may be at the least and at the most."""

    low: float
    likely: float
    high: float

    def __mul__(self, factor: float) -> "Band":
        return Band(self.low * factor, self.likely * factor, self.high * factor)

    def __add__(self, amount: float) -> "Band":
        return Band(self.low + amount, self.likely + amount, self.high + amount)


@dataclass(frozen=True, slots=True)
class Backtest:
    """What this forecast would have said 30 days before its last measurement, and the growth that was measured."""

    since: date
    predicted_mb: float
    actual_mb: float

    @property
    def error_percent(self) -> float | None:
        """Of the actual growth, below 0 when less of it was predicted; None when it was next to nothing."""
        if not abs(self.actual_mb) >= 0.01:
            return None
        error = 100 * (self.predicted_mb - self.actual_mb) / self.actual_mb
        return error if isfinite(error) else None

    @property
    def verdict(self) -> str:
        """For people: "the forecast was 20 % too low", or "right to the percent"; "" where no error can be told."""
        percent = self.error_percent
        if percent is None:
            return ""
        if round(percent) == 0:
            return "the forecast was right to the percent"
        return f"the forecast was {abs(percent):,.0f} % too {'low' if self.predicted_mb < self.actual_mb else 'high'}"


@dataclass(frozen=True, slots=True)
class Forecast:
    """Sizes are those on disk. Growth and what follows from it need two measurements, and are None or empty before.

    Two in the window, that is: whoever measures once in 31 days has one in it, and no growth. Days until full are None,
    too, when that size is not known, or nothing grows; their `high` may be infinite, every other figure is finite.
    """

    measured: date
    measurements: int  # in the window
    disk_mb: float
    growth_mb_per_day: Band | None
    years: dict[int, Band]
    days_to_capacity: Band | None
    days_to_full_disk: Band | None
    capacity_mb: float | None
    backtest: Backtest | None

    @property
    def share_of_capacity(self) -> float | None:
        """Of the capacity that is taken, 1.0 when full and more beyond it; None when no capacity is known."""
        return self.disk_mb / self.capacity_mb if self.capacity_mb else None


def load() -> list[Point]:
    """Every day's measurement, in order, no day twice: ten years are 3,650 rows, summed by the server."""
    size = F("data_size_mb") + F("index_size_mb")
    snapshots = Q(table_name__in=[TABLE, QueueData._meta.db_table])
    rows_by_day = (
        StorageMetrics.objects.order_by("measurement_date")
        .values_list("measurement_date")
        .annotate(
            size=Sum(size),
            disk=Sum(Coalesce(F("file_size_mb"), size)),
            backfilled=Sum("backfill_rows"),
            snapshots_size=Sum(size, filter=snapshots),
            snapshots=Sum("row_count", filter=Q(table_name=TABLE)),
        )
    )
    points: list[Point] = []
    counted = 0
    for day, size, disk, backfilled, snapshots_size, rows in rows_by_day:
        if day is None:  # 0000-00-00, which MariaDB takes as it comes, and the client reads as no day
            continue
        size_mb, new_rows = float(size), (rows or 0) - counted
        # a backfill's share of the growth is its share of the new rows
        share = min(1.0, max(0.0, backfilled / new_rows)) if points and new_rows > 0 else 0.0
        backfill_mb = share * (size_mb - points[-1].size_mb) if share else 0.0
        per_snapshot = float(snapshots_size) * 1e6 / rows if rows else None
        points.append(Point(day, size_mb, float(disk), max(0.0, backfill_mb), per_snapshot))
        counted = rows or 0
    return points


def forecast(
    points: Sequence[Point], *, capacity_mb: float | None = None, disk_free_mb: float | None = None
) -> Forecast | None:
    """From measurements by day, in order; None when there are none.

    A capacity that is no finite number above 0 is not known, and so is a free disk that is no finite number.
    """
    points = list(filter(_is_usable, points))
    if not points:
        return None
    if capacity_mb is not None and not (capacity_mb > 0 and isfinite(capacity_mb)):
        capacity_mb = None
    last = points[-1]
    window = _window(points)
    growth = _slope(window)
    if growth and last.size_mb:
        growth *= last.disk_mb / last.size_mb
    years = {years: growth * (years * DAYS_A_YEAR) + last.disk_mb for years in YEARS} if growth else {}
    if growth and not all(_is_finite(band) for band in (growth, *years.values())):
        growth, years = None, {}
    return Forecast(
        measured=last.day,
        measurements=len(window),
        disk_mb=last.disk_mb,
        growth_mb_per_day=growth,
        years=years,
        days_to_capacity=_days_until(None if capacity_mb is None else capacity_mb - last.disk_mb, growth),
        days_to_full_disk=_days_until(disk_free_mb, growth),
        capacity_mb=capacity_mb,
        backtest=_backtest(points),
    )


def warnings(forecast: Forecast | None) -> list[str]:
    """What an operator should act on, a sentence each."""
    return list(limits_near(forecast).values())


def limits_near(forecast: Forecast | None) -> dict[str, str]:
    """The `warnings` by the limit that each is of: "capacity", "disk"."""
    if forecast is None:
        return {}
    found = {}
    share = forecast.share_of_capacity
    if forecast.capacity_mb and share is not None and share >= WARN_AT_SHARE:
        days = forecast.days_to_capacity
        until = f", and is full in {count_of(round(days.likely), 'day')}" if days and 0 < days.likely < inf else ""
        found["capacity"] = (
            f"The warehouse takes {share:.0%} of its capacity of {forecast.capacity_mb / 1000:,.1f} GB{until}. "
            "Give it more (STORAGE_CAPACITY_GB says how much it has)"
        )
    disk = forecast.days_to_full_disk
    if disk is not None and 0 <= disk.likely < DISK_WARNING_DAYS:
        days_left = count_of(round(disk.likely), "day")
        found["disk"] = f"The disk of the database is full in {days_left} at this pace. Give it more"
    return found


def _window(points: Sequence[Point]) -> list[Point]:
    # Days are counted, not set back: 30 days before 0001-01-05 is no day.
    return [point for point in points if (points[-1].day - point.day).days <= WINDOW_DAYS]


def _slope(window: Sequence[Point]) -> Band | None:
    """MB a day: the median of the slopes between all pairs of days (Theil and Sen), which no single day can bend.

    Pairs with a backfill between them count only when there are hardly any others: how much it added is an estimate.
    None without two days, as of one measurement alone, or where the figures go beyond what a float holds.
    """
    added = 0.0
    organic = []
    for number, point in enumerate(window):
        added += point.backfill_mb if number else 0.0
        organic.append((point.day, point.size_mb - added, added))
    pairs = [
        (earlier, later)
        for number, later in enumerate(organic)
        for earlier in organic[:number]
        if earlier[0] < later[0]
    ]
    clean = [(earlier, later) for earlier, later in pairs if earlier[2] == later[2]]
    slopes = [
        ((later[1] - earlier[1]) / (later[0] - earlier[0]).days, (later[0] - earlier[0]).days)
        for earlier, later in (clean if len(clean) >= CLEAN_PAIRS_AT_LEAST else pairs)
    ]
    if not slopes or not _all_finite(*(slope for slope, _ in slopes)):
        return None
    likely = median(slope for slope, _ in slopes)
    of_weeks = [slope for slope, days in slopes if days >= BAND_LEAST_DAYS] or [slope for slope, _ in slopes]
    if len(of_weeks) < 2:
        return Band(likely, likely, likely)
    tenths = quantiles(of_weeks, n=10, method="inclusive")
    band = Band(min(tenths[0], likely), likely, max(tenths[-1], likely))
    return band if _is_finite(band) else None


def _days_until(left_mb: float | None, growth: Band | None) -> Band | None:
    """Days until so much is added; the fast end of the band is the near one. None: not known, or never."""
    if left_mb is None or not isfinite(left_mb):
        return None
    if left_mb <= 0:
        return Band(0.0, 0.0, 0.0)
    if growth is None or growth.likely <= 0:
        return None
    latest = left_mb / growth.low if growth.low > 0 else float("inf")
    days = Band(left_mb / growth.high, left_mb / growth.likely, latest)
    return days if _all_finite(days.low, days.likely) else None


def _backtest(points: Sequence[Point]) -> Backtest | None:
    """None before there are two weeks of measurements older than 30 days, or when one of them alone was in the window.

    The latter when it is measured once in 31 days, or on the day that lies 30 days after a pause.
    """
    last = points[-1]
    past = [point for point in points if (last.day - point.day).days >= WINDOW_DAYS]
    if not past or (past[-1].day - past[0].day).days < 14:
        return None
    slope = _slope(_window(past))
    if slope is None:
        return None
    since = past[-1]
    days = (last.day - since.day).days
    backfilled = sum(point.backfill_mb for point in points if point.day > since.day)
    predicted, actual = slope.likely * days, last.size_mb - since.size_mb - backfilled
    return Backtest(since.day, predicted, actual) if _all_finite(predicted, actual) else None


def _is_usable(point: Point) -> bool:
    return _all_finite(point.size_mb, point.disk_mb, point.backfill_mb) and point.size_mb >= 0 <= point.disk_mb


def _is_finite(band: Band) -> bool:
    return _all_finite(band.low, band.likely, band.high)


def _all_finite(*figures: float) -> bool:
    return all(map(isfinite, figures))
