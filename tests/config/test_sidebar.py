"""The sidebar: an operator's day from above to below, nothing lost, and the page one is on is marked, once."""

import re

import pytest
from django.contrib import admin
from django.contrib.auth.models import Group
from django.core.management import call_command
from django.urls import reverse

pytestmark = pytest.mark.django_db


def shown(html: str) -> list[str]:
    nav = html.split('id="nav-sidebar"', 1)[1].split("</nav>", 1)[0]
    return re.findall(r'class="section">([^<]+)<|scope="row"[^>]*><a href="[^"]*"[^>]*>([^<]+)<', nav)


def names(html: str) -> list[str]:
    return [heading or entry for heading, entry in shown(html)]


def test_daily_work_stands_first_and_the_lists_of_the_queue_last(admin_client):
    found = names(admin_client.get(reverse("admin:imports_importcheckpoint_changelist")).content.decode())

    assert found[:7] == ["Daily work", "Imports", "Coverage", "Findings", "Waits and downtime", "Storage", "Partitions"]
    assert found[found.index("Queue") :] == [
        "Queue", "Queued tasks", "Failed tasks", "Successful tasks",
        "People", "Users", "Groups", "Locked out now", "Failed sign-ins", "Sign-ins",
    ]  # fmt: skip
    assert "Recurring jobs" in found
    assert "Scheduled tasks" not in found


def test_no_list_of_the_admin_is_left_out(admin_client):
    page = admin_client.get(reverse("admin:index"))
    entries = [entry["admin_url"] for group in page.context["app_list"] for entry in group["models"]]

    for model in admin.site._registry:
        assert reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist") in entries


@pytest.mark.parametrize(
    ("page", "name"),
    [
        ("imports_importedfile_coverage", "Coverage"),
        ("imports_importedfile_changelist", "Day files"),
        ("warehouse_partitions", "Partitions"),
        ("imports_start", "Imports"),
    ],
)
def test_where_one_is_is_marked_once(admin_client, page, name):
    html = admin_client.get(reverse(f"admin:{page}")).content.decode()
    nav = html.split('id="nav-sidebar"', 1)[1].split("</nav>", 1)[0]

    assert re.findall(r'aria-current="page">([^<]+)<', nav) == [name]


def test_pages_stand_there_for_those_who_may_look_at_them(client, django_user_model):
    call_command("sync_groups", verbosity=0)
    viewer = django_user_model.objects.create_user("vera", is_staff=True)
    client.force_login(viewer)
    page = client.get(reverse("admin:index")).content.decode()
    assert "Coverage" not in page
    assert "whoever manages users puts it into a group" in page

    viewer.groups.add(Group.objects.get(name="Viewers"))
    found = names(client.get(reverse("admin:warehouse_partitions")).content.decode())
    assert found[:3] == ["Daily work", "Imports", "Coverage"]
    assert "People" not in found
