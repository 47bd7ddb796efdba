"""The triage desk: what may be wrong, in one list; one page a finding; its transitions, for one or for many.

Every transition goes through the model's state machine, which writes the history: who, when, before, after and why.
The admin's own log would say the same a second time and gets nothing. Looking takes the view permission, triage takes
`quality.triage_dataqualitylog`; nothing here is added, edited or deleted.
"""

from collections import Counter

from django.contrib import admin, messages
from django.contrib.admin.templatetags.admin_urls import add_preserved_filters
from django.contrib.admin.utils import unquote
from django.contrib.admin.views.main import ChangeList
from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.http import Http404, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils import timezone
from django.utils.functional import cached_property
from django.utils.html import format_html

from quality.admin import finding_view
from quality.admin.filters import FILTERS
from quality.models import TO_DO, DataQualityLog, ResolutionStatus, TransitionRefused, Triage
from quality.reasons import REASONS, title_of
from warehouse.admin.list_csv import ListCsvAdmin
from warehouse.text import count_of

COUNTED_MAX = 10_000
MOVED_AT_ONCE_MAX = 5_000
REFUSALS_SHOWN = 10
LISTED_MAX = 20
VERBS = {
    ResolutionStatus.INVESTIGATING: ("Investigate", "being investigated"),
    ResolutionStatus.RESOLVED: ("Resolve", "resolved"),
    ResolutionStatus.WONTFIX: ("Won't fix", "given up"),
}


class CappedPaginator(Paginator):
    """Counts no further than COUNTED_MAX, so that the list opens alike with 100 and with 100,000 findings."""

    @cached_property
    def count(self) -> int:
        return self.object_list.order_by()[: COUNTED_MAX + 1].count()


class FindingList(ChangeList):
    def get_results(self, request):
        super().get_results(request)
        self.result_list = finding_view.with_subjects(self.result_list)
        self.counted_max = COUNTED_MAX if self.result_count > COUNTED_MAX else None
        self.full_result_count = self.result_count  # no "138 results (show all)" beside the search


@admin.register(DataQualityLog)
class DataQualityLogAdmin(ListCsvAdmin):
    list_display = ["state", "what", "where", "count", "age"]
    list_display_links = ["what"]
    list_filter = FILTERS
    list_per_page = 50
    list_max_show_all = 0
    list_select_related = ()
    show_full_result_count = False
    show_facets = admin.ShowFacets.NEVER
    paginator = CappedPaginator
    search_fields = ["description", "source_file", "entity_key"]
    search_help_text = "words of the finding, a source file, or the id of a park or ride"
    actions = ["investigate", "resolve", "give_up"]
    change_form_template = "admin/quality/dataqualitylog/finding.html"
    object_history_template = "admin/quality/dataqualitylog/history.html"

    class Media:
        css = {"all": ["quality/desk.css"]}

    # --- permissions ----------------------------------------------------------------------------------------------
    def has_add_permission(self, request):
        return False

    def has_change_permission(self, request, obj=None):
        return False

    def has_delete_permission(self, request, obj=None):
        return False

    def has_triage_permission(self, request) -> bool:
        return self.has_view_permission(request) and request.user.has_perm("quality.triage_dataqualitylog")

    # --- the list -------------------------------------------------------------------------------------------------
    def get_changelist(self, request, **kwargs):
        return FindingList

    def changelist_view(self, request, extra_context=None):
        return super().changelist_view(request, {"title": "Findings", **(extra_context or {})})

    def get_queryset(self, request):
        queryset = super().get_queryset(request)
        at_the_list = request.resolver_match and request.resolver_match.url_name.endswith(("_changelist", "_csv"))
        return queryset.defer("evidence", "resolution_note") if at_the_list else queryset

    @admin.display(ordering="resolution_status", description="status")
    def state(self, row):
        return format_html(
            '{}<br><span class="q-kind">{}</span>',
            finding_view.status_as_html(row.resolution_status),
            row.get_issue_type_display(),
        )

    @admin.display(description="what is wrong")
    def what(self, row):
        file = format_html('<span class="q-file">{}</span>', row.source_file) if row.source_file else ""
        return format_html('<span class="q-what">{}</span>{}', row.description, file)

    @admin.display(ordering="timestamp_start", description="where, when")
    def where(self, row):
        return format_html(
            '{}<br><span class="q-period">{}</span>', finding_view.as_html(row.subject), finding_view.period_of(row)
        )

    @admin.display(ordering="occurrences")
    def count(self, row):
        return f"{row.occurrences:,}"

    @admin.display(ordering="created_at")
    def age(self, row):
        seen = f"first seen {row.created_at:%Y-%m-%d %H:%M}, last seen {row.last_seen_at:%Y-%m-%d %H:%M} UTC"
        return format_html(
            '<span class="q-nowrap" title="{}">{}</span>', seen, finding_view.age_of(row, timezone.now())
        )

    # --- the list as a CSV ----------------------------------------------------------------------------------------
    csv_display = [
        "log_id", "resolution_status", "issue_type", "reason", "description", "of", "source_file", "timestamp_start",
        "timestamp_end", "occurrences", "created_at", "last_seen_at",
    ]  # fmt: skip

    def csv_rows(self, request, rows):
        return finding_view.with_subjects(rows)

    @admin.display(description="ride, park")
    def of(self, row):
        return ", ".join(link.label for link in row.subject)

    # --- many at once ---------------------------------------------------------------------------------------------
    @admin.action(permissions=["triage"], description="Investigate")
    def investigate(self, request, queryset):
        return self._transition_many(request, queryset, ResolutionStatus.INVESTIGATING)

    @admin.action(permissions=["triage"], description="Resolve ...")
    def resolve(self, request, queryset):
        return self._transition_many(request, queryset, ResolutionStatus.RESOLVED)

    @admin.action(permissions=["triage"], description="Won't fix ...")
    def give_up(self, request, queryset):
        return self._transition_many(request, queryset, ResolutionStatus.WONTFIX)

    def _transition_many(self, request, queryset, target):
        """Move what was chosen; where a note is needed, ask for it on a page of its own first."""
        statuses = dict(queryset.order_by("pk").values_list("pk", "resolution_status")[: MOVED_AT_ONCE_MAX + 1])
        if len(statuses) > MOVED_AT_ONCE_MAX:
            messages.error(request, f"At most {MOVED_AT_ONCE_MAX:,} findings are moved at once: filter the list first")
            return None
        note = request.POST.get("note", "").strip()
        if target != ResolutionStatus.INVESTIGATING and not note:
            return self._ask_for_a_note(request, queryset, statuses, target)
        triage = DataQualityLog.transition(
            list(statuses), target, by=request.user.get_username(), now=timezone.now(), note=note
        )
        _report(request, triage, target)
        return None

    def _ask_for_a_note(self, request, queryset, statuses, target):
        by_status = Counter(statuses.values())
        legal = sum(by_status[origin] for origin in DataQualityLog.TRANSITIONS[target])
        context = {
            **self.admin_site.each_context(request),
            "title": f"{VERBS[target][0]}: {count_of(len(statuses), 'finding')}",
            "opts": self.opts,
            "media": self.media,
            "target": target,
            "verb": VERBS[target][0],
            "action": request.POST["action"],
            "select_across": request.POST.get("select_across", "0"),
            "chosen": request.POST.getlist(admin.helpers.ACTION_CHECKBOX_NAME),
            "asked_again": "note" in request.POST,
            "legal": legal,
            "illegal": len(statuses) - legal,
            "origins": sorted(DataQualityLog.TRANSITIONS[target]),
            "rows": finding_view.with_subjects(queryset.order_by("-pk")[:LISTED_MAX]),
            "not_listed": max(0, len(statuses) - LISTED_MAX),
        }
        return TemplateResponse(request, "admin/quality/dataqualitylog/triage_many.html", context)

    # --- one finding ----------------------------------------------------------------------------------------------
    def get_urls(self):
        triage = path(
            "<path:object_id>/triage/",
            self.admin_site.admin_view(self.triage_view),
            name="quality_dataqualitylog_triage",
        )
        return [triage, *super().get_urls()]

    def changeform_view(self, request, object_id=None, form_url="", extra_context=None):
        row = self.get_object(request, unquote(object_id)) if object_id else None
        if row is not None and self.has_view_permission(request, row):
            by = request.user.get_username()
            may_triage = self.has_triage_permission(request)
            finding_view.with_subjects([row])
            extra_context = {
                **(extra_context or {}),
                "row": row,
                "title": f"Finding {row.pk}",
                "subtitle": None,
                "reason": REASONS.get(row.reason),
                "reason_title": title_of(row.reason),
                "period": finding_view.period_of(row),
                "status": finding_view.status_as_html(row.resolution_status),
                "examples": finding_view.examples_of(row),
                "values": finding_view.values_of(row),
                "files": sorted(row.evidence.get("files", {}).items()),
                "links": finding_view.links_of(row),
                "import_again": finding_view.import_again(row),
                "undo_adoption": finding_view.undo_adoption(row) if may_triage else None,
                "moves": row.moves.all(),
                "may_triage": may_triage,
                "targets": [(target, VERBS[target][0]) for target in row.allowed_transitions()] if may_triage else [],
                "undoable": row.undoable(by) if may_triage else None,
                "reopens_by_itself": row.resolution_status == ResolutionStatus.RESOLVED,
                "is_to_do": row.resolution_status in TO_DO,
                "triage_url": self._with_filters(
                    request, reverse("admin:quality_dataqualitylog_triage", args=[object_id])
                ),
            }
        return super().changeform_view(request, object_id, form_url, extra_context)

    def triage_view(self, request, object_id):
        """POST alone: move one finding, or take one's last move back; then show it again."""
        if not self.has_triage_permission(request):
            raise PermissionDenied
        row = self.get_object(request, unquote(object_id))
        if row is None:
            raise Http404(f"There is no finding {object_id}")
        if request.method != "POST":
            return HttpResponseRedirect(reverse("admin:quality_dataqualitylog_change", args=[row.pk]))
        target, by, now = request.POST.get("move", ""), request.user.get_username(), timezone.now()
        try:
            if target == "undo":
                row.undo(by=by, now=now)
                messages.success(request, f"Taken back: the finding is {row.get_resolution_status_display()} again")
            else:
                triage = DataQualityLog.transition([row.pk], target, by=by, now=now, note=request.POST.get("note", ""))
                _report(request, triage, target)
        except TransitionRefused as refused:
            messages.error(request, str(refused))
        return HttpResponseRedirect(
            self._with_filters(request, reverse("admin:quality_dataqualitylog_change", args=[row.pk]))
        )

    def history_view(self, request, object_id, extra_context=None):
        """The page behind History: the transitions of the finding, the system's among them."""
        row = self.get_object(request, unquote(object_id))
        moves = row.moves.all() if row else []
        return super().history_view(request, object_id, {**(extra_context or {}), "moves": moves})

    def _with_filters(self, request, url: str) -> str:
        filters = self.get_preserved_filters(request)
        return add_preserved_filters({"preserved_filters": filters, "opts": self.opts}, url)


def _report(request, triage: Triage, target: str) -> None:
    if triage.count:
        many = f"{triage.count:,} findings are" if triage.count > 1 else "The finding is"
        messages.success(request, f"{many} {VERBS[target][1]}")
    for sentence in triage.refused[:REFUSALS_SHOWN]:
        messages.error(request, sentence)
    if len(triage.refused) > REFUSALS_SHOWN:
        messages.error(request, f"{len(triage.refused) - REFUSALS_SHOWN:,} more were refused alike")
