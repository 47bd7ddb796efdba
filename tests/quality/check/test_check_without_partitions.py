"""Checks go on where the fact table has no partitions, or such as a range of dates opens all of."""

from datetime import UTC, date, datetime, timedelta

import pytest
from django.db import connection

from quality.check.run import check
from tests.quality.check.clean_year import milliseconds, observe
from tests.quality.check.test_run import rows_read
from tests.warehouse.conftest import snapshots as snapshots  # the fact table, put back after the test
from warehouse.models import Park, Ride

NOW = datetime(2025, 9, 1, tzinfo=UTC)


@pytest.fixture
def observations(snapshots) -> int:
    park = Park.objects.create(park_name="Lakeside", timezone="UTC", themeparks_wiki_id="p", destination_wiki_id="d")
    Ride.objects.create(pk=1, park=park, ride_name="Comet")
    begin = datetime(2025, 6, 1, tzinfo=UTC)
    hours = [begin + timedelta(hours=n) for n in range(24 * 80)]
    observe([(1, milliseconds(hour), "CLOSED", None) for hour in hours])
    return len(hours)


BY_NUMBER = (
    "PARTITION BY RANGE (YEAR(recorded_at) * 100 + MONTH(recorded_at)) "
    "(PARTITION p202512 VALUES LESS THAN (202601), PARTITION p_future VALUES LESS THAN MAXVALUE)"
)


@pytest.mark.parametrize("scheme", ["REMOVE PARTITIONING", BY_NUMBER])
def test_each_observation_is_read_once_all_the_same(observations, scheme):
    with connection.cursor() as cursor:
        cursor.execute(f"ALTER TABLE ride_status_snapshots {scheme}")
    before = rows_read()
    checked = check(None, None, None, NOW)
    assert checked.rows_read == observations
    assert rows_read() - before < observations + 500
    assert check(None, date(2025, 7, 5), date(2025, 7, 6), NOW).rows_read == 24 * (30 + 31)
