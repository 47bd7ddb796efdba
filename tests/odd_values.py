"""What SQL may write into a column that no form of ours would: each page shows it, as odd as it is, or says so."""

import resource
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from django.conf import settings
from django.contrib import admin
from django.contrib.auth.models import Group, User
from django.db import DatabaseError, connection, models, transaction
from django.test import Client
from django.urls import reverse

from tests.attacking import Attacked, Request, attack
from warehouse.models import EntityMetadata, Park, Ride

TEXTS = ("", "\x1b[2J\u202ex\u2028\x00", "../../etc/passwd", "Mars/Phobos", "<b>&'\"", "٣", "%s {0}", "\\")
JSONS = (
    "5", '"x"', "[]", "{}", "null", "[5]", '[{"tag": 5}]', '[{"tag": {"a": []}, "value": [1]}]', '[["x"], null]',
    '{"examples": {}, "files": [1], "values": [2]}', '{"examples": [[], 5, null], "values": {"a": "b"}}', "1e999",
    '{"a": {"b": [null]}, "timezone": ["x"]}', '["\\ud83c\\u0000\\u202e"]',
)  # fmt: skip
TRUTHS = (2, -1, 127)
NUMBERS = (-1, 0, 2**15 - 1, 2**31 - 1, 2**63 - 1)
INSTANTS = ("0001-01-01 00:00:00", "9999-12-31 23:59:59", "1000-01-01 00:00:00")
GROWTH_MAX_BYTES = 500_000_000
OURS = {"warehouse", "quality", "imports", "django_q"}


@dataclass(frozen=True)
class Odd:
    """A column of a table, and what is written there."""

    model: type[models.Model]
    field: models.Field
    value: object

    def __str__(self) -> str:
        return f"{self.model._meta.db_table}.{self.field.column} = {self.value!r}"


def odds() -> Iterator[Odd]:
    """Of every column of a model that the admin shows."""
    shown = [*admin.site._registry]
    for model in dict.fromkeys(shown):
        if model in (User, Group) or model._meta.proxy or model._meta.app_label not in OURS:
            continue
        for field in model._meta.concrete_fields:
            if field.primary_key or field.is_relation:
                continue
            for value in _values(field):
                yield Odd(model, field, value)


def _values(field: models.Field) -> tuple:
    if isinstance(field, models.JSONField):
        return JSONS
    if isinstance(field, models.DateTimeField | models.DateField):
        return INSTANTS
    if isinstance(field, models.BooleanField):
        return TRUTHS
    if isinstance(field, models.IntegerField | models.DecimalField):
        return NUMBERS
    if isinstance(field, models.CharField | models.TextField):
        longest = min(field.max_length or 10_000, 10_000)
        return (*(text[:longest] for text in TEXTS), "\u202e" * longest)
    return ()


def pages_of(odd: Odd) -> list[Request]:
    """Where a row of the model is shown."""
    opts = odd.model._meta
    row = odd.model._base_manager.order_by("pk").first()
    name = f"{opts.app_label}_{opts.model_name}"
    found = [reverse(f"admin:{name}_{page}") for page in ("changelist", "csv")]
    if row is not None:
        found += [reverse(f"admin:{name}_{page}", args=[row.pk]) for page in ("change", "history")]
    park, ride = Park.objects.order_by("pk").first(), Ride.objects.order_by("pk").first()
    if odd.model in (Park, Ride, EntityMetadata) or opts.model_name in ("metadatachange", "parkhours", "parkfreshness"):
        found += [reverse("admin:warehouse_park_change", args=[park.pk])]
        found += [reverse("admin:warehouse_ride_change", args=[ride.pk])]
    if odd.model is Park:
        found += [reverse(f"admin:warehouse_park_{page}", args=[park.pk]) for page in ("over_time", "day", "edit")] + [
            reverse("admin:imports_importedfile_coverage"),
            reverse("admin:imports_start"),
        ]
    return [Request(str(odd), path, way="a page") for path in [*found, reverse("admin:index"), "/healthz"]]


@contextmanager
def _memory_within(more: int) -> Iterator[None]:
    used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    before = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (used + more, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_AS, before)


def look_at(client: Client, odd: Odd) -> Attacked:
    """Write it, open the pages, and take it back. What the server does not take is no trouble. A page that reckons with
    it without end is one: it gets no more memory than GROWTH_MAX_BYTES."""

    class Back(Exception):
        pass

    done = Attacked()
    try:
        with transaction.atomic():
            try:
                with transaction.atomic(), connection.cursor() as cursor:
                    table, column = odd.model._meta.db_table, odd.field.column
                    cursor.execute("SET sql_mode = ''")
                    cursor.execute(f"UPDATE `{table}` SET `{column}` = %s LIMIT 1", [odd.value])
            except DatabaseError:
                return done
            finally:
                with connection.cursor() as cursor:
                    cursor.execute(settings.DATABASES["default"]["OPTIONS"]["init_command"])
            with _memory_within(GROWTH_MAX_BYTES):
                done = attack(client, pages_of(odd))
            raise Back
    except Back:
        pass
    return done
