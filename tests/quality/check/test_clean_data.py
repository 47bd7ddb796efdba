"""In a year in which nothing is wrong, nothing is found."""

from datetime import date

from quality.check.run import check
from quality.models import DataQualityLog
from tests.quality.check.clean_year import NOW
from warehouse.models import EntityMetadata


def test_a_clean_year_has_no_findings(year):
    checked = check(None, None, None, NOW)
    assert [finding.description for finding in checked.findings] == []
    assert checked.rows_read > 50_000
    assert not DataQualityLog.objects.exists()


def test_nor_has_any_part_of_it(year):
    for month in range(1, 13):
        checked = check(None, date(2025, month, 10), date(2025, month, 20), NOW)
        assert [finding.description for finding in checked.findings] == []


def test_without_metadata_only_the_missing_metadata_is_found(year):
    EntityMetadata.objects.all().delete()
    found = check(None, None, None, NOW).findings
    assert [(f.reason, f.park_id, f.count) for f in found] == [
        ("missing_metadata", year.lakeside.pk, 13),
        ("missing_metadata", year.bergwelt.pk, 8),
    ]


def test_a_window_in_which_nothing_was_recorded_has_no_findings(year):
    checked = check(None, date(2030, 1, 1), date(2030, 2, 1), NOW)
    assert checked.findings == []
    assert checked.rows_read == 0
