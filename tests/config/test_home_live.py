"""Live on the home page: the last success, and what reaches nobody is red and asks for attention."""

from datetime import timedelta

import pytest
from django.utils import timezone
from django_q.models import Schedule

from config.home import home
from imports.live.models import LiveCollection
from tests.imports.api_world import RESORT
from tests.imports.desk import park

pytestmark = pytest.mark.django_db


def collected(minutes_ago: float, answered: int, failed: int = 0) -> None:
    at = timezone.now() - timedelta(minutes=minutes_ago)
    failures = [{"destination": f"destination {n}", "error": "503 Service Unavailable"} for n in range(failed)]
    LiveCollection.objects.create(
        started_at=at, finished_at=at, destinations=answered, failed=failed, failures=failures
    )


def live() -> tuple[dict, dict[str, str]]:
    """The figures by key, and what is said by the keys of what needs attention."""
    found = home(lambda permission: True, timezone.now(), only=["live"])
    (part,) = found.parts
    return {figure.key: figure for figure in part.figures}, {each.key: each.said for each in found.attention}


@pytest.fixture
def job():
    park(destination=RESORT)
    Schedule.objects.create(name="Collect live states", func="imports.tasks.collect_live", schedule_type="I", minutes=5)


def test_none_of_three_destinations_is_red(job):
    collected(8, 3)
    collected(3, 0, failed=3)
    figures, attention = live()
    assert (figures["answered"].value, figures["answered"].trouble) == ("0 of 3", True)
    assert figures["last_collection"].value == "8 min ago"
    assert not figures["last_collection"].trouble
    assert attention == {
        "live.reached_nobody": "The last live collection reached none of 3 destinations: 503 Service Unavailable"
    }


def test_a_failing_night_is_told_once_and_with_how_long(job):
    collected(8 * 60, 3)
    for minutes in range(5, 8 * 60, 45):
        collected(minutes, 0, failed=3)
    figures, attention = live()
    assert figures["last_collection"].trouble
    assert list(attention) == ["live.late"]
    assert attention["live.late"].startswith("No live state was collected for 8 h, and every 5 min is asked for: 503")


def test_all_is_well_where_all_answer_and_a_single_failure_beside_others_is_no_attention(job):
    collected(9, 3)
    collected(4, 2, failed=1)
    figures, attention = live()
    assert (figures["answered"].value, figures["answered"].trouble) == ("2 of 3", False)
    assert figures["success_rate"].value == "83% of 6"
    assert attention == {}


def test_an_empty_catalogue_is_nothing_to_collect_and_no_trouble():
    figures, attention = live()
    assert figures["answered"].value == "nothing to collect: no destination is known"
    assert not any(figure.trouble for figure in figures.values())
    assert attention == {}
