"""Rows as Parquet files, and what a file holds, by pyarrow, which is an extra: only here it is imported.

`require` says in one line what to install. Row groups of 200,000 rows; ids and instants as differences, which grow
slowly in the order of time; zstd over all.
"""

import hashlib
import importlib.util
import operator
import os
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import reduce
from pathlib import Path
from typing import IO, Any

from warehouse.export.datasets import SCHEMA_VERSION, Column, Dataset, Kind
from warehouse.export.errors import ExportError
from warehouse.export.reading import ROWS_AT_ONCE, Row
from warehouse.export.sums import CHECK_MODULUS, MISSING, WEIGHT_MODULUS, Sums
from warehouse.snapshot_id import RIDE_ID_BITS, RIDE_ID_MASK

ROW_GROUP_ROWS = 200_000
INSTALL = (
    "Parquet is written by pyarrow, which is not installed here: "
    ".venv/bin/pip install --no-deps --require-hashes -r requirements-export.lock"
)


def require() -> None:
    """ExportError: pyarrow is not installed."""
    if importlib.util.find_spec("pyarrow") is None:
        raise ExportError(INSTALL)


@dataclass(frozen=True, slots=True)
class Written:
    """A file that was written: its bytes, their SHA-256, and what it holds."""

    size: int
    sha256: str
    sums: Sums


# --- writing --------------------------------------------------------------------------------------------------------
def write(dataset: Dataset, batches: Iterable[list[Row]], path: Path) -> Written | None:
    """Write rows, which come as columns, to a file that is on disk when this returns. None: no rows, and no file."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    wanted = schema(dataset)
    sums = Sums()
    writer: Any = None
    group: list[Any] = []

    def flush() -> None:
        nonlocal group
        writer.write_table(pa.Table.from_batches(group, wanted), row_group_size=ROW_GROUP_ROWS)
        group = []

    with open(path, "wb") as file:
        sink = _Hashing(file)
        try:
            for columns in batches:
                batch = _batch(dataset, columns, wanted)
                sums.add(_sums_of(dataset, batch))
                if writer is None:
                    writer = pq.ParquetWriter(pa.PythonFile(sink, "w"), wanted, **_how(dataset))
                group.append(batch)
                if sum(map(len, group)) >= ROW_GROUP_ROWS:
                    flush()
            if group:
                flush()
        finally:
            if writer is not None:
                writer.close()
        sink.to_disk()
    if writer is None:
        path.unlink()
        return None
    return Written(sink.size, sink.digest.hexdigest(), sums)


class _Hashing:
    """What a file is written through, so that it need not be read again to know its hash."""

    closed = False

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self.size = 0
        self.digest = hashlib.sha256()

    def write(self, content: Any) -> int:
        piece = memoryview(content)
        self._file.write(piece)
        self.digest.update(piece)
        self.size += piece.nbytes
        return piece.nbytes

    def flush(self) -> None:
        self._file.flush()

    def close(self) -> None:
        """The writer's end is not the file's."""

    def to_disk(self) -> None:
        self._file.flush()
        os.fsync(self._file.fileno())


def _how(dataset: Dataset) -> dict[str, Any]:
    rising = {"snapshot_id", "recorded_at"} & {column.name for column in dataset.columns}
    return {
        "compression": "zstd",
        "compression_level": 3,
        "use_dictionary": [column.name for column in dataset.columns if column.name not in rising],
        "column_encoding": dict.fromkeys(rising, "DELTA_BINARY_PACKED"),
    }


def schema(dataset: Dataset) -> Any:
    """The Arrow schema of its files."""
    import pyarrow as pa

    types: dict[Kind, Any] = {
        Kind.INT16: pa.int16(),
        Kind.INT32: pa.int32(),
        Kind.INT64: pa.int64(),
        Kind.BOOL: pa.bool_(),
        Kind.ENUM: pa.dictionary(pa.int8(), pa.string()),
        Kind.INSTANT: pa.timestamp("ms", "UTC"),
        Kind.DATE: pa.date32(),
        Kind.TEXT: pa.string(),
        Kind.BYTES: pa.binary(),
    }
    return pa.schema(
        [
            (column.name, pa.decimal128(10, column.scale) if column.kind is Kind.DECIMAL else types[column.kind])
            for column in dataset.columns
        ],
        metadata={"dataset": dataset.name, "schema_version": str(SCHEMA_VERSION)},
    )


def _batch(dataset: Dataset, columns: list[Row], wanted: Any) -> Any:
    import pyarrow as pa

    read = iter(columns)
    arrays: dict[str, Any] = {}
    for column, field in zip(dataset.columns, wanted, strict=True):
        arrays[column.name] = _derived(column, arrays) if column.derived else _array(column, next(read), field.type)
    return pa.RecordBatch.from_arrays(list(arrays.values()), schema=wanted)


def _array(column: Column, values: Row, kind: Any) -> Any:
    """The values as the server sends them (ConsistentRead.batches) in the type of the column."""
    import pyarrow as pa
    import pyarrow.compute as pc

    if column.kind is Kind.INSTANT:
        # microseconds first: they are cut off, as everywhere (warehouse.instants)
        read = pc.cast(pa.array(values, pa.string()), pa.timestamp("us"))
        return pc.cast(pc.cast(read, pa.timestamp("ms"), safe=False), kind)
    if column.kind is Kind.ENUM:
        places = pa.array(values, pa.int8())
        if (pc.min(places).as_py() or 0) < 0:
            raise ExportError(
                f"{column.name} has a value that is none of {', '.join(column.values)}: update the project"
            )
        return pa.DictionaryArray.from_arrays(places, pa.array(column.values, pa.string()))
    if column.kind is Kind.BOOL:
        return pc.cast(pa.array(values, pa.int8()), kind)
    if column.kind in (Kind.DATE, Kind.DECIMAL):
        return pc.cast(pa.array(values, pa.string()), kind)
    return pa.array(values, kind)


def _derived(column: Column, arrays: dict[str, Any]) -> Any:
    """ride_id and recorded_at, which a snapshot_id says."""
    import pyarrow as pa
    import pyarrow.compute as pc

    ids = arrays["snapshot_id"]
    if column.kind is Kind.INSTANT:
        return pc.cast(pc.shift_right(ids, pa.scalar(RIDE_ID_BITS, pa.int64())), pa.timestamp("ms", "UTC"))
    return pc.cast(pc.bit_wise_and(ids, pa.scalar(RIDE_ID_MASK, pa.int64())), pa.int32())


# --- reading back ---------------------------------------------------------------------------------------------------
def sums_of(dataset: Dataset, path: Path) -> Sums:
    """What a file holds. ExportError: it is damaged, or no file of this dataset and version."""
    found = Sums()
    for batch in _batches_of(dataset, path):
        found.add(_sums_of(dataset, batch))
    return found


def hash_of(path: Path) -> str:
    """SHA-256 of a file, as `Written` has it."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _batches_of(dataset: Dataset, path: Path) -> Iterator[Any]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        with pq.ParquetFile(path) as file:
            if not file.schema_arrow.equals(schema(dataset)):
                raise ExportError("its columns are others")
            yield from file.iter_batches(batch_size=ROWS_AT_ONCE)
    except (pa.ArrowException, OSError) as error:
        raise ExportError(f"it cannot be read: {str(error).splitlines()[0]}") from error


def _sums_of(dataset: Dataset, batch: Any) -> Sums:
    """In 64 bits for as many rows as are read at once; the server says the same (ConsistentRead.sums)."""
    import pyarrow as pa
    import pyarrow.compute as pc

    def number(value: int) -> Any:
        return pa.scalar(value, pa.int64())

    def rest(values: Any, modulus: int) -> Any:
        """With the sign of the value, as MOD of the server."""
        return pc.subtract(values, pc.multiply(pc.divide(values, number(modulus)), number(modulus)))

    numbers = {column.name: _numbers(column, batch.column(column.name)) for column in dataset.columns}
    ids = None
    for part in dataset.key:
        values = numbers[part.column]
        if part.mask is not None:
            values = pc.shift_left(pc.bit_wise_and(values, number(part.mask)), number(part.shift))
        ids = values if ids is None else pc.add(ids, values)
    checked = None
    for n, column in enumerate((column for column in dataset.columns if not column.derived), 1):
        values = rest(pc.fill_null(numbers[column.name], number(MISSING)), CHECK_MODULUS)
        values = pc.multiply(values, number(n))
        checked = values if checked is None else pc.add(checked, values)
    weighed = pc.multiply(rest(numbers[dataset.key[0].column], WEIGHT_MODULUS), checked)
    return Sums(
        batch.num_rows,
        _xor(ids),
        {column.name: pc.sum(numbers[column.name]).as_py() or 0 for column in dataset.columns if column.is_summed},
        pc.sum(weighed).as_py() or 0,
    )


def _numbers(column: Column, values: Any) -> Any:
    """int64, null where the value is: see Column.number."""
    import pyarrow as pa
    import pyarrow.compute as pc

    if column.kind is Kind.ENUM:  # read back, its dictionary is in the order of the file
        places = pc.index_in(values.dictionary, value_set=pa.array(column.values, pa.string()))
        return pc.cast(places.take(values.indices), pa.int64())
    if column.kind is Kind.DATE:
        return pc.cast(pc.cast(values, pa.int32()), pa.int64())
    if column.kind is Kind.DECIMAL:
        return pc.cast(pc.multiply(values, pa.scalar(10**column.scale, pa.int64())), pa.int64())
    if column.kind in (Kind.TEXT, Kind.BYTES):
        spelled = pc.dictionary_encode(values)
        crcs = [zlib.crc32(_as_bytes(value)) for value in spelled.dictionary.to_pylist()]
        return pa.array(crcs, pa.int64()).take(spelled.indices)
    return pc.cast(values, pa.int64())


def _as_bytes(value: str | bytes) -> bytes:
    return value.encode() if isinstance(value, str) else value


def _xor(ids: Any) -> int:
    """Of int64 without nulls. Without numpy, which pyarrow does not bring."""
    buffer = ids.buffers()[1]
    values = memoryview(buffer).cast("q")[ids.offset : ids.offset + len(ids)]
    return reduce(operator.xor, values, 0)
