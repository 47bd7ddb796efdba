"""What a park's page says of coverage, imports and live data, and a ride's of its park."""

from datetime import date, timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from imports.live.models import ParkFreshness
from imports.models import ImportCheckpoint
from tests.imports.desk import day_file, new_import, park, queries_of_a_page, somebody, touching_facts
from tests.warehouse.admin.about import figures_of, said_in, section
from warehouse.models import Ride

pytestmark = pytest.mark.django_db


def page(client, of):
    return client.get(reverse(f"admin:warehouse_{of._meta.model_name}_change", args=[of.pk]))


def urls_of(response, slug: str) -> dict[str, str]:
    return {link.said: link.url for link in section(response, slug).links}


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
        assert sum(int(row[1].split(" of ")[0]) for row in months.rows) == 10
        assert "1 unreadable" in "".join(f"{row[2]}" for row in months.rows)
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
