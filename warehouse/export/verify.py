"""Whether server, manifest and files agree. Nothing is written, and nobody is locked out."""

from collections.abc import Iterator
from datetime import date
from functools import partial

from warehouse.export import manifest as manifests
from warehouse.export import parquet, reading
from warehouse.export.datasets import BY_NAME, MONTHLY, WHOLE, Dataset
from warehouse.export.errors import ExportError
from warehouse.export.manifest import Manifest, Part
from warehouse.export.run import stale_datasets
from warehouse.export.sums import Sums
from warehouse.export.target import Target


def differences(target: Target, first: date | None, last: date | None) -> Iterator[str]:
    """One sentence for each file, month or table that differs, of the months of the range. ExportError."""
    parquet.require()
    manifest = manifests.read(target)
    if manifest.version is None:
        raise ExportError(f"{target.url}: there is no export; begin one without --verify")
    for part in manifest.parts.values():
        if part.month is None or _within(part.month, first, last):
            yield from (f"{_name(part)}: {found}" for found in _of_file(target, part))
    tokens, ride_days = reading.tokens_by_month(), reading.ride_days_by_month()
    for month in sorted({*tokens, *ride_days, *reading.months_with_rows(), *manifest.months}):
        if _within(month, first, last):
            yield from reading.consistently(partial(_of_month, manifest, month))
    yield from reading.consistently(
        lambda read: [differs for dataset in WHOLE for differs in _of_rows(manifest, read, dataset, None)]
    )


def _of_file(target: Target, part: Part) -> Iterator[str]:
    with target.fetch(part.path) as path:
        if path is None:
            yield f"the file is gone ({part.path})"
            return
        try:
            held = parquet.sums_of(BY_NAME[part.dataset], path)
        except ExportError as error:
            yield f"{error} ({part.path})"
            return
        if differs := held.difference(part.sums, "the file", "the manifest"):
            yield differs
        elif parquet.hash_of(path) != part.sha256:
            yield f"the file was altered, its values were not ({part.path})"


def _of_month(manifest: Manifest, month: date, read: reading.ConsistentRead) -> list[str]:
    known = manifest.months.get(month)
    if known is None:
        return [f"{month:%Y-%m}: not exported yet"]
    stale = stale_datasets(known, read.tokens(month), read.ride_days(month))
    found = []
    for dataset in MONTHLY:
        if dataset in stale:
            found.append(
                f"{dataset.name} {month:%Y-%m}: the server has changed since {known.exported_at}; export again"
            )
        else:
            found += _of_rows(manifest, read, dataset, month)
    return found


def _of_rows(manifest: Manifest, read: reading.ConsistentRead, dataset: Dataset, month: date | None) -> Iterator[str]:
    part = manifest.parts.get((dataset.name, month))
    said = part.sums if part else Sums(sums={column.name: 0 for column in dataset.columns if column.is_summed})
    if differs := read.sums(dataset, month).difference(said, "the server", "the manifest"):
        yield f"{dataset.name}{f' {month:%Y-%m}' if month else ''}: {differs}"


def _name(part: Part) -> str:
    return f"{part.dataset} {part.month:%Y-%m}" if part.month else part.dataset


def _within(month: date, first: date | None, last: date | None) -> bool:
    return (first is None or month >= first) and (last is None or month <= last)
