"""Sets of snapshot ids as bytes: nothing is lost, and equal sets are equal bytes."""

import random
from datetime import UTC, datetime

import pytest

from imports.archive.file_rows import decode, encode
from warehouse.instants import milliseconds_of
from warehouse.snapshot_id import RIDE_ID_LIMIT, snapshot_id_of

pytestmark = pytest.mark.no_database


def ids_of(seed: int, count: int) -> set[int]:
    numbers = random.Random(seed)
    instants = [0, -1, -(10**12), 8_795_000_000_000, 1_735_084_800_000]
    return {
        snapshot_id_of(
            numbers.choice([1, 2, 300, RIDE_ID_LIMIT - 1]), numbers.choice(instants) + numbers.randrange(86_400_000)
        )
        for _ in range(count)
    }


@pytest.mark.parametrize("count", [0, 1, 2, 7, 8, 9, 5000])
def test_what_is_encoded_comes_back(count):
    ids = ids_of(count, count)
    assert decode(encode(ids)) == ids
    in_some_order = list(ids)
    random.Random(1).shuffle(in_some_order)
    assert encode(in_some_order) == encode(ids)


def test_nothing_known_is_nothing():
    assert decode(None) == set()


def test_a_row_takes_few_bytes():
    start, numbers = milliseconds_of(datetime(2025, 1, 1, tzinfo=UTC)), random.Random(3)
    ids = {snapshot_id_of(numbers.randrange(1, 60), start + numbers.randrange(86_400_000)) for _ in range(5000)}
    assert len(encode(ids)) < 4.5 * len(ids)
