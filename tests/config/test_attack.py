"""A sample of the attack by script: no parameter of any page is answered with a 500, and nobody writes what he may not.

The whole of it takes a quarter of an hour and is run by hand: tests/config/trial_attack.py.
"""

import os

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone

from tests.attacking import OF_ONESELF, Request, Site, attack, checksums, plant_more, sample
from tests.imports.desk import somebody
from tests.planted_desk import plant_desk
from warehouse.models import EntityMetadata, Park

pytestmark = pytest.mark.django_db

SEED = int(os.environ.get("ATTACK_SEED", "16"))
#: What the groups may write, as their permissions in imports.admin.groups have it.
OF_OPERATORS = OF_ONESELF | {
    "import_checkpoints", "import_previews", "django_q_ormq", "pauses", "django_q_schedule", "django_admin_log",
    "data_quality_log", "data_quality_moves", "data_quality_batches",
}  # fmt: skip


@pytest.fixture
def site(settings, tmp_path) -> Site:
    settings.ARCHIVE_URL, settings.ARCHIVE_ROOTS = str(tmp_path), [str(tmp_path)]
    boss = User.objects.create_superuser("boss")
    plant_desk(timezone.now(), boss)
    plant_more(boss)
    client = Client()
    client.force_login(boss)
    return Site(client)


def test_a_sample_meets_no_error_and_writes_nothing_that_is_not_allowed(site):
    site.looked_at, site.seed = 25, SEED
    requests = sample(site, 200, SEED)
    anonymous, viewer, operator = Client(), somebody("Viewers"), somebody("Operators")
    before = checksums()
    for client in (anonymous, viewer):
        done = attack(client, requests[:60], keep=True)
        assert not done.troubles, "\n".join(done.troubles)
        assert done.written.keys() <= OF_ONESELF, done.written
    assert checksums() == before
    done = attack(operator, requests[:60])
    assert not done.troubles, "\n".join(done.troubles)
    assert done.written.keys() <= OF_OPERATORS, done.written
    done = attack(site.boss, requests)
    assert not done.troubles, "\n".join(done.troubles)


#: What the whole attack has met before it was mended; the path, then the query or the body that was posted.
FOUND = [
    ("GET", "/admin/warehouse/parkhours/csv/", "day__year=1" + "0" * 30),
    ("GET", "/admin/warehouse/parkhours/", "day__year=1" + "0" * 30),
    ("GET", "/admin/auth/group/", "id__regex=%28"),
    ("GET", "/admin/warehouse/parkhours/add/", "park=" + "9" * 5_000),
    ("GET", "/admin/warehouse/parkhours/add/", "park=%ED%A0%80"),
    ("GET", "/admin/imports/importcheckpoint/progress/", "ids=%C2%B2," + "9" * 5_000),
    ("GET", "/admin/warehouse/ridestatussnapshot/", "park=%C2%B2&from=2025-01-01&to=2025-01-02"),
    ("GET", "/admin/quality/dataqualitylog/", "view=list&ride=" + "9" * 5_000),
    ("GET", "/admin/quality/dataqualitylog/", "view=list&q=" + "9" * 5_000),
    ("GET", "/admin/quality/dataqualitylog/", "view=list&park=" + "9" * 5_000),
    ("POST", "/admin/auth/group/", "action=delete_selected&_selected_action=x"),
    ("POST", "/admin/imports/importcheckpoint/", "action=resume&_selected_action="),
    ("POST", "/admin/quality/dataqualitylog/", "action=investigate&_selected_action=" + "9" * 5_000),
    ("POST", "/admin/warehouse/ride/", "action=give_back_to_the_sync&_selected_action=%C2%B2"),
    ("POST", "/admin/warehouse/ride/add/", "park=%C2%B2&ride_name=Comet"),
    ("POST", "/admin/warehouse/parkhours/add/", "park=" + "9" * 5_000),
    ("POST", "/admin/warehouse/entitymetadata/{metadata}/change/", "initial-tags=[]&tags=" + "9" * 5_000),
    ("POST", "/admin/warehouse/entitymetadata/{metadata}/change/", "initial-tags=[]&tags=" + "%5B" * 100_000),
    ("POST", "/admin/warehouse/park/{park}/tiers/", "tier=%D9%A3:1&tier=" + "9" * 5_000 + ":2"),
]


def test_what_the_attack_found_is_mended(site):
    park, metadata = Park.objects.order_by("pk").first().pk, EntityMetadata.objects.order_by("pk").first().pk
    requests = [
        Request(
            path,
            path.format(park=park, metadata=metadata),
            *(("", sent) if method == "POST" else (sent,)),
            method=method,
        )
        for method, path, sent in FOUND
    ]
    done = attack(site.boss, requests)
    assert not done.troubles, "\n".join(done.troubles)
    assert done.requests == len(FOUND)
