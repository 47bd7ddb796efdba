"""The sidebar of every page, in the order of an operator's day: daily work first, django-q's own lists last.

Django makes it from models, an app after the other; some pages that operators live in are nobody's list (coverage,
storage, partitions), and they are put beside the lists.
"""

from dataclasses import dataclass, field

from django.contrib.admin.sites import AdminSite
from django.http import HttpRequest
from django.urls import NoReverseMatch, reverse


@dataclass(frozen=True)
class Page:
    """A page that is nobody's list: its title, the name of its address, and the permission to look at it."""

    title: str
    name: str
    permission: str


@dataclass(frozen=True)
class Group:
    """A heading with what stands under it: pages, and the lists of models (label of app and name of model)."""

    title: str
    key: str
    entries: tuple[Page | str, ...] = field(default=())


GROUPS = (
    Group(
        "Daily work",
        "daily",
        (
            "imports.importcheckpoint",
            Page("Coverage", "imports_importedfile_coverage", "imports.view_importedfile"),
            "quality.dataqualitylog",
            Page("Waits and downtime", "warehouse_park_changelist", "warehouse.view_ridestatussnapshot"),
            Page("Storage", "warehouse_storage", "warehouse.view_storagemetrics"),
            Page("Partitions", "warehouse_partitions", "warehouse.view_storagemetrics"),
        ),
    ),
    Group(
        "Live and jobs",
        "jobs",
        ("imports.parkfreshness", "imports.livecollection", "django_q.schedule", "imports.worker", "imports.pause"),
    ),
    Group(
        "Warehouse",
        "warehouse",
        (
            "warehouse.park",
            "warehouse.ride",
            "warehouse.parkhours",
            "warehouse.ridestatussnapshot",
            "warehouse.queuedata",
            "imports.importedfile",
            "warehouse.entitymetadata",
            "warehouse.metadatachange",
            "warehouse.storagemetrics",
        ),
    ),
    Group("Queue", "queue", ("django_q.ormq", "django_q.failure", "django_q.success")),
    Group(
        "People",
        "people",
        ("auth.user", "auth.group", "axes.accessattempt", "axes.accessfailurelog", "axes.accesslog"),
    ),
)
OTHERS = "More"
#: what we call a list of django-q's or django-axes', whose models are not ours to name
NAMES = {
    "django_q.schedule": "Recurring jobs",
    "axes.accessattempt": "Locked out now",
    "axes.accessfailurelog": "Failed sign-ins",
    "axes.accesslog": "Sign-ins",
}


def arranged(site: AdminSite, request: HttpRequest, apps: list[dict]) -> list[dict]:
    """`apps` of AdminSite.get_app_list in the order of GROUPS, in the shape of its templates. A list that GROUPS does
    not know stands at the end, so that none is lost.
    """
    lists = {f"{app['app_label']}.{model['object_name'].lower()}": model for app in apps for model in app["models"]}
    found = []
    for group in GROUPS:
        entries = [_entry(entry, lists, request) for entry in group.entries]
        found.append(_group(group.title, group.key, [entry for entry in entries if entry]))
    found.append(_group(OTHERS, "more", list(lists.values())))
    shown = [group for group in found if group["models"]]
    _mark_current(shown, request.path)
    return shown


def _entry(entry: Page | str, lists: dict[str, dict], request: HttpRequest) -> dict | None:
    if isinstance(entry, str):
        listed = lists.pop(entry, None)
        return listed and {**listed, "name": NAMES.get(entry, listed["name"])}
    if not request.user.has_perm(entry.permission):
        return None
    try:
        url = reverse(f"admin:{entry.name}")
    except NoReverseMatch:
        return None
    return {"name": entry.title, "object_name": entry.title.replace(" ", "-"), "admin_url": url, "view_only": True}


def _group(title: str, key: str, models: list[dict]) -> dict:
    return {"name": title, "app_label": key, "models": models}


def _mark_current(groups: list[dict], path: str) -> None:
    """Of the entries whose address `path` begins with, the longest is where we are: coverage lies below day files."""
    entries = [entry for group in groups for entry in group["models"]]
    here = [entry for entry in entries if entry["admin_url"] and path.startswith(entry["admin_url"])]
    longest = max((len(entry["admin_url"]) for entry in here), default=0)
    first = next((entry for entry in here if len(entry["admin_url"]) == longest), None)
    for group in groups:
        for entry in group["models"]:
            entry["current"] = entry is first
        group["current"] = any(entry["current"] for entry in group["models"])
