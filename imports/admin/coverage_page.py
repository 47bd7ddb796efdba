"""The ledger of day files in the admin, and what it covers: parks by months, with the days behind each cell."""

import re
from collections.abc import Mapping
from datetime import date

from django.conf import settings
from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db.models import Max
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils import timezone
from django.utils.decorators import method_decorator
from django.utils.html import format_html
from django.views.decorators.gzip import gzip_page

from imports.admin import coverage_table, links
from imports.admin.day_file_page import context_of
from imports.admin.import_pages import may_operate
from imports.archive.checkpoint import ImportCheckpoint
from imports.archive.coverage import Coverage, Row, coverage, days_of
from imports.archive.day_file_model import FileOutcome, ImportedFile
from imports.sources.opening import DELISTED
from warehouse.admin.operator_overrides import ReadOnlyAdmin
from warehouse.days import end_of_month, is_within_reach
from warehouse.models import Park
from warehouse.text import size_in_words

#: what a day is called by in the calendar of a month: its class, and what is said of it
DAYS = {
    FileOutcome.IMPORTED: ("s5", "imported"),
    FileOutcome.MISSING: ("missing", "the source had no file"),
    FileOutcome.UNREADABLE: ("bad", "the file cannot be read"),
    FileOutcome.NO_EVENTS: ("empty", "no event of the park in the file"),
}
NEVER_TRIED, BEFORE, NOT_OVER = ("none", "never tried"), ("before", "before its first known day"), ("none", "not over")


class TroubleFilter(admin.SimpleListFilter):
    title = "trouble"
    parameter_name = "trouble"

    def lookups(self, request, model_admin):
        return [("1", "Unreadable, or with rejected events")]

    def queryset(self, request, queryset):
        if self.value() == "1":
            return queryset.filter(outcome=FileOutcome.UNREADABLE) | queryset.filter(rejected__gt=0)
        return queryset


@admin.register(ImportedFile)
class LedgerAdmin(ReadOnlyAdmin):
    list_display = (
        "file_date", "of_park", "feed", "outcome_badge", "events_read", "stored", "already_known", "duplicates",
        "rejected", "read_at",
    )  # fmt: skip
    list_filter = ("outcome", TroubleFilter)
    list_select_related = ()  # a join, and any other order, sorts the whole ledger: 2 s for 182,500 rows, else 5 ms
    ordering = ("-file_date",)
    search_fields = ("park__park_name",)
    search_help_text = "name of a park"
    show_full_result_count = False
    list_per_page = 50
    list_max_show_all = 200
    change_list_template = "imports/ledger.html"
    change_form_template = "imports/day_file.html"

    def get_queryset(self, request):
        return super().get_queryset(request).prefetch_related("park")

    def changelist_view(self, request, extra_context=None):
        return super().changelist_view(request, {"title": "Day files", **(extra_context or {})})

    def get_fields(self, request, obj=None):
        return ()  # the template says it better

    def change_view(self, request, object_id, form_url="", extra_context=None):
        file = self.get_object(request, object_id)
        if file is None or not self.has_view_permission(request, file):
            return super().change_view(request, object_id, form_url, extra_context)
        return super().change_view(request, object_id, form_url, context_of(request, file))

    def get_search_results(self, request, queryset, search_term):
        if not search_term.strip():
            return queryset, False
        parks = list(Park.objects.filter(park_name__icontains=search_term.strip()).values_list("pk", flat=True))
        return queryset.filter(park__in=parks), False

    @admin.display(description="park")
    def of_park(self, file):
        return file.park

    @admin.display(description="read at (UTC)", ordering="imported_at")
    def read_at(self, file):
        return file.imported_at

    @admin.display(description="outcome")
    def outcome_badge(self, file):
        return format_html('<span class="desk-badge desk-{}">{}</span>', file.outcome.lower(), file.outcome)

    def lookup_allowed(self, lookup, value, request=None) -> bool:
        allowed = ("checkpoint__checkpoint_id__exact", "park__park_id__exact")
        return lookup in allowed or super().lookup_allowed(lookup, value, request)

    def get_urls(self):
        page = self.admin_site.admin_view(self.coverage_view)
        return [path("coverage/", page, name="imports_importedfile_coverage"), *super().get_urls()]

    @method_decorator(gzip_page)  # 0.7 MB of cells that look alike, 40 KB so
    def coverage_view(self, request):
        if not self.has_view_permission(request):
            raise PermissionDenied
        found = coverage(timezone.now())
        by_year = request.GET.get("show") == "years"
        years = sorted({first.year for first in found.months}, reverse=True)
        year = next((year for year in years if f"{year}" == request.GET.get("year")), None)
        chosen = None if by_year else _chosen(found, request.GET)
        operate = may_operate(request)
        sources = _last_sources() if operate else {}
        columns = coverage_table.columns_of(found, year, by_year=by_year)
        context = {
            **self.admin_site.each_context(request),
            "title": "Coverage",
            "opts": self.opts,
            "columns": columns,
            "body": coverage_table.body(found.rows, columns, chosen, sources, year=year, by_year=by_year),
            "by_year": by_year,
            "is_narrow": len(columns) > coverage_table.NARROW_FROM,
            "zooms": _zooms(years, year, by_year=by_year),
            "legend": coverage_table.legend(),
            "chosen": self._month(*chosen, sources, operate=operate) if chosen else None,
            "may_operate": operate,
            "start": reverse("admin:imports_start") if operate else "",
            "today": timezone.now().date(),  # UTC's, by which a start is refused days to come
        }
        return TemplateResponse(request, "imports/coverage.html", context)

    def _month(self, row: Row, first: date, sources: Mapping[int, str], *, operate: bool) -> dict:
        park = row.park
        source = sources.get(park.pk, settings.ARCHIVE_URL)
        last = min(end_of_month(first), max(timezone.now().date(), first))
        days = _days(row, first, source, operate=operate)
        return {
            "park": park,
            "first": first,
            "summary": str(row.held(first)),
            "weeks": _weeks(days),
            "lists": [
                (said, [day for day in days if day["state"] == state])
                for state, said in (
                    ("bad", "Cannot be read"),
                    ("missing", "The source had no file"),
                    ("none", "Never tried"),
                )
                if any(day["state"] == state for day in days)
            ],
            "import_missing": links.start_url(park, first, last, source, missing_only=True) if operate else "",
            "import_all": links.start_url(park, first, last, source) if operate else "",
            "source": source,
            "ledger": links.day_files(park=park.pk, first=first, last=last),
        }


def _last_sources() -> dict[int, str]:
    """Where each park's days were imported from last, by park_id."""
    of_days = ImportCheckpoint.objects.exclude(source__startswith=DELISTED)  # which brings no days
    newest = of_days.order_by().values("park").annotate(newest=Max("checkpoint_id")).values("newest")
    return dict(ImportCheckpoint.objects.filter(pk__in=newest).order_by().values_list("park_id", "source"))


def _zooms(years: list[int], year: int | None, *, by_year: bool) -> list[tuple[str, str, bool]]:
    """(label, address, whether it is shown)"""
    return [
        ("All months", "?", not by_year and year is None),
        ("By year", "?show=years", by_year),
        *((f"{each}", f"?year={each}", not by_year and each == year) for each in years),
    ]


def _days(row: Row, first: date, source: str, *, operate: bool) -> list[dict]:
    """Each day of the month: where it leads, and what is said of it."""
    days = []
    for day, file in days_of(row.park, first):
        if file is not None:
            state, said = DAYS.get(file.outcome, ("bad", "the ledger has an outcome that is none"))
            if file.events_read:
                said += (
                    f": {file.stored:,} rows stored, {file.already_known:,} already known, {file.rejected:,} rejected"
                )
            if file.size_bytes:
                said += f", file of {size_in_words(file.size_bytes / 1e6)}"
            url = links.day_file(file.pk)
        else:
            before = row.begins is not None and day < row.begins
            state, said = BEFORE if before else NOT_OVER if day >= row.ends else NEVER_TRIED
            may_be_asked = operate and day <= timezone.now().date()
            url = links.start_url(row.park, day, day, source) if may_be_asked else ""
        days.append({"day": day, "state": state, "said": f"{day}: {said}", "url": url, "file": file})
    return days


def _weeks(days: list[dict]) -> list[list[dict | None]]:
    """From Monday to Sunday; None before the first and after the last day."""
    cells: list[dict | None] = [*[None] * days[0]["day"].weekday(), *days]
    cells += [None] * (-len(cells) % 7)
    return [cells[place : place + 7] for place in range(0, len(cells), 7)]


def _chosen(found: Coverage, asked) -> tuple[Row, date] | None:
    """The cell that was clicked; None for none, or for one that makes no sense."""
    match = re.fullmatch(r"([0-9]{4})-(0[1-9]|1[0-2])", asked.get("month", ""))
    row = next((row for row in found.rows if str(row.park.park_id) == asked.get("park")), None)
    if match is None or row is None or match[1] == "0000":
        return None
    month = date(int(match[1]), int(match[2]), 1)
    return (row, month) if is_within_reach(month) else None
