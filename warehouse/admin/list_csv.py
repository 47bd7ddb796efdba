"""Every list of the admin as a CSV: what is shown, as filtered, searched and sorted, all pages of it.

The link stands above the list and carries its filters; whoever may see the list may take it. Cells are the list's own
as plain text: no tags, instants in full and UTC, figures without separators, nothing where the list shows a dash.
"""

import html
import re
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from django.contrib import admin
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.contrib.admin.options import IncorrectLookupParameters
from django.contrib.admin.utils import label_for_field, lookup_field
from django.contrib.admin.views.main import ALL_VAR, ERROR_FLAG, PAGE_VAR
from django.contrib.admin.widgets import AutocompleteSelect
from django.core.exceptions import FieldDoesNotExist, ObjectDoesNotExist, PermissionDenied
from django.db import DatabaseError
from django.db.models import CharField, IntegerField, Model
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import path, reverse
from django.utils import timezone
from django.utils.html import strip_tags
from django.utils.safestring import SafeString
from django_mysql.models import EnumField

from warehouse.admin.csv_files import csv_file
from warehouse.admin.keyset import in_pieces
from warehouse.history.answers.written import csv_lines
from warehouse.ids import key_of
from warehouse.server import errors

_NOT_CARRIED = (PAGE_VAR, ALL_VAR, ERROR_FLAG)
_BREAKS = re.compile(r"<(?:br|/div|/p|/td|/li|span|/span)\b[^>]*>")
_SEPARATED = re.compile(r"-?\d{1,3}(?:,\d{3})+(?:\.\d+)?", re.ASCII)
_NOTHING = ("-", "—")


class ListCsvAdmin(admin.ModelAdmin):
    """`csv_display`: columns of the CSV where they are not the list's; fields and methods, as list_display has.
    `csv_ignores`: parameters of the list's address that say how it is shown, and not of what.
    """

    csv_display: Sequence[str] = ()
    csv_ignores: Sequence[str] = ()

    def csv_rows(self, request: HttpRequest, rows: list[Any]) -> list[Any]:
        """Rows of the list with whatever their columns need beside, asked for all at once."""
        return rows

    def get_urls(self):
        name = f"{self.opts.app_label}_{self.opts.model_name}_csv"
        return [path("csv/", self.admin_site.admin_view(self.csv_view), name=name), *super().get_urls()]

    def changelist_view(self, request, extra_context=None):
        if request.method == "POST" and ACTION_CHECKBOX_NAME in request.POST:
            request.POST = request.POST.copy()
            ticked = request.POST.getlist(ACTION_CHECKBOX_NAME)
            request.POST.setlist(ACTION_CHECKBOX_NAME, [key for key in ticked if self._is_key(key)])
        return super().changelist_view(request, {"csv_url": self.csv_url(request), **(extra_context or {})})

    def get_changelist_instance(self, request):
        """What no list can be asked for leads back to the list, which says so: Django sees to most of it, and not to a
        year of thirty digits, nor to what the server alone finds wrong."""
        try:
            return super().get_changelist_instance(request)
        except (ValueError, OverflowError, DatabaseError) as error:
            if not request.GET or (isinstance(error, DatabaseError) and not errors.is_of_the_question(error)):
                raise
            raise IncorrectLookupParameters(error) from error

    def _is_key(self, text: str) -> bool:
        """Whether a row might have this key: Django looks for whatever was sent, and fails for what is none."""
        return not isinstance(self.opts.pk, IntegerField) or key_of(text) is not None

    def formfield_for_foreignkey(self, db_field, request, **kwargs):
        if "widget" not in kwargs and db_field.name in self.get_autocomplete_fields(request):
            kwargs["widget"] = KeyedAutocomplete(db_field, self.admin_site)
        return super().formfield_for_foreignkey(db_field, request, **kwargs)

    def csv_url(self, request: HttpRequest) -> str:
        """Of the list as `request` shows it."""
        carried = request.GET.copy()
        for name in (*_NOT_CARRIED, *self.csv_ignores):
            carried.pop(name, None)
        query = carried.urlencode()
        url = reverse(f"{self.admin_site.name}:{self.opts.app_label}_{self.opts.model_name}_csv")
        return f"{url}?{query}" if query else url

    def csv_view(self, request: HttpRequest) -> HttpResponse:
        if not self.has_view_or_change_permission(request):
            raise PermissionDenied
        request.GET = request.GET.copy()
        for name in (*_NOT_CARRIED, *self.csv_ignores):
            request.GET.pop(name, None)
        try:
            listed = self.get_changelist_instance(request)
        except IncorrectLookupParameters:
            url = reverse(f"{self.admin_site.name}:{self.opts.app_label}_{self.opts.model_name}_changelist")
            return HttpResponseRedirect(f"{url}?{ERROR_FLAG}=1")
        pieces = in_pieces(listed.queryset, list(dict.fromkeys(listed.queryset.query.order_by)))
        columns = list(self.csv_display or self.get_list_display(request))
        name = csv_name(self.opts.verbose_name_plural, filtered=listed.has_active_filters or bool(listed.query))
        return csv_file(request, csv_lines(self._csv_table(request, columns, pieces)), name)

    def _csv_table(self, request: HttpRequest, columns: list[str], pieces: Iterator[list[Model]]) -> Iterator[list]:
        yield [str(label_for_field(name, self.model, self)) for name in columns]
        cells = [_cell_of(self, name) for name in columns]
        for piece in pieces:
            for row in self.csv_rows(request, piece):
                yield [cell(row) for cell in cells]


class KeyedAutocomplete(AutocompleteSelect):
    """Shows again what was sent where it can be a key; Django's looks for whatever it was, and fails."""

    def optgroups(self, name, value, attr=None):
        return super().optgroups(name, [each for each in value if not each or key_of(str(each)) is not None], attr)


def csv_name(of: str, *, filtered: bool = False) -> str:
    """imports-2026-11-26-1305-utc: what it is and when it was taken; `filtered`: that it is not all there is."""
    return f"{of}{' filtered' if filtered else ''} {timezone.now():%Y-%m-%d-%H%M} UTC"


def _cell_of(model_admin: ListCsvAdmin, name: str) -> Callable[[Any], Any]:
    """What a column has in its cell of a row. Looked up once: asked for each cell anew it took twice as long."""
    try:
        field: Any = model_admin.opts.get_field(name)
    except FieldDoesNotExist:
        return lambda row: plain(lookup_field(name, row, model_admin)[2])
    labels = {} if isinstance(field, CharField | EnumField) else dict(getattr(field, "flatchoices", None) or ())

    def of_the_field(row: Any) -> Any:
        try:
            value = getattr(row, name)
        except ObjectDoesNotExist:
            return None
        return labels.get(value, value) if labels else plain(value, of_a_field=True)

    return of_the_field


def plain(value: Any, *, of_a_field: bool = False) -> Any:
    """A cell's value without what is for the eye; `of_a_field`: as stored, where a dash is a dash."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, Model | list | tuple | dict):
        value = ", ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)
    if isinstance(value, SafeString):
        value = " ".join(html.unescape(strip_tags(_BREAKS.sub(" ", value))).split())
    if isinstance(value, str) and not of_a_field:
        if value in _NOTHING:
            return None
        return value.replace(",", "") if _SEPARATED.fullmatch(value) else value
    return value
