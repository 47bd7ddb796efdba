"""From everywhere to everywhere: every link that a page shows opens for whoever sees it, and no way that matters lacks.

The crawl is the guard of all pages, those that come included: a new page is found by the links to it.
"""

from collections.abc import Callable
from urllib.parse import unquote_plus

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from tests.crawling import crawl, links_of
from tests.imports.desk import somebody
from tests.planted_desk import Desk, plant_desk
from warehouse.days import ONE_DAY

pytestmark = pytest.mark.django_db

#: kinds of pages that a crawl must have come to, whoever crawls: it would find nothing wrong with what it never sees
REACHED = {
    "admin:imports_importcheckpoint_change",
    "admin:imports_importcheckpoint_changelist",
    "admin:imports_importedfile_change",
    "admin:imports_importedfile_coverage",
    "admin:imports_parkfreshness_changelist",
    "admin:quality_dataqualitylog_change",
    "admin:quality_dataqualitylog_changelist",
    "admin:warehouse_metadatachange_change",
    "admin:warehouse_park_change",
    "admin:warehouse_park_day",
    "admin:warehouse_park_over_time",
    "admin:warehouse_parkhours_changelist",
    "admin:warehouse_ride_change",
    "admin:warehouse_ride_over_time",
    "admin:warehouse_ridestatussnapshot_change",
    "admin:warehouse_ridestatussnapshot_changelist",
    "admin:warehouse_storage",
}


@pytest.fixture
def boss() -> Client:
    client = Client()
    client.force_login(User.objects.create_superuser("boss"))
    return client


@pytest.fixture
def desk(boss) -> Desk:
    return plant_desk(timezone.now(), User.objects.get(username="boss"))


# --- every link -------------------------------------------------------------------------------------------------------
def test_every_link_opens_for_a_superuser(desk, boss):
    found = crawl(boss)
    assert not found.troubles, "\n".join(found.troubles)
    assert found.kinds() >= REACHED | {"admin:warehouse_park_edit", "admin:imports_start"}


@pytest.mark.parametrize("group", ["Viewers", "Operators"])
def test_every_link_opens_for_whoever_it_is_shown_to(desk, group):
    that_have_rows = f"{rows}?park={desk.park.pk}&from={desk.newest}&to={desk.newest}"
    found = crawl(somebody(group), park(desk.park.pk), that_have_rows, whatever_is_asked=False)
    assert not found.troubles, "\n".join(found.troubles)
    assert found.kinds() >= REACHED
    assert ("admin:imports_start" in found.kinds()) == (group == "Operators")
    assert "admin:warehouse_park_edit" not in found.kinds()


# --- the ways that matter ---------------------------------------------------------------------------------------------
def change(name: str) -> Callable[[int], str]:
    return lambda pk: reverse(f"admin:{name}_change", args=[pk])


park, ride, finding = change("warehouse_park"), change("warehouse_ride"), change("quality_dataqualitylog")
day_file, an_import = change("imports_importedfile"), change("imports_importcheckpoint")
rows, findings = (
    reverse("admin:warehouse_ridestatussnapshot_changelist"),
    reverse("admin:quality_dataqualitylog_changelist"),
)
start, coverage = reverse("admin:imports_start"), reverse("admin:imports_importedfile_coverage")


def over_time(what: str, pk: int) -> str:
    return reverse(f"admin:warehouse_{what}_over_time", args=[pk])


def day(of: Desk) -> str:
    return f"{reverse('admin:warehouse_park_day', args=[of.park.pk])}?day={of.newest}"


#: from where, to what its page links; a way ends with "*" where more is asked of the page than stands here
WAYS: dict[str, Callable[[Desk], tuple[str, list[str]]]] = {
    "a park": lambda of: (
        park(of.park.pk),
        [
            reverse("admin:warehouse_park_edit", args=[of.park.pk]),
            f"{findings}?park={of.park.pk}",
            f"{findings}?park={of.park.pk}&reason=frozen_wait",
            f"{findings}?*entity_key__exact={of.park.destination_wiki_id}*",
            f"{coverage}#park-{of.park.pk}",
            f"{coverage}?park={of.park.pk}&month={of.newest:%Y-%m}#days",
            day_file(of.unreadable.pk),
            day_file(of.imported.pk),
            an_import(of.failed.pk),
            f"{start}?park={of.park.pk}*days=missing*",
            over_time("park", of.park.pk),
            day(of),
            f"{rows}?park={of.park.pk}*",
            ride(of.ride.pk),
            f"{reverse('admin:warehouse_ride_changelist')}?park__park_id__exact={of.park.pk}",
            f"{reverse('admin:imports_parkfreshness_changelist')}?q=*",
            f"{reverse('admin:warehouse_parkhours_changelist')}?park__park_id__exact={of.park.pk}",
            f"{reverse('admin:warehouse_metadatachange_changelist')}?park__park_id__exact={of.park.pk}",
            reverse("admin:warehouse_park_history", args=[of.park.pk]),
        ],
    ),
    "a ride": lambda of: (
        ride(of.ride.pk),
        [
            reverse("admin:warehouse_ride_edit", args=[of.ride.pk]),
            park(of.park.pk),
            reverse("admin:warehouse_entitymetadata_change", args=[of.ride.metadata.get().pk]),
            finding(of.adopted.pk),
            f"{coverage}#park-{of.park.pk}",
            an_import(of.done.pk),
            over_time("ride", of.ride.pk),
            f"{day(of)}&ride={of.ride.pk}",
            f"{rows}?ride={of.ride.pk}*",
            f"{reverse('admin:warehouse_metadatachange_changelist')}?ride__ride_id__exact={of.ride.pk}",
            reverse("admin:warehouse_ride_history", args=[of.ride.pk]),
        ],
    ),
    "a ride that was in another park": lambda of: (ride(of.moved.pk), [park(of.park.pk), park(of.other.pk)]),
    "an import": lambda of: (
        an_import(of.done.pk),
        [
            park(of.park.pk),
            f"{findings}?park={of.park.pk}*reason=frozen_wait",
            f"{findings}?*entity_key__exact={of.park.destination_wiki_id}*reason=unreadable_file",
            day_file(of.unreadable.pk),
            finding(of.of_file.pk),
            f"{start}?park={of.park.pk}&from={of.unreadable.file_date}&to={of.unreadable.file_date}*",
        ],
    ),
    "a file that could not be read": lambda of: (
        day_file(of.unreadable.pk),
        [
            park(of.park.pk),
            finding(of.of_file.pk),
            an_import(of.done.pk),
            f"{start}?park={of.park.pk}&from={of.unreadable.file_date}&to={of.unreadable.file_date}&days=all&source=/archive",
            f"{rows}?park={of.park.pk}&from={of.unreadable.file_date - ONE_DAY}&to={of.unreadable.file_date}",
            f"{coverage}?park={of.park.pk}&month={of.unreadable.file_date:%Y-%m}#days",
            f"{findings}?park={of.park.pk}&from={of.unreadable.file_date}*",
        ],
    ),
    "a red day of coverage": lambda of: (
        f"{coverage}?park={of.park.pk}&month={of.unreadable.file_date:%Y-%m}",
        [day_file(of.unreadable.pk)],
    ),
    "the finding of a file": lambda of: (
        finding(of.of_file.pk),
        [park(of.park.pk), day_file(of.unreadable.pk), f"{start}?*from={of.unreadable.file_date}*"],
    ),
    "the finding of a ride": lambda of: (
        finding(of.of_ride.pk),
        [
            ride(of.ride.pk),
            park(of.park.pk),
            an_import(of.done.pk),
            day_file(of.imported.pk),
            f"{rows}?ride={of.ride.pk}&from={of.newest - ONE_DAY}&to={of.newest}",
            f"{reverse('admin:warehouse_park_day', args=[of.park.pk])}?day={of.newest - ONE_DAY}&ride={of.ride.pk}",
            f"{findings}?*reason=frozen_wait*",
        ],
    ),
    "the finding of a park": lambda of: (
        finding(of.of_park.pk),
        [park(of.park.pk), f"{rows}?park={of.park.pk}*", day_file(of.missing.pk)],
    ),
    "a day of a park": lambda of: (day(of), [over_time("park", of.park.pk), f"{rows}?park={of.park.pk}*"]),
    "a park over time": lambda of: (over_time("park", of.park.pk), [park(of.park.pk), f"{day(of)}*"]),
    "a ride over time": lambda of: (over_time("ride", of.ride.pk), [ride(of.ride.pk)]),
    "a raw row": lambda of: (
        reverse("admin:warehouse_ridestatussnapshot_change", args=[of.snapshot_id]),
        [ride(of.ride.pk)],
    ),
    "the raw rows of a park": lambda of: (
        f"{rows}?park={of.park.pk}&from={of.newest}&to={of.newest}",
        [ride(of.ride.pk), reverse("admin:warehouse_ridestatussnapshot_change", args=[of.snapshot_id])],
    ),
    "the list of rides": lambda of: (
        reverse("admin:warehouse_ride_changelist"),
        [ride(of.ride.pk), park(of.park.pk), over_time("ride", of.ride.pk)],
    ),
    "the list of parks": lambda of: (
        reverse("admin:warehouse_park_changelist"),
        [
            park(of.park.pk),
            over_time("park", of.park.pk),
            f"{reverse('admin:warehouse_ride_changelist')}?park__park_id__exact={of.park.pk}",
        ],
    ),
    "the form of a park": lambda of: (reverse("admin:warehouse_park_edit", args=[of.park.pk]), [park(of.park.pk)]),
    "the form of a ride": lambda of: (reverse("admin:warehouse_ride_edit", args=[of.ride.pk]), [ride(of.ride.pk)]),
    "live freshness": lambda of: (reverse("admin:imports_parkfreshness_changelist"), [park(of.park.pk)]),
}


def fits(way: str, url: str) -> bool:
    """Whether an address is one that is looked for."""
    parts, at = way.split("*"), 0
    for part in parts:
        at = url.find(part, at)
        if at < 0:
            return False
        at += len(part)
    return url.startswith(parts[0]) and (not parts[-1] or url.endswith(parts[-1]))


def test_the_ways_that_matter_are_there(desk, boss):
    lacking = []
    for name, of in WAYS.items():
        at, ways = of(desk)
        shown = {unquote_plus(url) for url in links_of(boss.get(at).content.decode(), at)}
        lacking += [f"{name} ({at}) does not lead to {way}" for way in ways if not any(fits(way, url) for url in shown)]
    assert not lacking, "\n".join(lacking)


# --- counts and what they count ---------------------------------------------------------------------------------------
def test_a_count_of_findings_is_what_its_list_shows(desk, boss):
    def listed(url: str) -> int:
        return boss.get(url).context["cl"].result_count

    for page in (park(desk.park.pk), ride(desk.ride.pk)):
        section = next(each for each in boss.get(page).context["sections"] if each.slug == "findings")
        to_do, *_ = section.facts
        assert listed(to_do.url) == int(to_do.value) > 0
        for listing in section.listings:
            for row in listing.rows:
                counted = [cell for cell in row if f"{getattr(cell, 'said', cell)}".isdecimal()]
                url = next((cell.url for cell in reversed(row) if hasattr(cell, "url")), "")
                if counted and url.startswith(findings):
                    (count,) = counted
                    assert listed(url) == int(getattr(count, "said", count)) > 0, url
    shown = boss.get(an_import(desk.done.pk)).context["findings"]
    rows_of = [*shown.of_park, *shown.of_destination]
    assert {row.title for row in rows_of} >= {"Missing days", "Unreadable file"}
    for row in rows_of:
        assert (listed(row.url), listed(row.all_url)) == (row.waiting, row.waiting + row.closed), row.title
    assert desk.newest - ONE_DAY == desk.unreadable.file_date
