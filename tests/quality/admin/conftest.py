"""An operator at the triage desk, and a park."""

import pytest

from tests.quality.admin.desk import user
from warehouse.models import Park


@pytest.fixture
def park():
    return Park.objects.create(
        park_name="Lakeside",
        timezone="UTC",
        themeparks_wiki_id="00000000-0000-0000-0000-000000000010",
        destination_wiki_id="00000000-0000-0000-0000-000000000001",
    )


@pytest.fixture
def ann(django_user_model):
    """She may start imports as well, which findings lead to."""
    return user(django_user_model, "ann", "view_dataqualitylog", "triage_dataqualitylog", "operate_imports")


@pytest.fixture
def desk(client, ann):
    client.force_login(ann)
    return client
