"""Read access is given on one page, and whoever holds rights without a way to log in is told of."""

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Group, User
from django.core.management import call_command
from django.urls import reverse

from tests.warehouse.admin.day_pages import rows_of_csv

pytestmark = pytest.mark.django_db
ADD = "admin:auth_user_add"


@pytest.fixture
def viewers():
    call_command("sync_groups", verbosity=0)
    return Group.objects.get(name="Viewers")


def asked(**more) -> dict:
    word = "a long sentence of words"
    return {"username": "vera", "usable_password": "true", "password1": word, "password2": word, **more}


def said(page) -> str:
    return " ".join(str(message) for message in page.context["messages"])


def test_one_page_makes_a_user_who_can_log_in_and_look(admin_client, viewers, client):
    admin_client.post(reverse(ADD), asked(is_staff="on", groups=[viewers.pk]), follow=True)

    assert client.login(username="vera", password="a long sentence of words")
    assert client.get(reverse("admin:imports_importcheckpoint_changelist")).status_code == 200


def test_the_staff_box_is_ticked_and_explained(admin_client, viewers):
    page = admin_client.get(reverse(ADD))

    assert page.context["adminform"].form["is_staff"].initial is True
    assert "right password is refused" in page.content.decode()
    assert "Viewers look at everything" in page.content.decode()


def test_one_who_holds_rights_and_cannot_log_in_is_told_of(admin_client, viewers):
    made = admin_client.post(reverse(ADD), asked(groups=[viewers.pk]), follow=True)

    assert "vera cannot log in here: tick Staff status" in said(made)
    assert "no: Staff status is not ticked" in admin_client.get(reverse("admin:auth_user_changelist")).content.decode()


def test_one_who_can_log_in_and_sees_nothing_is_told_of(admin_client, viewers):
    made = admin_client.post(reverse(ADD), asked(is_staff="on"), follow=True)

    assert "vera can log in and see nothing yet" in said(made)
    assert User.objects.get(username="vera").is_staff


def test_the_history_says_what_rights_somebody_had_and_has(admin_client, viewers):
    admin_client.post(reverse(ADD), asked(is_staff="on", groups=[viewers.pk]))
    vera = User.objects.get(username="vera")
    url = reverse("admin:auth_user_change", args=[vera.pk])
    shown = admin_client.get(url).context["adminform"].form
    posted = {name: "" for name in shown.fields if name not in ("password", "user_permissions", "is_superuser")}
    operators = Group.objects.get(name="Operators")
    posted |= {"username": "vera", "is_active": "on", "groups": [operators.pk], "date_joined_0": "2026-11-26"}
    answer = admin_client.post(url, posted | {"date_joined_1": "03:00:00"})

    assert answer.status_code == 302, answer.context["adminform"].form.errors
    added, changed = [entry.get_change_message() for entry in LogEntry.objects.order_by("pk")]
    assert "groups: (none) → Viewers" in added
    assert "groups: Viewers → Operators" in changed
    assert "is_staff: True → False" in changed
    assert "sentence" not in added + changed


def test_who_may_what_can_be_taken_as_a_csv(admin_client, viewers):
    admin_client.post(reverse(ADD), asked(groups=[viewers.pk]))

    users = rows_of_csv(admin_client.get(reverse("admin:auth_user_csv")))
    assert [(row["username"], row["may log in"], row["groups"]) for row in users][-1] == (
        "vera", "no: Staff status is not ticked", "Viewers",
    )  # fmt: skip
    groups = rows_of_csv(admin_client.get(reverse("admin:auth_group_csv")))
    assert {row["name"]: row["members"] for row in groups} == {"Viewers": "vera", "Operators": "", "Configurers": ""}
