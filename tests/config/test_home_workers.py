"""Processes of clusters that make no round: told beside living ones, until they are known to have ended."""

from datetime import timedelta

import pytest
from django.db.models.functions import Now
from django.utils import timezone

from config.healthz import TOLD
from config.home import home
from imports.archive.process import process_token
from imports.workers.models import DIED, NO_ROUND, Role, Worker

pytestmark = pytest.mark.django_db


def attention() -> dict[str, str]:
    found = home(lambda permission: True, timezone.now(), only=["workers"])
    return {each.key: each.said for each in found.attention}


def trouble() -> set[str]:
    """Of what /healthz tells, which asks over a connection of its own."""
    (part,) = home(lambda permission: True, timezone.now(), only=["workers"]).parts
    return {figure.key for figure in part.figures if figure.trouble} & set(TOLD["workers"])


def silent(name: str, role: Role, seconds: int) -> None:
    Worker.seen(name, "", role)
    Worker.objects.filter(name=name).update(seen_at=Now() - timedelta(seconds=seconds))


@pytest.fixture
def living():
    Worker.seen("host/1/1/0", "")


@pytest.mark.usefixtures("living")
@pytest.mark.parametrize("role", Role)
def test_whatever_makes_no_round_for_two_minutes_is_told_beside_a_living_worker(role):
    silent("other/2/1/0", role, 115)
    assert "workers.silent" not in attention()
    assert trouble() == set()
    silent("other/2/1/0", role, 200)
    assert attention()["workers.silent"].startswith(f"The {role} other, process 2 made no round for 3 min 20 s: it is")
    assert trouble() == {"silent"}
    Worker.seen("other/2/1/0", "", role)  # it woke up
    assert attention() == {}
    assert trouble() == set()


@pytest.mark.usefixtures("living")
def test_what_has_ended_by_itself_or_was_killed_on_this_machine_is_no_trouble():
    silent("other/2/1/0", Role.WORKER, 3_600)
    Worker.ended(["other/2/1/0"])
    host, _, start, machine = process_token().split("/")
    killed = f"{host}/{2**22 + 1}/{start}/{machine}"  # more than any number of a process
    silent(killed, Role.WORKER, 3_600)
    silent(f"{host}/77/{start}/another-boot", Role.PUSHER, 3_600)
    assert "another-boot" not in str(attention()) and f"The pusher {host}" in attention()["workers.silent"]
    Worker.bury()
    assert attention() == {}
    assert set(Worker.objects.filter(ended_by=DIED).values_list("role", flat=True)) == {Role.WORKER, Role.PUSHER}


@pytest.mark.usefixtures("living")
def test_one_that_was_replaced_is_told_for_a_day_and_is_no_trouble_of_healthz():
    Worker.seen("other/2/1/0", "", Role.MONITOR)
    Worker.ended(["other/2/1/0"], f"{NO_ROUND}: it had made no round for 120 s")
    assert "1 process of the workers made no round" in attention()["workers.replaced"]
    assert "the monitor other, process 2" in attention()["workers.replaced"]
    assert trouble() == set()
    Worker.objects.exclude(ended_by="").update(ended_at=Now() - timedelta(hours=25))
    assert attention() == {}
