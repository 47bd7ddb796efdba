"""The triage desk: what may be wrong, in groups or one by one; one page a finding; its moves, for one or for many.

Every transition goes through the model's state machine, which writes the history: who, when, before, after and why.
The admin's own log would say the same a second time and gets nothing. Looking takes the view permission, triage takes
`quality.triage_dataqualitylog`; nothing here is added, edited or deleted.
"""

from django.contrib import admin, messages
from django.contrib.admin.templatetags.admin_urls import add_preserved_filters
from django.contrib.admin.utils import unquote
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpResponseRedirect
from django.urls import path, reverse
from django.utils import timezone
from django.utils.html import format_html

from quality.admin import bulk_pages, finding_view, searching
from quality.admin.bulk_pages import VERBS
from quality.admin.filters import FILTERS, OF_THE_VIEW, who_may_triage
from quality.admin.finding_lists import GROUPS, ONE_BY_ONE, CappedPaginator, FindingList, GroupList, Matching
from quality.admin.finding_times import period_of, utc_beside
from quality.admin.shown import Shown
from quality.models import TO_DO, DataQualityLog, ResolutionStatus, TransitionRefused, TriageBatch
from quality.reasons import REASONS, title_of
from quality.states import NOTE_MAX
from quality.taking_back import reopenable, take_back_one, undoable
from warehouse.admin.list_csv import ListCsvAdmin
from warehouse.ids import key_of
from warehouse.server import errors
from warehouse.server.away import despite_deadlocks


@admin.register(DataQualityLog)
class DataQualityLogAdmin(ListCsvAdmin):
    list_display = ["state", "what", "where", "who", "count", "age"]
    list_display_links = ["what"]
    list_filter = FILTERS
    list_per_page = 50
    list_max_show_all = 0
    list_select_related = ()
    show_full_result_count = False
    show_facets = admin.ShowFacets.NEVER
    paginator = CappedPaginator
    search_fields = ["description"]  # that there is a search; what it looks through: quality.admin.searching
    search_help_text = searching.HELP
    actions = ["investigate", "resolve", "give_up", "assign"]
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

    # --- the lists ------------------------------------------------------------------------------------------------
    def get_changelist(self, request, **kwargs):
        if not request.resolver_match.url_name.endswith("_changelist"):
            return Matching  # the confirmation, and the CSV, which lists findings whatever the page lists
        return GroupList if request.GET.get("view") == GROUPS and request.method == "GET" else FindingList

    def changelist_view(self, request, extra_context=None):
        """Groups, where nothing is asked for; one by one as links of other pages ask, or as `view` says."""
        asked = request.GET.copy()
        for name in [name for name, value in asked.items() if not value]:
            del asked[name]  # fields of the form that were left empty
        if "view" not in asked:
            asked["view"] = ONE_BY_ONE if asked else GROUPS
        request.GET = asked
        may_triage = self.has_triage_permission(request)
        return super().changelist_view(
            request, {"title": "Findings", "may_triage": may_triage, **(extra_context or {})}
        )

    def matching(self, request):
        """All that the filters and the search of the address let through."""
        return self.get_changelist_instance(request).queryset

    def get_search_results(self, request, queryset, search_term):
        return searching.matching(queryset, search_term), False

    def get_queryset(self, request):
        queryset = super().get_queryset(request)
        return queryset.defer("evidence", "resolution_note") if _at_the_list(request) else queryset

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
            '{}<br><span class="q-period">{}</span>', finding_view.as_html(row.subject), period_of(row, row.zone)
        )

    @admin.display(ordering="assignee", description="who sees to it")
    def who(self, row):
        return row.assignee or "-"

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
    csv_ignores = OF_THE_VIEW
    csv_display = [
        "log_id", "resolution_status", "issue_type", "reason", "description", "of", "source_file", "timestamp_start",
        "timestamp_end", "occurrences", "created_at", "last_seen_at", "assignee",
    ]  # fmt: skip

    def csv_rows(self, request, rows):
        return finding_view.with_subjects(rows)

    @admin.display(description="ride, park")
    def of(self, row):
        return ", ".join(link.label for link in row.subject)

    # --- many at once ---------------------------------------------------------------------------------------------
    @admin.action(permissions=["triage"], description="Investigate ...")
    def investigate(self, request, queryset):
        return self._ask(request, queryset, ResolutionStatus.INVESTIGATING)

    @admin.action(permissions=["triage"], description="Resolve ...")
    def resolve(self, request, queryset):
        return self._ask(request, queryset, ResolutionStatus.RESOLVED)

    @admin.action(permissions=["triage"], description="Won't fix ...")
    def give_up(self, request, queryset):
        return self._ask(request, queryset, ResolutionStatus.WONTFIX)

    @admin.action(permissions=["triage"], description="Assign ...")
    def assign(self, request, queryset):
        return self._ask(request, queryset, "")

    def _ask(self, request, queryset, target):
        by_filter = request.POST.get("select_across") == "1"
        return bulk_pages.ask(self, request, queryset, by_filter=by_filter, target=target)

    # --- one finding ----------------------------------------------------------------------------------------------
    def get_urls(self):
        def page(route, view, name):
            return path(route, self.admin_site.admin_view(view), name=f"quality_dataqualitylog_{name}")

        return [
            page("triage/", self.triage_many_view, "triage_many"),
            page("bulk/<int:batch_id>/", self.bulk_view, "bulk"),
            page("<path:object_id>/triage/", self.triage_view, "triage"),
            *super().get_urls(),
        ]

    def triage_many_view(self, request):
        """All that a filter finds, to be confirmed."""
        return bulk_pages.confirm(self, request)

    def bulk_view(self, request, batch_id):
        """What one click did, and the way to take it back."""
        return bulk_pages.bulk(self, request, batch_id)

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
                "period": period_of(row, row.zone),
                "period_utc": utc_beside(row, row.zone),
                "status": finding_view.status_as_html(row.resolution_status),
                "examples": finding_view.examples_of(row),
                "values": finding_view.values_of(row),
                "files": finding_view.files_of(row),
                "links": finding_view.links_of(row),
                "import_again": finding_view.import_again(row),
                "undo_adoption": finding_view.undo_adoption(row) if may_triage else None,
                "moves": row.moves.select_related("batch"),
                "may_triage": may_triage,
                "targets": [(target, VERBS[target][0]) for target in row.allowed_transitions()] if may_triage else [],
                "undoable": undoable(row, by) if may_triage else None,
                "reopenable": reopenable(row, by) if may_triage else None,
                "names": who_may_triage() if may_triage and row.resolution_status in TO_DO else [],
                "me": by,
                "note_max": NOTE_MAX,
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
        try:
            self._move(request, row)
        except TransitionRefused as refused:
            messages.error(request, str(refused))
        except Exception as error:
            if not errors.is_locked(error):
                raise
            messages.error(request, bulk_pages.AGAIN)
        return HttpResponseRedirect(
            self._with_filters(request, reverse("admin:quality_dataqualitylog_change", args=[row.pk]))
        )

    def _move(self, request, row) -> None:
        """TransitionRefused: with the sentence that says why not."""
        move, by, now = request.POST.get("move", ""), request.user.get_username(), timezone.now()
        note = request.POST.get("note", "")
        if move in ("undo", "reopen"):
            last = key_of(request.POST.get("last"))
            despite_deadlocks(lambda: take_back_one(row, by=by, now=now, note=note, shown=last))
            messages.success(request, f"Taken back: the finding is {row.get_resolution_status_display()} again")
            return
        # what the page showed; a form of before has no such field, and moves what stands there
        held = (
            request.POST.get("shown") or row.resolution_status,
            request.POST.get("shown_assignee", row.assignee),
        )
        shown = Shown({row.pk: held}, by_filter=False)
        to = None
        if move == TriageBatch.ASSIGN:
            to = by if "to_me" in request.POST else request.POST.get("assignee", "")
            bulk_pages.check_assignee(to)
        triage = bulk_pages.act(request, shown, move, note, to)
        bulk_pages.report(request, triage, move, to)

    def history_view(self, request, object_id, extra_context=None):
        """The page behind History: the transitions of the finding, the system's among them."""
        row = self.get_object(request, unquote(object_id))
        moves = row.moves.select_related("batch") if row else []
        return super().history_view(request, object_id, {**(extra_context or {}), "moves": moves})

    def _with_filters(self, request, url: str) -> str:
        filters = self.get_preserved_filters(request)
        return add_preserved_filters({"preserved_filters": filters, "opts": self.opts}, url)


def _at_the_list(request) -> bool:
    return bool(request.resolver_match and request.resolver_match.url_name.endswith(("_changelist", "_csv")))
