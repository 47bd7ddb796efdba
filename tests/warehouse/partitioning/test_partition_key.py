"""Why the table is partitioned by RANGE COLUMNS (recorded_at): the measurement, held against the server at hand."""

import pytest
from django.db import connection

from tests.plans import plan_of

MODEL_EXPRESSION = "RANGE (YEAR(recorded_at) * 100 + MONTH(recorded_at))"
MODEL_BOUNDS = ["202502", "202503", "202504", "202505"]
OUR_EXPRESSION = "RANGE COLUMNS (recorded_at)"
OUR_BOUNDS = ["'2025-02-01'", "'2025-03-01'", "'2025-04-01'", "'2025-05-01'"]


@pytest.fixture
def create(transactional_db):
    made = []

    def create_table(name: str, expression: str, bounds: list[str]) -> None:
        made.append(name)
        partitions = ", ".join(f"PARTITION p20250{n} VALUES LESS THAN ({bound})" for n, bound in enumerate(bounds, 1))
        with connection.cursor() as cursor:
            cursor.execute(
                f"CREATE TABLE {name} (snapshot_id BIGINT NOT NULL, recorded_at DATETIME(3) NOT NULL, "
                f"PRIMARY KEY (snapshot_id, recorded_at)) PARTITION BY {expression} "
                f"({partitions}, PARTITION p_future VALUES LESS THAN (MAXVALUE))"
            )
            cursor.executemany(
                f"INSERT INTO {name} VALUES (%s, %s)", [(n, f"2025-0{n}-15 12:00:00") for n in range(1, 7)]
            )

    yield create_table
    with connection.cursor() as cursor:
        for name in made:
            cursor.execute(f"DROP TABLE {name}")


def opened(table: str, where: str) -> list[str]:
    """The partitions a query opens, as EXPLAIN says it."""
    return plan_of(f"SELECT * FROM {table} WHERE {where}")[0]["partitions"].split(",")


A_MONTH = "recorded_at >= '2025-02-01' AND recorded_at < '2025-03-01'"


def test_a_range_opens_one_partition_of_five_by_range_columns_and_all_five_by_the_models_expression(create):
    create("by_column", OUR_EXPRESSION, OUR_BOUNDS)
    create("by_expression", MODEL_EXPRESSION, MODEL_BOUNDS)
    assert opened("by_column", A_MONTH) == ["p202502"]
    assert len(opened("by_expression", A_MONTH)) == 5
    assert opened("by_expression", "recorded_at = '2025-02-03'") == ["p202502"]  # equality alone prunes there


def test_a_wrapped_column_opens_every_partition(create):
    create("by_column", OUR_EXPRESSION, OUR_BOUNDS)
    assert len(opened("by_column", "MONTH(recorded_at) = 2")) == 5


def test_a_month_of_the_fact_table_opens_one_partition(db):
    assert opened("ride_status_snapshots", A_MONTH) == ["p202502"]
