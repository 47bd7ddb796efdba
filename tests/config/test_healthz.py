"""/healthz: what monitors and load balancers ask, who have no login, no cookie and no patience."""

import json
from datetime import timedelta

import pytest
from django.db import connection
from django.db.models.functions import Now
from django.test import Client
from django.utils import timezone

from config.healthz import TOLD, health
from config.home import home
from imports.workers.models import Worker
from tests.imports.desk import new_import, park, queries_of_a_page, running, touching_facts
from tests.nowhere import nowhere as nowhere
from warehouse.models import StorageMetrics
from warehouse.partitioning import health as partitions
from warehouse.server.dialect import is_mariadb

pytestmark = pytest.mark.django_db(transaction=True)  # it asks over a connection of its own


@pytest.fixture
def well(monkeypatch):
    Worker.seen("host/1/1/0", "")
    monkeypatch.setattr(partitions, "MONTHS_AHEAD_AT_LEAST", 0)


def asked(path: str = "/healthz", **headers: str) -> tuple[int, dict]:
    answer = Client().get(path, **headers)
    return answer.status_code, json.loads(answer.content)


def test_it_says_what_is_not_well_by_status_and_key(well):
    assert asked()[0] == 200
    Worker.objects.update(seen_at=Now() - timedelta(seconds=60))
    assert asked()[0] == 200, "a cluster that is restarted"
    Worker.objects.update(seen_at=Now() - timedelta(seconds=121))
    status, told = asked()
    assert (status, told["trouble"], told["well"]) == (503, ["workers.heartbeat", "workers.silent"], False)
    now = timezone.now()
    StorageMetrics.objects.create(
        table_name="rides",
        measurement_date=now.date() - timedelta(days=3),
        measured_at=now - timedelta(days=3),
        row_count=1,
        data_size_mb=1,
        index_size_mb=1,
    )
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO ride_status_snapshots (snapshot_id, ride_id, recorded_at, status, computed_is_open) "
            "VALUES (1, 1, '1970-01-01', 'OPERATING', 1)"
        )
    assert set(asked()[1]["trouble"]) == {
        "workers.heartbeat",
        "workers.silent",
        "storage.measured",
        "partitions.boundaries_with_rows",
    }


def test_a_table_that_is_not_there_is_trouble_of_its_part(well):
    with connection.cursor() as cursor:
        cursor.execute("RENAME TABLE workers TO workers_aside")
    try:
        status, told = asked()
    finally:
        with connection.cursor() as cursor:
            cursor.execute("RENAME TABLE workers_aside TO workers")
    assert status == 503
    assert told["trouble"] == [f"workers.{key}" for key in TOLD["workers"]]
    assert "workers_aside" not in json.dumps(told)


def test_a_database_that_is_away_is_503_at_once_and_says_nothing_of_where_it_is(nowhere):
    status, told = asked()
    assert (status, told["trouble"]) == (503, ["database"])
    assert "nowhere" not in json.dumps(told)


def test_a_load_balancer_asks_for_the_database_alone():
    assert asked("/healthz")[0] == 503  # no worker is alive
    status, told = asked("/healthz?only=database")
    assert (status, set(told)) == (200, {"well", "as_of", "trouble", "database"})


@pytest.mark.parametrize("path", ["/healthz", "/healthz/"])
def test_it_needs_no_host_no_https_no_login_and_leaves_no_cookie(settings, well, path):
    settings.SECURE_SSL_REDIRECT, settings.ALLOWED_HOSTS, settings.DEBUG = True, ["warehouse.example.org"], False
    answer = Client().get(path, HTTP_HOST="10.0.0.7:8000")
    assert answer.status_code == 200
    assert not answer.cookies
    assert answer["Cache-Control"] == "no-store"
    assert int(answer["Content-Length"]) == len(answer.content)
    head = Client().head(path, HTTP_HOST="10.0.0.7:8000")
    assert (head.status_code, head.content) == (200, b"")
    assert Client().post(path).status_code == 405


def test_it_is_cheap_and_reads_no_fact(well):
    running(new_import(park()))
    if not is_mariadb():
        home(lambda permission: True, timezone.now(), only=TOLD)  # on MySQL one question came once, now and then
    with queries_of_a_page() as sql:
        home(lambda permission: True, timezone.now(), only=TOLD)
    assert not touching_facts(sql)
    assert len(sql) < 25, sql


def test_what_is_told_are_figures_of_the_home_page():
    parts = {part.key: {figure.key for figure in part.figures} for part in home(lambda _: True, timezone.now()).parts}
    for part, keys in TOLD.items():
        assert set(keys) <= parts[part]
    assert health(timezone.now())["workers"]["heartbeat"] == {"value": None, "trouble": True}
