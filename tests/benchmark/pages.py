"""Pages of a park, as a client gets them, over one year and five."""

import time
from datetime import date, timedelta
from pathlib import Path

from django.contrib.auth import get_user_model
from django.test import Client, override_settings

from tests.benchmark.commands import manage
from tests.benchmark.imports import FIRST_DAY, archive
from tests.benchmark.ready_made import empty
from tests.benchmark.report import Figure
from warehouse.models import Park

SHOWN = ("year", "months", "hours", "calendar", "reliability", "longest", "times", "parks", "dropped")
BEST_OF = 4


def pages(folder: Path) -> list[Figure]:
    """Of five years of a small destination, the slowest of a park's pages."""
    empty()
    days = 1826
    source = archive(folder, days=days, events=300)
    manage("import_archive", "--source", str(source), "--all")
    client = Client()
    client.force_login(get_user_model().objects.create_superuser("bench"))
    park = Park.objects.order_by("pk")[0]
    last = FIRST_DAY + timedelta(days=days - 1)
    slowest = {}
    with override_settings(ALLOWED_HOSTS=["localhost"], SECURE_SSL_REDIRECT=False):  # whatever the site's are
        for months, first in ((12, last - timedelta(days=364)), (60, FIRST_DAY)):
            slowest[months] = max((_seconds(client, park.pk, show, first, last), show) for show in SHOWN)
    return [
        Figure(f"slowest page of a park over {months} months, s ({show})", [seconds], target="0.3")
        for months, (seconds, show) in slowest.items()
    ]


def _seconds(client: Client, park: int, show: str, first: date, last: date) -> float:
    found = []
    for _ in range(BEST_OF):
        began = time.monotonic()
        answer = client.get(
            f"/admin/warehouse/park/{park}/over-time/", {"from": first, "to": last, "show": show}, HTTP_HOST="localhost"
        )
        found.append(time.monotonic() - began)
        if answer.status_code != 200:
            raise RuntimeError(f"{show}: {answer.status_code}")
    return min(found)
