"""Ready-made groups: viewing, operating and configuring are separate permissions, and each group holds the ones before.

Managing users stays with superusers: whoever may change users may become anybody.
"""

from collections.abc import Iterator

from django.contrib.auth.models import Group, Permission
from django.db.models import Q, QuerySet

APPS = ("warehouse", "quality", "imports")

VIEWING = Q(content_type__app_label__in=[*APPS, "django_q"], codename__startswith="view_")
OPERATING = (
    Q(content_type__app_label="imports", codename="operate_imports")
    | Q(content_type__app_label="quality", codename="triage_dataqualitylog")
    | Q(content_type__app_label="axes", codename__in=["view_accessattempt", "view_accessfailurelog", "view_accesslog"])
)
CONFIGURING = (
    Q(content_type__app_label="django_q", codename="change_schedule")
    | Q(content_type__app_label="warehouse", codename="maintain_partitions")
    | Q(content_type__app_label="warehouse", codename__in=["change_park", "change_ride", "change_entitymetadata"])
    | Q(content_type__app_label="warehouse", codename__in=["add_park", "add_ride"])
    | Q(content_type__app_label="warehouse", codename__in=["add_parkhours", "change_parkhours"])
)
GROUPS = {
    "Viewers": VIEWING,
    "Operators": VIEWING | OPERATING,
    "Configurers": VIEWING | OPERATING | CONFIGURING,
}


def sync(*, reset: bool = False) -> Iterator[str]:
    """Make the groups that are missing; with `reset` give those that are there the permissions they come with."""
    for name, holds in GROUPS.items():
        group, made = Group.objects.get_or_create(name=name)
        wanted = _permissions(holds)
        if made or reset:
            group.permissions.set(wanted)
            yield f"{name}: {'made' if made else 'reset'}, {wanted.count()} permissions"
        elif lacking := sorted(set(wanted) - set(group.permissions.all()), key=str):
            # an operator may have taken them away on purpose: said, not done
            names = ", ".join(permission.codename for permission in lacking)
            yield f"{name}: kept as it is; --reset would add {names}"
        else:
            yield f"{name}: as it comes"


def _permissions(holds: Q) -> QuerySet[Permission]:
    return Permission.objects.filter(holds).distinct()
