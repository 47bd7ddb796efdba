"""What a park's page says of coverage, imports and live data, and a ride's of its park."""

from datetime import date, timedelta

import pytest
from django.urls import reverse
from django.utils import timezone
from imports.archive.park_coverage import park_coverage

from imports.live.models import ParkFreshness
from imports.models import ImportCheckpoint
from tests.imports.desk import day_file, new_import, park, queries_of_a_page, somebody, touching_facts
from tests.warehouse.admin.about import figures_of, said_in, section
from warehouse.models import Ride

pytestmark = pytest.mark.django_db
TODAY = date(2025, 6, 15)


def page(client, of):
    return client.get(reverse(f"admin:warehouse_{of._meta.model_name}_change", args=[of.pk]))


def urls_of(response, slug: str) -> dict[str, str]:
    return {link.said: link.url for link in section(response, slug).links}


# --- coverage of one park ---------------------------------------------------------------------------------------------
def test_days_are_counted_from_the_parks_first_on_and_up_to_today():
    place = park()
    day_file(place, date(2025, 4, 1), "NO_EVENTS")  # a file of its destination, before it opened
    for n in range(3):
        day_file(place, date(2025, 5, 30) + timedelta(days=n))
    day_file(place, date(2025, 6, 2), "UNREADABLE")
    day_file(place, date(2025, 6, 3), "MISSING")
    found = park_coverage(place.pk, date(2025, 1, 1), TODAY)
    may, june = found.months.values()
    assert list(found.months) == [date(2025, 5, 1), date(2025, 6, 1)]
    assert (may.days, may.imported, may.untried) == (2, 2, 0)
    assert (june.days, june.imported, june.unreadable, june.missing, june.untried) == (15, 1, 1, 1, 12)
    assert (found.days, found.imported, found.share) == (17, 3, 3 / 17)
    assert found.newest.file_date == date(2025, 6, 1)


def test_a_day_of_two_feeds_counts_once_and_by_the_better_of_them():
    place = park()
    day_file(place, date(2025, 6, 14), "MISSING")
    day_file(place, date(2025, 6, 14), feed="HISTORY")
    day_file(place, date(2025, 6, 1), feed="DELISTED")  # a month of what the park no longer lists: no day of it
    (june,) = park_coverage(place.pk, date(2025, 1, 1), TODAY).months.values()
    assert (june.days, june.imported, june.missing) == (2, 1, 0)


def test_a_park_that_nobody_looked_for_has_no_share():
    found = park_coverage(park().pk, date(2025, 1, 1), TODAY)
    assert (found.months, found.share, found.newest) == ({}, None, None)


# --- on the page ------------------------------------------------------------------------------------------------------
def test_coverage_leads_to_the_days_that_lack_and_to_why_a_file_could_not_be_read():
    place = park()
    today = timezone.now().date()
    new_import(place, source="/where/it/came/from")
    for n in range(10):
        day_file(place, today - timedelta(days=2 + n))
    bad = day_file(place, today - timedelta(days=1), "UNREADABLE")
    client = somebody("Operators")
    ride = Ride.objects.create(park=place, ride_name="Comet")
    for of in (place, ride):
        response = page(client, of)
        figures = section(response, "coverage").facts
        assert {fact.label: fact.value for fact in figures}["Unreadable files"] == "1"
        assert client.get(figures[-1].url).context["cl"].result_count == 1
        months, unreadable = section(response, "coverage").listings
        assert "unreadable" in "".join(f"{row[2]}" for row in months.rows)
        assert client.get(months.rows[0][0].url).status_code == 200
        assert [row[0] for row in unreadable.rows] == [
            (f"{bad.file_date}", f"/admin/imports/importedfile/{bad.pk}/change/")
        ]
        missing = urls_of(response, "coverage")["Import what is missing of these months"]
        assert f"park={place.pk}&from=" in missing and "days=missing" in missing and "where%2Fit%2Fcame" in missing
    assert "Import what is missing of these months" not in urls_of(page(somebody("Viewers"), place), "coverage")


def test_the_last_imports_say_how_they_stand_and_what_can_be_done():
    place = park()
    new_import(place, status="FAILED", last_error="the source did not answer")
    new_import(
        place, status="COMPLETED", records_imported=12345, start_date=date(2024, 2, 1), end_date=date(2024, 2, 2)
    )
    new_import(park(2))
    operator = page(somebody("Operators"), place)
    assert figures_of(operator, "imports") == {"Imports": "2", "Failed": "1"}
    done, failed = said_in(operator, "imports")
    assert (done[0], done[2], done[3]) == ("2024-02-01 to 2024-02-02", "12,345", "nothing to do")
    assert failed[3].startswith("the source did not answer; can: retry")
    viewer = page(somebody("Viewers"), place)
    assert said_in(viewer, "imports")[1][3] == "the source did not answer"
    assert list(urls_of(viewer, "imports")) == ["All of its imports"]
    ImportCheckpoint.objects.filter(status="FAILED").update(dismissed_at=timezone.now(), dismissed_by="somebody")
    assert figures_of(page(somebody("Viewers"), place), "imports") == {"Imports": "2"}


def test_live_data_are_told_by_the_parks_clock_and_a_silent_park_stands_out():
    place = park()
    place.timezone = "Asia/Tokyo"
    place.save()
    client = somebody("Viewers")
    assert "has not heard of it" in section(page(client, place), "live").said
    hour_ago = timezone.now() - timedelta(hours=2)
    ParkFreshness.objects.create(park=place, collected_at=timezone.now(), observed_at=hour_ago, is_open=True)
    state, observed, *_ = section(page(client, place), "live").facts
    assert (state.trouble, state.value) == (True, "silent for 2 h")
    assert observed.value == "2 h ago"
    assert "Asia/Tokyo (" in observed.beside


def test_nothing_here_reads_a_fact():
    place = park()
    day_file(place, timezone.now().date())
    new_import(place)
    client = somebody("Operators")
    with queries_of_a_page() as sql:
        assert page(client, place).status_code == 200
    assert touching_facts(sql) == []
