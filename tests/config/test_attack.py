"""A sample of the attack by script: no parameter of any page is answered with a 500, and nobody writes what he may not.

The whole of it takes a quarter of an hour and is run by hand: tests/config/trial_attack.py.
"""

import os

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone

from tests.attacking import OF_ONESELF, Site, attack, checksums, plant_more, sample
from tests.imports.desk import somebody
from tests.planted_desk import plant_desk

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
