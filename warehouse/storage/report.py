"""The storage report as text: tables, bytes per snapshot, forecast, and what coarser rows would take instead."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from math import isfinite

from django.db import connection

from warehouse.models import StorageMetrics
from warehouse.partitioning.partitions import TABLE
from warehouse.storage.forecast import DAYS_A_YEAR, Band, Forecast
from warehouse.text import aligned, count_of, size_in_words

SAMPLE_DAYS = 7


@dataclass(frozen=True, slots=True)
class Resolutions:
    """Rows of the newest full days, as they are, and as one row a ride and hour, or a ride and day, would make them."""

    first: date
    days: int
    raw: int
    hourly: int
    daily: int


def resolutions() -> Resolutions | None:
    """Reads the newest week of the fact table through an index; None when it has less than a full day."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT recorded_at FROM {TABLE} WHERE recorded_at < UTC_DATE() ORDER BY recorded_at DESC LIMIT 1"
        )
        newest = cursor.fetchone()
        if newest is None:
            return None
        end = newest[0].date() + timedelta(days=1)
        first = end - timedelta(days=SAMPLE_DAYS)
        cursor.execute(
            f"SELECT COUNT(*), COUNT(DISTINCT ride_id, DATE(recorded_at), HOUR(recorded_at)), "
            f"COUNT(DISTINCT ride_id, DATE(recorded_at)), COUNT(DISTINCT DATE(recorded_at)) FROM {TABLE} "
            "WHERE recorded_at >= %s AND recorded_at < %s",
            [first, end],
        )
        raw, hourly, daily, days = cursor.fetchone()
    return Resolutions(first, days, raw, hourly, daily)


def lines(
    tables: dict[str, StorageMetrics],
    snapshot_bytes: float | None,
    forecast: Forecast | None,
    sample: Resolutions | None,
    *,
    estimated: bool,
    could_save_mb: float = 0.0,
    saved_mb: float = 0.0,
) -> Iterator[str]:
    """`tables` are one day's measurements by name; a snapshot's bytes are with its queue rows and indexes."""
    yield from aligned(
        ("table", "rows (estimated)" if estimated else "rows", "data MB", "index MB", "file MB", "MB a day"),
        [
            (
                name,
                each.row_count,
                each.data_size_mb,
                each.index_size_mb,
                "estimated" if each.file_size_mb is None else each.file_size_mb,
                "" if each.growth_rate_mb_per_day is None else f"{each.growth_rate_mb_per_day:,.2f}",
            )
            for name, each in sorted(tables.items())
        ],
    )
    if any(each.file_size_mb is None for each in tables.values()):
        yield "Sizes are estimated from statistics where the files cannot be read: grant the database user PROCESS"
    if backfilled := sum(each.backfill_rows for each in tables.values()):
        rows = count_of(backfilled, "row")
        yield f"Since the measurement before, {rows} came by backfill, which the forecast leaves out"
    yield ""
    yield (
        f"A snapshot takes {snapshot_bytes:,.0f} bytes, with its queue rows and indexes"
        if snapshot_bytes
        else ("No snapshots yet")
    )
    if could_save_mb or saved_mb:
        yield (
            f"Compacting closed months would save {size_in_words(could_save_mb)} (manage.py maintain_partitions "
            f"--compact), and has saved {size_in_words(saved_mb)}"
        )
    yield from _forecast(forecast)
    if sample and snapshot_bytes and sample.days:
        yield ""
        yield from _resolutions(sample, snapshot_bytes)


def _forecast(forecast: Forecast | None) -> Iterator[str]:
    if forecast is None:
        return
    if forecast.growth_mb_per_day is None:
        yield "A forecast needs measurements of two days within 30"
    else:
        yield (
            f"Grows by {_band(forecast.growth_mb_per_day, 'MB')} a day, by "
            f"{count_of(forecast.measurements, 'measurement')} of the last 30 days, backfills left out"
        )
    for years, size in forecast.years.items():
        yield f"In {count_of(years, 'year')}: {_band(size * 0.001, 'GB')}"
    if not forecast.capacity_mb:
        yield "Capacity: not known (STORAGE_CAPACITY_GB)"
    else:
        yield (
            f"Capacity: {forecast.disk_mb / 1000:,.2f} of {forecast.capacity_mb / 1000:,.2f} GB taken "
            f"({forecast.share_of_capacity:.0%}), {_full(forecast.measured, forecast.days_to_capacity)}"
        )
    if forecast.days_to_full_disk is not None:
        yield f"Disk of the database: {_full(forecast.measured, forecast.days_to_full_disk)}"
    backtest = forecast.backtest
    if backtest is None:
        yield (
            "How good such a forecast is can be told once there are 44 days of measurements, "
            "with two of them in the 30 days before the last 30"
        )
    else:
        verdict = f": {backtest.verdict}" if backtest.verdict else ""
        yield (
            f"On {backtest.since} the same forecast predicted {backtest.predicted_mb:+,.1f} MB until "
            f"{forecast.measured}; the actual growth was {backtest.actual_mb:+,.1f} MB{verdict}"
        )


def _resolutions(sample: Resolutions, snapshot_bytes: float) -> Iterator[str]:
    days = count_of(sample.days, "day")
    yield f"Kept otherwise, by the rows of {days} from {sample.first} and the bytes of a row today:"
    yield from aligned(
        ("kept", "rows a day", "GB a year", "of raw"),
        [
            (
                name,
                f"{rows / sample.days:,.0f}",
                f"{rows / sample.days * snapshot_bytes * DAYS_A_YEAR / 1e9:,.2f}",
                f"{rows / sample.raw:.0%}",
            )
            for name, rows in (
                ("every change (raw)", sample.raw),
                ("a row per ride and hour", sample.hourly),
                ("a row per ride and day", sample.daily),
            )
        ],
    )


def _full(measured: date, days: Band | None) -> str:
    if days is None or not isfinite(days.likely):
        return "no day is known when it is full"
    if days.likely <= 0:
        return "full"
    latest = f"{days.high:,.0f}" if isfinite(days.high) else "never"
    # a day beyond the calendar's end, in the year 9999, has no date
    has_date = days.likely < min(36_525, (date.max - measured).days)
    when = f" on {measured + timedelta(days=days.likely)}" if has_date else ""
    return f"full in {count_of(round(days.likely), 'day')}{when} ({days.low:,.0f} to {latest})"


def _band(band: Band, unit: str) -> str:
    return f"{band.likely:,.2f} {unit} ({band.low:,.2f} to {band.high:,.2f})"
