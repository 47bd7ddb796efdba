"""The ledger of day files in the admin, and what it covers: parks by months, with the days behind each cell."""

import re
from datetime import date
from urllib.parse import urlencode

from django.conf import settings
from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from imports.admin.day_file_page import context_of
from imports.admin.import_pages import may_operate
from imports.admin.links import start_url
from imports.archive.checkpoint import ImportCheckpoint
from imports.archive.coverage import Coverage, Month, Row, State, coverage, days_of
from imports.archive.day_file_model import FileOutcome, ImportedFile
from imports.sources.opening import DELISTED
from warehouse.admin.operator_overrides import ReadOnlyAdmin
from warehouse.days import is_within_reach
from warehouse.models import Park
from warehouse.partitioning.partitions import add_months

#: by state: what stands in the cell, so that it is not told by its colour alone
SIGNS = {
    State.COMPLETE: "",
    State.PARTIAL: "◐",
    State.MISSING: "-",
    State.UNREADABLE: "!",
    State.EMPTY: "○",
    State.NONE: "",
}
MEANINGS = {
    State.COMPLETE: "every day imported",
    State.PARTIAL: "some days imported",
    State.MISSING: "no file for any day",
    State.UNREADABLE: "a file cannot be read",
    State.EMPTY: "files read, none with an event of the park",
    State.NONE: "never tried",
}
#: what a day is called by in the calendar of a month
DAY_STATES = {
    FileOutcome.IMPORTED: State.COMPLETE,
    FileOutcome.MISSING: State.MISSING,
    FileOutcome.UNREADABLE: State.UNREADABLE,
    FileOutcome.NO_EVENTS: State.EMPTY,
}


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
        "rejected", "imported_at",
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

    @admin.display(description="outcome")
    def outcome_badge(self, file):
        return format_html('<span class="desk-badge desk-{}">{}</span>', file.outcome.lower(), file.outcome)

    def lookup_allowed(self, lookup, value, request=None) -> bool:
        allowed = ("checkpoint__checkpoint_id__exact", "park__park_id__exact")
        return lookup in allowed or super().lookup_allowed(lookup, value, request)

    def get_urls(self):
        page = self.admin_site.admin_view(self.coverage_view)
        return [path("coverage/", page, name="imports_importedfile_coverage"), *super().get_urls()]

    def coverage_view(self, request):
        if not self.has_view_permission(request):
            raise PermissionDenied
        now = timezone.now()
        found = coverage(now.date())
        chosen = _chosen(found, request.GET)
        context = {
            **self.admin_site.each_context(request),
            "title": "Coverage",
            "opts": self.opts,
            "found": found,
            "heatmap": heatmap(found, chosen),
            "legend": [(state, SIGNS[state], MEANINGS[state]) for state in State],
            "chosen": self._month(request, *chosen) if chosen else None,
            "may_operate": may_operate(request),
        }
        return TemplateResponse(request, "imports/coverage.html", context)

    def _month(self, request, row: Row, first: date) -> dict:
        park, month = row.park, row.months.get(first)
        imports = ImportCheckpoint.objects.filter(park=park).exclude(source__startswith=DELISTED)  # no days of the park
        last_import = imports.order_by("-checkpoint_id").first()
        source = last_import.source if last_import else settings.ARCHIVE_URL
        last = add_months(first, 1) - date.resolution
        operate = may_operate(request)
        return {
            "park": park,
            "first": first,
            "summary": str(month) if month else "never tried",
            "calendar": _calendar(park, first, source, operate),
            "import_missing": start_url(park, first, last, source, missing_only=True) if operate else "",
            "import_all": start_url(park, first, last, source) if operate else "",
            "ledger": f"{reverse('admin:imports_importedfile_changelist')}?"
            + urlencode({"park__park_id__exact": park.pk, "file_date__gte": first, "file_date__lte": last}),
        }


def heatmap(found: Coverage, chosen: tuple[Row, date] | None) -> SafeString:
    """A table row for each park. Made by hand: a template would take seconds for 6,000 cells."""
    rows = []
    destination = None
    for row in found.rows:
        first_of_destination = row.park.destination_wiki_id != destination
        destination = row.park.destination_wiki_id
        cells = SafeString(
            "".join(
                _cell(row.park, first, row.months.get(first), is_chosen=chosen == (row, first))
                for first in found.months
            )
        )
        rows.append(
            (
                SafeString(' class="desk-new-group"') if first_of_destination else "",
                row.park.park_id,
                row.park.park_name,
                cells,
            )
        )
    return format_html_join("\n", '<tr{}><th scope="row" id="park-{}">{}</th>{}</tr>', rows)


def _cell(park: Park, first: date, month: Month | None, *, is_chosen: bool) -> str:
    """Numbers, dates and our own words: nothing in it needs escaping."""
    state = month.state if month else State.NONE
    return (
        f'<td class="{state}{" chosen" if is_chosen else ""}">'
        f'<a href="?park={park.park_id}&amp;month={first:%Y-%m}#days" title="{first:%Y-%m}: {month or "never tried"}">'
        f"{SIGNS[state]}</a></td>"
    )


def _calendar(park: Park, first: date, source: str, operate: bool) -> list[list[dict | None]]:
    """Weeks from Monday to Sunday; None before the first and after the last day."""
    weeks: list[list[dict | None]] = [[None] * first.weekday()]
    for day, file in days_of(park, first):
        if len(weeks[-1]) == 7:
            weeks.append([])
        state = DAY_STATES[FileOutcome(file.outcome)] if file else State.NONE
        if file is None:
            said, url = "never tried", start_url(park, day, day, source) if operate else ""
        else:
            said = f"{file.outcome}: {file.stored} stored, {file.already_known} already known, {file.rejected} rejected"
            url = reverse("admin:imports_importedfile_change", args=[file.pk])
        weeks[-1].append({"day": day, "state": state, "said": said, "url": url, "file": file})
    weeks[-1] += [None] * (7 - len(weeks[-1]))
    return weeks


def _chosen(found: Coverage, asked) -> tuple[Row, date] | None:
    """The cell that was clicked; None for none, or for one that makes no sense."""
    match = re.fullmatch(r"(\d{4})-(0[1-9]|1[0-2])", asked.get("month", ""))
    row = next((row for row in found.rows if str(row.park.park_id) == asked.get("park")), None)
    if match is None or row is None or match[1] == "0000":
        return None
    month = date(int(match[1]), int(match[2]), 1)
    return (row, month) if is_within_reach(month) else None
