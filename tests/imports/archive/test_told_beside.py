"""What a file tells beside its events, through whole imports: kinds of entities, and openings of its day."""

import json
import threading
from datetime import UTC, date, datetime, timedelta

import pytest
from django.db import transaction

from imports.archive import told_beside
from imports.archive.beginning import begin
from imports.archive.pipeline import run_import
from imports.archive.planning import plan
from imports.archive.prefetch import Reading
from imports.archive.request import Request
from imports.events.decoded import Decoded, Opening
from imports.sources.folder import FolderSource
from imports.sources.history import HistorySource, key_of
from imports.sources.kept_answers import KeptAnswers
from quality.models import DataQualityLog
from tests.captures import HISTORY_SAMPLES
from tests.imports.building import DAY, DESTINATION, NOW, OTHER_RIDE, PARK, RIDE, event, ride, write_day
from warehouse.history.reading import park_days
from warehouse.models import EntityMetadata, Park, Ride, RideOpening, RideStatusSnapshot

pytestmark = pytest.mark.django_db(transaction=True)
NEXT = DAY + timedelta(days=1)
MIDNIGHT = datetime(2024, 12, 25, 5, tzinfo=UTC)  # in New York
EVENING = MIDNIGHT - timedelta(hours=1)


class Telling(FolderSource):
    """An archive whose files tell more than events, as answers of the History API do."""

    def __init__(self, root, openings, kinds=None, opens_at=None):
        super().__init__(root)
        self.openings, self.kinds, self.opens_at = openings, kinds or {}, opens_at

    def decode(self, raw, file):
        decoded = super().decode(raw, file)
        decoded.openings = self.openings.get(file.day, [])
        decoded.entity_types, decoded.opens_at = self.kinds, self.opens_at
        return decoded


def opening(entity=RIDE, seen=EVENING, status="OPERATING", wait=15, degraded=False) -> Opening:
    return Opening(entity, seen, status, {"STANDBY": {"waitTime": wait}}, degraded)


def take(root, openings, *, kinds=None, opens_at=None, **request):
    """Import days of the folder, whose files tell these openings."""
    source = Telling(root, openings, kinds, opens_at)
    (run,) = begin(plan(Request(source, everything=True, **request), NOW.date()), lambda: NOW)
    assert run_import(run, threading.Event())


def kept() -> dict[str, tuple]:
    rows = RideOpening.objects.values_list("ride__themeparks_wiki_id", "opens_at", "observed_at", "status", "wait_time")
    return {entity: (opens_at, *rest) for entity, opens_at, *rest in rows}


@pytest.fixture
def days(tmp_path):
    for day in (DAY, NEXT):
        write_day(tmp_path, [event(day=day), event(entity=OTHER_RIDE, day=day)], day)
    return tmp_path


def test_kinds_and_openings_go_to_rides_of_the_file_and_no_row_comes_of_them(days):
    said = [opening(RIDE.upper(), EVENING + timedelta(microseconds=644_999)), opening(ride(7))]
    take(days, {DAY: said}, kinds={RIDE.upper(): "ATTRACTION", ride(7): "SHOW"}, last=DAY)
    assert kept() == {RIDE: (MIDNIGHT, EVENING + timedelta(milliseconds=644), "OPERATING", 15)}
    assert RideOpening.objects.get().source_file.endswith("/2024/12/25.json.gz")
    assert list(EntityMetadata.objects.values_list("themeparks_wiki_id", "entity_type")) == [(RIDE, "ATTRACTION")]
    assert (Ride.objects.count(), RideStatusSnapshot.objects.count()) == (2, 2)


def test_the_first_day_is_kept_whether_it_is_imported_first_or_last(days):
    told = {DAY: [opening(), opening(OTHER_RIDE, status="CLOSED", wait=None)], NEXT: [opening(wait=99)]}
    take(days, told)
    first = kept()
    RideOpening.objects.all().delete()
    take(days, told, first=NEXT)
    assert kept()[RIDE][0] == MIDNIGHT + timedelta(days=1)
    take(days, told, last=DAY)
    take(days, told)
    assert (
        kept()
        == first
        == {
            RIDE: (MIDNIGHT, EVENING, "OPERATING", 15),
            OTHER_RIDE: (MIDNIGHT, EVENING, "CLOSED", None),
        }
    )


def test_the_rules_of_events_hold_for_openings_and_what_says_nothing_is_not_kept(days):
    no_instant, no_status = opening(seen=None), opening(status=None)
    odd, to_come = opening(status=["OPERATING"]), opening(seen=NOW + timedelta(days=1))
    for nothing in (no_instant, no_status, odd, to_come, opening("no UUID")):
        take(days, {DAY: [nothing]}, last=DAY)
        assert kept() == {}, nothing
    opens_at = MIDNIGHT + timedelta(hours=1)  # a source says when
    take(days, {DAY: [opening(wait=-999)]}, opens_at=opens_at, last=DAY)
    assert kept() == {RIDE: (opens_at, EVENING, "OPERATING", None)}
    assert not DataQualityLog.objects.filter(reason="wait_out_of_range").exists()


def test_an_answer_that_looked_back_too_short_is_told_until_it_is_whole(days):
    told = {DAY: [opening(degraded=True), opening(OTHER_RIDE)]}
    for _ in range(2):
        take(days, told, last=DAY)
    (finding,) = DataQualityLog.objects.filter(reason=told_beside.DEGRADED)
    assert (finding.issue_type, finding.occurrences, finding.resolution_status) == ("MISSING_FIELD", 1, "OPEN")
    assert finding.evidence["examples"] == ["TRANSFORMERS™: The Ride-3D"]
    assert f"--from {DAY} --to {DAY} --changed" in finding.description
    assert RideOpening.objects.filter(degraded=True).count() == 1  # nothing better is there
    take(days, {DAY: [opening(), opening(OTHER_RIDE)]}, last=DAY)
    finding.refresh_from_db()
    assert finding.resolution_status == "RESOLVED"
    assert not RideOpening.objects.filter(degraded=True).exists()


def test_a_file_of_which_all_is_known_asks_for_nothing_but_its_finding(days, django_assert_num_queries):
    write_day(days, [event()])
    (run,) = begin(plan(Request(Telling(days, {}), everything=True, last=DAY), NOW.date()), lambda: NOW)
    assert run_import(run, threading.Event())
    parks = list(Park.objects.all())
    reading = Reading(run.files[0], decoded=Decoded([], entity_types={RIDE: "ATTRACTION"}, openings=[opening()]))
    with transaction.atomic():
        told_beside.keep(run, parks, reading, NOW)
    with django_assert_num_queries(1):
        assert told_beside.keep(run, parks, reading, NOW) == []
    with django_assert_num_queries(0):
        told_beside.keep(run, parks, Reading(run.files[0], decoded=Decoded([])), NOW)


# --- answers of the History API ---------------------------------------------------------------------------------
CAPTURED = HISTORY_SAMPLES / "history-space-mountain-2026-09-26.json"
MAGIC_KINGDOM = "75ea578a-adc8-4116-a54d-dccb60765ef9"


def take_answer(root, answer: dict, park: str, day: date, now: datetime = NOW) -> None:
    """Import what was kept of the API: one answer."""
    kept = KeptAnswers(root)
    kept.put(key_of(DESTINATION, park, day), json.dumps(answer).encode())
    source = HistorySource(kept, None)
    (run,) = begin(plan(Request(source, everything=True), now.date()), lambda: now)
    assert run_import(run, threading.Event())


def test_an_answer_of_the_history_api_tells_kinds_and_openings(tmp_path):
    queue = {"STANDBY": {"waitTime": 15}}
    opened = {"time": "2024-12-25T05:00:00Z", "observedAt": "2024-12-25T04:30:00Z", "queue": queue}
    closing = {"time": "2024-12-25T05:30:00Z", "status": "CLOSED", "queue": {"STANDBY": {"waitTime": None}}}
    coaster = {"id": RIDE, "name": "Coaster", "entityType": "ATTRACTION", "history": [closing]}
    show = {"id": OTHER_RIDE, "name": "Show", "entityType": "SHOW", "history": [closing]}
    entities = [
        coaster | {"opening": opened | {"status": "OPERATING"}},
        show | {"opening": opened | {"status": None, "degraded": True}},
    ]
    envelope = {"id": PARK, "entityType": "PARK", "timezone": "America/New_York", "entities": entities}
    take_answer(tmp_path, envelope, PARK, DAY)
    assert kept() == {RIDE: (MIDNIGHT, MIDNIGHT - timedelta(minutes=30), "OPERATING", 15)}
    kinds = EntityMetadata.objects.values_list("themeparks_wiki_id", "entity_type")
    assert dict(kinds) == {RIDE: "ATTRACTION", OTHER_RIDE: "SHOW"}
    assert DataQualityLog.objects.get(reason=told_beside.DEGRADED).evidence["examples"] == ["Show"]
    (of_day,) = park_days(Park.objects.get(), DAY, DAY, NOW)
    rides = of_day.rides.values()
    assert [(ride.operating_minutes, ride.observations) for ride in rides] == [(0, 1), (0, 1)]


@pytest.mark.skipif(not CAPTURED.exists(), reason="the captured day of Space Mountain is not here")
def test_the_captured_day_begins_at_midnight(tmp_path):
    day = date(2026, 9, 26)
    now = datetime(2026, 11, 26, tzinfo=UTC)
    take_answer(tmp_path, json.loads(CAPTURED.read_text()), MAGIC_KINGDOM, day, now)
    park = Park.objects.get()
    (of_day,) = park_days(park, day, day, now)
    (figures,) = of_day.rides.values()
    assert abs(figures.operating_minutes - 929) <= 2  # what the API's own daily row says
    assert round(figures.standby_sum / figures.standby_minutes) == 37
    assert figures.standby_max == 65
    assert figures.observations == 187
