"""Live collections and how fresh each park is, in the admin: a window, but for the hold of an API that is lifted."""

from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.urls import path, reverse
from django.utils import timezone
from django.utils.html import format_html, format_html_join

from imports.admin.hold_page import hold_view, holds
from imports.live.models import LiveCollection, ParkFreshness
from warehouse.admin.operator_overrides import ReadOnlyAdmin
from warehouse.models import Park
from warehouse.text import age_in_words
from warehouse.zones import both_in_words, utc_in_words


class FailedFilter(admin.SimpleListFilter):
    """Collections in which a destination failed, or that were killed."""

    title = "failures"
    parameter_name = "failures"

    def lookups(self, request, model_admin):
        return [("some", "With failed destinations"), ("unfinished", "Not finished")]

    def queryset(self, request, queryset):
        if self.value() == "some":
            return queryset.filter(failed__gt=0)
        if self.value() == "unfinished":
            return queryset.filter(finished_at=None)
        return queryset


@admin.register(LiveCollection)
class LiveCollectionAdmin(ReadOnlyAdmin):
    """Every run of the live collector: what it got, and what failed and why."""

    change_list_template = "imports/live_list.html"
    list_display = ("started", "took", "answered", "rows", "stored", "unchanged", "left_out", "findings")
    list_filter = (FailedFilter, "started_at")
    show_full_result_count = False
    csv_display = (
        "started_at", "finished_at", "destinations", "failed", "not_reached", "rows_read", "stored", "already_known",
        "duplicates", "rejected", "findings", "failures_in_words",
    )  # fmt: skip
    fields = (
        ("started_at", "finished_at"),
        ("destinations", "failed", "not_reached"),
        ("rows_read", "stored", "already_known", "duplicates", "rejected"),
        "findings",
        "what_failed",
    )

    def get_urls(self):
        page = self.admin_site.admin_view(self.hold_view)
        return [path("hold/", page, name="imports_api_hold"), *super().get_urls()]

    def hold_view(self, request: HttpRequest) -> HttpResponse:
        """See imports.admin.hold_page."""
        context = {**self.admin_site.each_context(request), "opts": self.opts}
        return hold_view(request, context, may_view=self.has_view_permission(request))

    def changelist_view(self, request, extra_context=None):
        return super().changelist_view(request, {**(extra_context or {}), "holds": holds()})

    @admin.display(description="started (UTC)", ordering="started_at")
    def started(self, obj) -> str:
        return utc_in_words(obj.started_at)

    @admin.display(description="took")
    def took(self, obj) -> str:
        if obj.finished_at is None:
            return "not finished"
        return f"{(obj.finished_at - obj.started_at).total_seconds():.1f} s"

    @admin.display(description="destinations")
    def answered(self, obj) -> str:
        asked = obj.destinations + obj.failed
        text = str(asked) if not obj.failed else f"{obj.destinations} of {asked}"
        text = f"{text}, {obj.not_reached} not reached" if obj.not_reached else text
        reached_nobody = obj.failed and not obj.destinations
        return format_html('<strong class="site-bad">{}</strong>', text) if reached_nobody else text

    @admin.display(description="rows", ordering="rows_read")
    def rows(self, obj) -> int:
        return obj.rows_read

    @admin.display(description="unchanged", ordering="already_known")
    def unchanged(self, obj) -> int:
        return obj.already_known

    @admin.display(description="left out")
    def left_out(self, obj) -> int:
        return obj.duplicates + obj.rejected

    @admin.display(description="failures")
    def failures_in_words(self, obj) -> str:
        return "; ".join(f"{failure['destination']}: {failure['error']}" for failure in obj.failures)

    @admin.display(description="failures")
    def what_failed(self, obj) -> str:
        names = {
            park.destination_wiki_id: park
            for park in Park.objects.filter(
                destination_wiki_id__in=[failure["destination"] for failure in obj.failures]
            )
        }
        return (
            format_html_join(
                "",
                "<div>{} {}: {}</div>",
                (
                    (
                        failure["destination"],
                        f"(with {names[failure['destination']]})" if failure["destination"] in names else "",
                        failure["error"],
                    )
                    for failure in obj.failures
                ),
            )
            or "None."
        )


class SilentFilter(admin.SimpleListFilter):
    """Parks that are open, closed, or open and silent, at this moment."""

    title = "state"
    parameter_name = "state"

    def lookups(self, request, model_admin):
        return [("silent", "Open and silent"), ("open", "Open"), ("closed", "Closed")]

    def queryset(self, request, queryset):
        now = timezone.now()
        if self.value() == "silent":
            return queryset.filter(ParkFreshness.is_silent(now))
        if self.value() == "open":
            return queryset.filter(ParkFreshness.is_open_at(now))
        if self.value() == "closed":
            return queryset.exclude(ParkFreshness.is_open_at(now))
        return queryset


@admin.register(ParkFreshness)
class ParkFreshnessAdmin(ReadOnlyAdmin):
    """Every park: when it was last heard of, and whether it is open; an open one that is silent stands out."""

    list_display = ("park_link", "state", "observed", "collected", "rides_reported", "until")
    list_display_links = None
    list_filter = (SilentFilter,)
    list_select_related = ("park",)
    search_fields = ("park__park_name",)
    csv_display = ("park", "state", "observed_at", "collected_at", "rides_reported", "is_open", "open_until")

    @admin.display(description="park", ordering="park__park_name")
    def park_link(self, obj) -> str:
        return format_html('<a href="{}">{}</a>', reverse("admin:warehouse_park_change", args=[obj.park_id]), obj.park)

    @admin.display(description="state")
    def state(self, obj) -> str:
        now = timezone.now()
        silence = obj.silent_for(now)
        if silence is not None:
            return format_html('<strong class="site-bad">silent for {}</strong>', age_in_words(silence.total_seconds()))
        return "open" if obj.is_open and (obj.open_until is None or now < obj.open_until) else "closed"

    @admin.display(description="last observation", ordering="observed_at")
    def observed(self, obj) -> str:
        return _ago(obj.observed_at, obj.park)

    @admin.display(description="last collection", ordering="collected_at")
    def collected(self, obj) -> str:
        return _ago(obj.collected_at, obj.park)

    @admin.display(description="open until", ordering="open_until")
    def until(self, obj) -> str:
        return both_in_words(obj.open_until, obj.park.zone) if obj.is_open and obj.open_until else "-"


def _ago(instant, park: Park) -> str:
    """How long ago, and below it when that was by the park's clock."""
    if instant is None:
        return "never"
    return format_html(
        '{} ago, <span class="quiet">{}</span>',
        age_in_words((timezone.now() - instant).total_seconds()),
        both_in_words(instant, park.zone),
    )
