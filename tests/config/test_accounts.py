"""Accounts of the database that may do their part and no more: deploy/*.sql as it stands, on the real server."""

import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta
from io import StringIO
from pathlib import Path

import pytest
from django.contrib.auth.models import User
from django.core.management import call_command
from django.db import DatabaseError, OperationalError, connection
from django.test import Client
from django.utils import timezone
from django_q.models import Schedule

from config.home import home
from config.server_away import page
from config.tasks import forget_old_sign_ins
from imports.models import ImportCheckpoint, ImportPreview, Pause
from imports.workers import preview_task
from imports.workers.models import Worker
from quality.models import DataQualityLog
from tests.imports.building import event, write_day
from tests.imports.desk import ask, press, somebody
from tests.planted_desk import plant_desk
from warehouse.models import RideStatusSnapshot
from warehouse.partitioning import partitions

pytestmark = pytest.mark.django_db(transaction=True)
DEPLOY = Path(__file__).parents[2] / "deploy"
PASSWORD = "Tr0ut-and-brook"


def statements(file: str) -> list[str]:
    """Of the file, with the names of this test's own database and accounts."""
    sql = re.sub(r"^--.*\n", "", (DEPLOY / file).read_text(), flags=re.MULTILINE)
    name = connection.settings_dict["NAME"]
    sql = sql.replace("`warehouse`", f"`{name}`").replace("'warehouse_", f"'{mark()}_")
    return [each.strip() for each in re.sub(r"'[A-Z]+_PASSWORD'", f"'{PASSWORD}'", sql).split(";") if each.strip()]


def mark() -> str:
    """Accounts are the whole server's: those of this database have its name's end in theirs."""
    return f"t{connection.settings_dict['NAME'][-13:]}"


@pytest.fixture
def accounts() -> Iterator[None]:
    with connection.cursor() as cursor:
        try:
            for sql in [*statements("accounts.sql"), *statements("grants.sql")]:
                cursor.execute(sql)
        except DatabaseError as error:
            if error.args[0] in (1044, 1142, 1227, 1410):
                pytest.skip(f"the account that tests run with may not make others: {error}")
            raise
    yield
    connection.close()
    with connection.cursor() as cursor:
        for who in ("migrator", "worker", "web", "reader"):
            cursor.execute(f"DROP USER IF EXISTS '{mark()}_{who}'@'%'")


@contextmanager
def account(who: str) -> Iterator[None]:
    """Whatever connects meanwhile is this account."""
    before = dict(connection.settings_dict)
    connection.close()
    connection.settings_dict |= {"USER": f"{mark()}_{who}", "PASSWORD": PASSWORD}
    try:
        yield
    finally:
        connection.close()
        connection.settings_dict |= before


def refused(sql: str) -> bool:
    with pytest.raises(DatabaseError) as raised, connection.cursor() as cursor:
        cursor.execute(sql)
    return raised.value.args[0] in (1044, 1142, 1143, 1227)


def call(*arguments: str) -> str:
    said = StringIO()
    call_command(*arguments, stdout=said)
    return said.getvalue()


def test_every_table_is_someones_and_no_other_is_named(accounts):
    named = dict(re.findall(r"`warehouse`\.`(\w+)` TO 'warehouse_(\w+)'", (DEPLOY / "grants.sql").read_text()))
    beside = {name for name in named if name.startswith(f"{RideStatusSnapshot._meta.db_table}_")}
    assert set(named) - beside == set(connection.introspection.table_names())


def test_each_account_does_its_part(accounts, tmp_path, settings):
    settings.ARCHIVE_URL = str(tmp_path)
    settings.PRIVATE_DATABASE, settings.DEBUG = False, True  # else deploy checks the settings of tests for production
    with account("migrator"):
        call_command("migrate", "desk", "zero", verbosity=0)
        said = call("deploy")
        assert "Applying desk." in said and "deploy/grants.sql" in said

    with account("worker"):
        import_check_and_days(tmp_path)
        partitions_change()
        Worker.seen("host/1/1/0", "")
        forget_old_sign_ins()
        assert refused("SELECT password FROM auth_user")
        assert refused("DROP TABLE parks")
        assert refused("ALTER TABLE rides ADD COLUMN x INT")
        assert refused("UPDATE auth_user SET is_superuser = 1")
        assert refused("CREATE TABLE x (a INT)")

    desk = plant_desk(timezone.now(), User.objects.create_superuser("boss", password=PASSWORD))
    operators = somebody("Operators")
    with account("web"):
        the_web_does_its_part(desk, operators)
        for table in ("ride_status_snapshots", "queue_data", "import_files", "ride_days"):
            assert refused(f"DELETE FROM {table}")
            assert refused(f"DROP TABLE {table}")
            assert refused(f"ALTER TABLE {table} COMMENT = 'x'")
            assert refused(f"TRUNCATE {table}")
        assert refused("CREATE TABLE x (a INT)")
        assert refused("UPDATE django_q_schedule SET func = 'os.system'")
        assert refused("UPDATE axes_accesslog JOIN workers SET doing = 'x'")

    with account("worker"):
        call("collect_storage_metrics")
        assert home(lambda permission: True, timezone.now()).actions
        with suppress(SystemExit):  # 1 where something needs attention
            call("status", "--night")

    with account("reader"):
        month = f"{desk.newest:%Y-%m}"
        assert month in call("ask", "park-days", "--park", str(desk.park.pk), "--from", month, "--to", month)
        call("export_history", "--to", str(tmp_path / "export"))
        for table in ("auth_user", "django_session", "axes_accesslog", "django_q_task"):
            assert refused(f"SELECT * FROM {table}")
        assert refused("DELETE FROM parks")


def test_a_page_that_its_account_may_not_do_says_so_and_is_no_error_of_ours(rf):
    denied = OperationalError(1142, "DELETE command denied to user 'web' for table 'queue_data'")
    answer = page(rf.post("/admin/x/"), denied)
    assert answer.status_code == 403
    assert "DELETE command denied" in answer.content.decode()
    assert "Accounts of the database" in answer.content.decode()
    assert "Nothing was changed" in answer.content.decode()


def import_check_and_days(folder: Path) -> None:
    """A day of a month that has no partition yet, with one event that is doubtful."""
    day = partitions.month_of(timezone.now().date() - timedelta(days=900))
    write_day(folder, [event(day=day), event("11:00:00Z", day=day, status="CLOSED"), {"eventTime": "x"}], day)
    call("import_archive", "--all", "--source", str(folder))
    assert ImportCheckpoint.objects.get().status == "COMPLETED"
    assert RideStatusSnapshot.objects.count() == 2
    assert DataQualityLog.objects.exists()
    call("check_quality", "--from", str(day), "--to", str(day))
    call("rebuild_days")


def partitions_change() -> None:
    call("maintain_partitions")
    call("maintain_partitions", "--compact")
    call("partition_snapshots", "rollback")
    call("partition_snapshots", "cleanup")
    call("partition_snapshots", "apply")
    call("partition_snapshots", "cleanup")


def the_web_does_its_part(desk, operators: Client) -> None:
    boss = Client()
    assert boss.post("/admin/login/", {"username": "boss", "password": "wrong"}).status_code == 200
    assert boss.post("/admin/login/", {"username": "boss", "password": PASSWORD}).status_code == 302
    for path in (
        "/admin/", "/admin/imports/importcheckpoint/", f"/admin/warehouse/park/{desk.park.pk}/day/?day={desk.newest}",
        f"/admin/warehouse/park/{desk.park.pk}/over-time/", f"/admin/warehouse/ride/{desk.ride.pk}/change/",
        "/admin/warehouse/storagemetrics/storage/", "/admin/warehouse/storagemetrics/partitions/",
        "/admin/imports/importedfile/coverage/", "/admin/quality/dataqualitylog/", "/admin/imports/worker/",
        "/admin/django_q/schedule/", "/admin/auth/user/", "/admin/axes/accessfailurelog/",
    ):  # fmt: skip
        assert boss.get(path).status_code == 200, path
    assert b'"error"' not in boss.get("/healthz").content
    made = boss.post("/admin/warehouse/storagemetrics/partitions/", follow=True).content.decode()
    assert "may not change" in made or "Every month has its partition" in made

    press(operators, "dismiss", desk.failed, why="known")
    desk.failed.refresh_from_db()
    assert desk.failed.dismissed_at is not None
    finding = f"/admin/quality/dataqualitylog/{desk.of_ride.pk}/triage/"
    operators.post(finding, {"move": "RESOLVED", "note": "a trial", "shown": "OPEN"})
    assert DataQualityLog.objects.get(pk=desk.of_ride.pk).resolution_status == "RESOLVED"
    park = f"/admin/warehouse/park/{desk.other.pk}"
    shown = boss.get(f"{park}/edit/").context["adminform"].form
    form = {name: shown[name].value() or "" for name in shown.fields}
    form |= {f"initial-{name}": value for name, value in form.items()}
    assert boss.post(f"{park}/change/", form | {"timezone": "Asia/Tokyo"}).status_code == 302
    job = Schedule.objects.get(name="Check quality")
    form = {"enabled": "on", "how": "day", "at": "04:15", "minutes": "", "cron": "", "weekday": "", "day": ""}
    assert boss.post(f"/admin/django_q/schedule/{job.pk}/change/", form).status_code == 302
    assert Schedule.objects.get(pk=job.pk).cron == "15 4 * * *"
    for move in ("pause", "resume"):
        operators.post("/admin/imports/pause/everything/", {"move": move, "why": "a trial"})
        assert Pause.objects.filter(ended_at=None).exists() == (move == "pause")
    _, url = ask(operators, everything="on")
    with account("worker"):
        preview_task.look(ImportPreview.objects.latest("pk").pk)
    assert operators.get(url).status_code == 200
