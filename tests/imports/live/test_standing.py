"""How live collecting stands: the last success counts, and whoever reaches nobody has not done well."""

from datetime import UTC, datetime, timedelta

import pytest
from django_q.models import Schedule

from imports.live import collector
from imports.live.models import LiveCollection
from imports.live.standing import Rate, rate_since, standing
from imports.tasks import collect_live
from tests.imports.api_world import RESORT
from tests.imports.desk import park

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 11, 26, 3, 0, tzinfo=UTC)
OTHERS = ("e8d0207f-da8a-4048-bec8-117aa946b2c2", "e957da41-3552-4cf6-b636-5babc5cbc4e5")


def collected(minutes_ago: float, answered: int = 3, failed: int = 0, *, ended: bool = True, who=OTHERS[:1]) -> None:
    at = NOW - timedelta(minutes=minutes_ago)
    LiveCollection.objects.create(
        started_at=at,
        finished_at=at if ended else None,
        destinations=answered,
        failed=failed,
        failures=[{"destination": who[n % len(who)], "error": "503 Service Unavailable"} for n in range(failed)],
    )


@pytest.fixture
def job():
    park(destination=RESORT)
    return Schedule.objects.create(
        name="Collect live states", func="imports.tasks.collect_live", schedule_type="I", minutes=5
    )


def test_what_counts_is_the_last_success_and_not_the_last_attempt(job):
    collected(40)
    for minutes in (35, 30, 25, 20, 15, 10, 5):
        collected(minutes, answered=0, failed=3)
    found = standing()
    assert found.success == NOW - timedelta(minutes=40)
    assert found.last.started_at == NOW - timedelta(minutes=5)
    assert (found.answered, found.asked, found.reached_nobody) == (0, 3, True)
    assert found.why == "503 Service Unavailable"
    assert found.is_late(NOW)


def test_a_run_that_was_killed_says_nothing_of_who_answered(job):
    collected(10)
    collected(5, answered=0, ended=False)
    found = standing()
    assert (found.answered, found.asked) == (3, 3)
    assert not found.is_late(NOW)


@pytest.mark.parametrize(
    ("minutes_ago", "changes", "late"),
    [
        (14, {}, False),
        (16, {}, True),
        (16, {"repeats": 0}, False),  # switched off, or everything is paused
        (80, {"minutes": 30}, False),
        (100, {"minutes": 30}, True),
    ],
)
def test_it_is_late_by_the_times_it_is_asked_for_and_only_while_it_is_on(job, minutes_ago, changes, late):
    collected(minutes_ago)
    Schedule.objects.update(**changes)
    assert standing().is_late(NOW) is late


def test_what_never_succeeded_is_late_from_its_first_try_and_what_was_never_tried_is_not(job):
    assert not standing().is_late(NOW)
    collected(20, answered=0, failed=1)
    assert standing().success is None
    assert standing().is_late(NOW)


def test_without_a_destination_nothing_is_late():
    Schedule.objects.create(name="Collect live states", func="imports.tasks.collect_live", schedule_type="I", minutes=5)
    collected(600, answered=0)
    found = standing()
    assert (found.destinations, found.asked, found.is_late(NOW)) == (0, 0, False)


def test_a_destination_that_fails_again_and_again_beside_others_is_named(job):
    for minutes in (15, 10, 5):
        collected(minutes, answered=2, failed=1)
    assert standing().failing == {OTHERS[0]}
    collected(1)
    assert not standing().failing


def test_the_rate_is_of_questions_and_of_its_period_alone(job):
    collected(90, answered=0, failed=3)
    collected(50)
    collected(10, answered=1, failed=1)
    assert rate_since(NOW - timedelta(hours=1)) == Rate(collections=2, asked=5, answered=4)
    assert rate_since(NOW - timedelta(hours=2), NOW - timedelta(hours=1)).share == 0
    assert rate_since(NOW).share is None


# --- what the task says ---------------------------------------------------------------------------------------------
def test_an_empty_catalogue_is_told_as_nothing_to_collect(settings):
    settings.DESTINATIONS = []
    assert collect_live().startswith("nothing to collect: No destination is known yet")


@pytest.mark.django_db(transaction=True)
def test_a_collection_that_reached_nobody_is_a_task_that_failed(api_server, settings):
    assert api_server  # knows another destination
    settings.DESTINATIONS = [OTHERS[0]]
    with pytest.raises(collector.NothingCollected, match="none of 1 destination answered: "):
        collect_live()


@pytest.mark.parametrize(
    ("counts", "who", "what"),
    [
        ({"destinations": 3, "stored": 1200, "already_known": 7}, "3 of 3 destinations", "1,200 stored, 7 unchanged"),
        (
            {"destinations": 1, "failed": 1, "not_reached": 1},
            "1 of 3 destinations",
            "0 stored, 1 failed, 1 not reached",
        ),
        ({"destinations": 1, "rejected": 2}, "1 of 1 destination", "0 stored, 2 rejected"),
    ],
)  # fmt: skip
def test_what_came_of_a_collection_in_words(counts, who, what):
    assert collector.told(LiveCollection(started_at=NOW, **counts)) == f"{who} answered, {what}"
