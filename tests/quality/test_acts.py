"""What people did with findings: a line a click."""

from datetime import UTC, datetime, timedelta

import pytest

from quality.acts import batch_in_words, latest_acts
from quality.models import DataQualityLog, DataQualityMove, ResolutionStatus, TriageBatch
from quality.taking_back import take_back
from tests.quality.test_models import row_in

OPEN, INVESTIGATING, RESOLVED, WONTFIX = ResolutionStatus
NOW = datetime(2025, 6, 1, 12, tzinfo=UTC)

pytestmark = pytest.mark.django_db


def test_a_bulk_is_one_line_with_its_number_and_one_finding_its_sentence(django_assert_num_queries):
    rows = [row_in(OPEN, str(n)) for n in range(4)]
    old = DataQualityMove.objects.create(
        finding=rows[0], moved_at=NOW - timedelta(days=1), moved_by="old", from_status=OPEN, to_status=OPEN
    )
    many = DataQualityLog.transition([row.pk for row in rows], WONTFIX, by="ann", now=NOW, note="so it is")
    take_back(TriageBatch.objects.get(pk=many.batch), by="ann", now=NOW + timedelta(minutes=1))
    DataQualityLog.transition([rows[0].pk], RESOLVED, by="ben", now=NOW + timedelta(minutes=2), note="mended")
    DataQualityLog.assign([rows[1].pk], "ann", by="ben", now=NOW + timedelta(minutes=3))
    rows[2].resolve_by_system("gone", now=NOW + timedelta(minutes=4))
    with django_assert_num_queries(4):
        acts = latest_acts(8)
    assert [(act.who, act.what, act.said, act.page) for act in acts] == [
        ("ben", "Something about 1", "assigned to ann", "change"),
        ("ben", "Something about 0", "OPEN to INVESTIGATING to RESOLVED: mended", "change"),
        ("ann", "4 findings", f"of bulk {many.batch} taken back", "bulk"),
        ("ann", "4 findings", "given up: so it is", "bulk"),
        ("old", str(old.finding), "OPEN to OPEN", "change"),
    ]
    assert acts[3].key == many.batch
    assert [act.who for act in latest_acts(2)] == ["ben", "ben"]
    assert batch_in_words(TriageBatch.objects.get(pk=many.batch)) == "4 findings given up"
