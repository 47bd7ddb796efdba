"""Imports in the admin: the list and the page of one, both of which refresh themselves while something runs, and the
actions of an operator, on one or many. Nothing else is changed here."""

from functools import partial

from django.contrib import admin
from django.contrib.admin.views.main import ChangeList
from django.core.exceptions import PermissionDenied
from django.db.models import Count, Q, Sum
from django.http import JsonResponse
from django.template.loader import render_to_string
from django.urls import path
from django.utils import timezone
from django.utils.html import format_html

from imports.admin.adoption_page import undo_adoption
from imports.admin.columns import PARTS, rendered, shown
from imports.admin.file_findings import findings_of
from imports.admin.moves import MovingAdmin
from imports.admin.progress import Progress, progress_of
from imports.admin.start_page import StartPages
from imports.archive import standing
from imports.archive.checkpoint import ImportCheckpoint
from imports.archive.day_file_model import ImportedFile
from imports.archive.pause_model import Pause
from imports.archive.transitions import ACTIONS, REASON_MAX, ImportStatus
from warehouse.admin.operator_overrides import ReadOnlyAdmin
from warehouse.admin.page_parts import failure
from warehouse.ids import key_of
from warehouse.outside import visible

OPERATE = "imports.operate_imports"
FILES_SHOWN = 15
REFRESHED_AT_MOST = 200  # imports, as many as a page of the list can show


def may_operate(request) -> bool:
    return request.user.has_perm(OPERATE)


def _findings(request, checkpoint: ImportCheckpoint) -> dict:
    """Of its page alone, not of its refreshing; where they cannot be had, the page stands without them."""
    if not request.user.has_perm("quality.view_dataqualitylog"):
        return {}
    try:
        return {"findings": findings_of(checkpoint)}
    except Exception as error:
        return {"findings_trouble": failure(f"Findings of {checkpoint}", error)}


class ShowFilter(admin.SimpleListFilter):
    """Stands above the list, which needs the width."""

    title = "show"
    parameter_name = "show"
    template = "imports/filter_above.html"
    which = {
        "workers": ("Queued", Q(queued_at__isnull=False)),
        "running": ("Running", Q(status=ImportStatus.IN_PROGRESS) & ~Q(worker="")),
        "stopped": ("Paused or failed", Q(status__in=[ImportStatus.PAUSED, ImportStatus.FAILED])),
        "completed": ("Completed", Q(status=ImportStatus.COMPLETED)),
        "attention": ("Failed, to be looked at", Q(pk__in=standing.needing_attention().order_by().values("pk"))),
        "dismissed": ("Dismissed", Q(dismissed_at__isnull=False)),
        "covered": ("Covered by a later one", standing.is_covered()),
    }

    def lookups(self, request, model_admin):
        return [(name, label) for name, (label, _) in self.which.items()]

    def queryset(self, request, queryset):
        return queryset.filter(self.which[self.value()][1]) if self.value() in self.which else queryset


class ImportList(ChangeList):
    """Asks how the imports of its page stand, all at once."""

    def get_results(self, request):
        super().get_results(request)
        self.result_list = list(self.result_list)
        self.progress = _with_progress(self.result_list)

    @property
    def moving(self) -> bool:
        return any(each.moving for each in self.progress.values())


def _with_progress(checkpoints: list[ImportCheckpoint]) -> dict[int, Progress]:
    """How each stands, kept beside it as `current`; by key."""
    found = progress_of(checkpoints, timezone.now())
    for checkpoint in checkpoints:
        checkpoint.current = found[checkpoint.pk]
    return found


def _live(part: str, ordering: str | None = None):
    """A column of the list, of which a refresh replaces the inside."""
    heading, html = PARTS[part]

    @admin.display(description=heading, ordering=ordering)
    def column(self, checkpoint):
        inside = html(checkpoint.current)
        return format_html('<div data-live="{}:{}" data-heading="{}">{}</div>', checkpoint.pk, part, heading, inside)

    return column


@admin.register(ImportCheckpoint)
class ImportAdmin(MovingAdmin, ReadOnlyAdmin):
    list_display = ("subject", "status_now", "progress", "rows", "left", "errors", "heartbeat", "explanation")
    list_display_links = ("subject",)
    list_filter = (ShowFilter,)
    list_select_related = ("park",)
    search_fields = ("import_id", "park__park_name", "park__themeparks_wiki_id", "source")
    show_full_result_count = False
    list_per_page = 50
    list_max_show_all = REFRESHED_AT_MOST
    change_list_template = "imports/import_list.html"
    change_form_template = "imports/import_page.html"

    status_now = _live("status", "status")
    progress = _live("progress")
    rows = _live("rows", "records_imported")
    left = _live("left")
    errors = _live("errors", "errors_encountered")
    heartbeat = _live("heartbeat", "heartbeat_at")
    explanation = _live("explanation")

    @admin.display(description="import", ordering="park__park_name")
    def subject(self, checkpoint):
        return format_html(
            '{}<span class="desk-small desk-one-line">{} to {}</span><span class="desk-small desk-one-line">{}</span>'
            '<span data-live="{}:shown">{}</span>',
            checkpoint.park,
            checkpoint.start_date,
            checkpoint.end_date,
            checkpoint.import_id,
            checkpoint.pk,
            shown(checkpoint.current),
        )

    # --- the list as a CSV ----------------------------------------------------------------------------------------
    csv_display = (
        "import_id", "park", "status", "start_date", "end_date", "source", "files_processed", "files_total",
        "last_processed_date", "records_imported", "errors_encountered", "created_at", "updated_at", "heartbeat_at",
        "explanation_in_words", "dismissed_at", "dismissed_by", "dismissed_why",
    )  # fmt: skip

    def csv_rows(self, request, rows):
        _with_progress(rows)
        return rows

    @admin.display(description="details")
    def explanation_in_words(self, checkpoint):
        return checkpoint.current.explanation

    # --- what is allowed ------------------------------------------------------------------------------------------
    def has_view_permission(self, request, obj=None) -> bool:
        return may_operate(request) or super().has_view_permission(request, obj)

    def has_operate_permission(self, request) -> bool:
        return may_operate(request)

    def lookup_allowed(self, lookup, value, request=None) -> bool:
        return lookup == "park__park_id__exact" or super().lookup_allowed(lookup, value, request)

    # --- pages ----------------------------------------------------------------------------------------------------
    def get_urls(self):
        wrap = self.admin_site.admin_view
        return [
            *StartPages(self).urls(),
            path("adoptions/<int:log_id>/undo/", wrap(partial(undo_adoption, self)), name="imports_undo_adoption"),
            path("progress/", wrap(self.progress_view), name="imports_importcheckpoint_progress"),
            path("<int:checkpoint_id>/act/", wrap(self.act_view), name="imports_importcheckpoint_act"),
            *super().get_urls(),
        ]

    def get_changelist(self, request, **kwargs):
        return ImportList

    def changelist_view(self, request, extra_context=None):
        if request.method == "POST" and not may_operate(request):
            raise PermissionDenied
        more = {"title": "Imports", "may_operate": may_operate(request), "pause": Pause.current()}
        return super().changelist_view(request, more)

    def get_queryset(self, request):
        return super().get_queryset(request).select_related("park")

    def change_view(self, request, object_id, form_url="", extra_context=None):
        checkpoint = self.get_object(request, object_id)
        if checkpoint is None or not self.has_view_permission(request, checkpoint):
            return super().change_view(request, object_id, form_url, extra_context)
        page = self._page(request, checkpoint) | _findings(request, checkpoint)
        return super().change_view(request, object_id, form_url, page)

    def get_fields(self, request, obj=None):
        return ()  # the template says it better

    def progress_view(self, request):
        """JSON for the refreshing: the parts of the imports asked for, and whether any of them still moves."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        asked = map(key_of, request.GET.get("ids", "").split(","))
        ids = [key for key in asked if key is not None]
        checkpoints = list(self.get_queryset(request).filter(pk__in=ids[:REFRESHED_AT_MOST]))
        found = progress_of(checkpoints, timezone.now())
        parts = {
            pk: {name: visible(html, lines=True) for name, html in rendered(current).items()}
            for pk, current in found.items()
        }
        if request.GET.get("page") and checkpoints:
            (checkpoint, *_) = checkpoints
            context = self._page(request, checkpoint)
            for part in ("actions", "files"):
                parts[checkpoint.pk][part] = render_to_string(f"imports/import_{part}.html", context, request)
        return JsonResponse({"moving": any(current.moving for current in found.values()), "parts": parts})

    def _page(self, request, checkpoint: ImportCheckpoint) -> dict:
        current = progress_of([checkpoint], timezone.now())[checkpoint.pk]
        files = ImportedFile.objects.filter(checkpoint=checkpoint)
        sums = ("events_read", "stored", "already_known", "duplicates", "rejected")
        outcomes = {
            outcome: [f"{number:,}" for number in numbers]
            for outcome, *numbers in files.order_by()
            .values("outcome")
            .annotate(Count("pk"), *map(Sum, sums))
            .values_list("outcome", "pk__count", *(f"{name}__sum" for name in sums))
        }
        return {
            "title": str(checkpoint.park),
            "subtitle": None,
            "checkpoint": checkpoint,
            "current": current,
            "parts": [(name, heading, html(current)) for name, (heading, html) in PARTS.items()],
            "outcomes": outcomes,
            "files": files.order_by("-imported_at", "-file_date")[:FILES_SHOWN],
            "may_operate": may_operate(request),
            "actions": [(name, ACTIONS[name]) for name in current.actions],
            "shown": shown(current),
            "reason_max": REASON_MAX,
        }
