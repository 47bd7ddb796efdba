"""What a file tells beside its events, through whole imports: kinds of entities, and openings of its day."""

import threading
from datetime import UTC, datetime, timedelta

import pytest
from django.db import transaction

from imports.archive import told_beside
from imports.archive.pipeline import run_import
from imports.archive.planning import begin, plan
from imports.archive.prefetch import Reading
from imports.archive.request import Request
from imports.events.decoded import Decoded, Opening
from imports.sources.folder import FolderSource
from quality.models import DataQualityLog
from tests.imports.building import DAY, NOW, OTHER_RIDE, RIDE, event, ride, write_day
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
    reading = Reading(run.files[0], decoded=Decoded([], {RIDE: "ATTRACTION"}, [opening()]))
    with transaction.atomic():
        told_beside.keep(run, parks, reading, NOW)
    with django_assert_num_queries(1):
        assert told_beside.keep(run, parks, reading, NOW) == []
    with django_assert_num_queries(0):
        told_beside.keep(run, parks, Reading(run.files[0], decoded=Decoded([])), NOW)
