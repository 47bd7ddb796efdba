"""Parks, rides, their metadata and its history in the admin."""

from zoneinfo import available_timezones

from django import forms
from django.contrib import admin
from django.contrib.admin.options import IS_POPUP_VAR
from django.contrib.admin.utils import unquote
from django.db.models import Count, Q, prefetch_related_objects
from django.http import HttpResponseRedirect
from django.urls import path, reverse
from django.utils.html import format_html

from warehouse.admin.about.page import about_page
from warehouse.admin.checked_forms import CheckedForm, TagsField
from warehouse.admin.day_pages import day_page, links, park_page, ride_page
from warehouse.admin.operator_overrides import OverridesAdmin, ReadOnlyAdmin, described
from warehouse.models import BY_EVENTS, EntityMetadata, MetadataChange, Park, Ride, RideStay
from warehouse.rides import stale_days, stays
from warehouse.rides.numbering import take_numbers
from warehouse.server.turns import on_every_node, wait_for_turn
from warehouse.zones import utc_in_words


def _pages(model_admin: admin.ModelAdmin, pages) -> list:
    """Pages of our own beside Django's: (pattern, view, name)."""
    return [path(pattern, model_admin.admin_site.admin_view(view), name=name) for pattern, view, name in pages]


class PageAdmin(OverridesAdmin):
    """The change address of a row is a page about it, which all links lead to; its form is at `edit/`, a click away."""

    change_form_template = "warehouse/edit.html"

    def get_urls(self):
        name = f"warehouse_{self.opts.model_name}_edit"
        return [*_pages(self, [("<path:object_id>/edit/", self.edit_view, name)]), *super().get_urls()]

    def change_view(self, request, object_id, form_url="", extra_context=None):
        obj = self.get_object(request, unquote(object_id))
        as_form = request.method != "GET" or IS_POPUP_VAR in request.GET
        if as_form or obj is None or not self.has_view_permission(request, obj):
            return super().change_view(request, object_id, form_url, extra_context)
        return about_page(request, obj)

    def edit_view(self, request, object_id):
        """The form. Saving it leads back to the page."""
        return super().change_view(request, object_id)

    def response_post_save_change(self, request, obj):
        return HttpResponseRedirect(reverse(f"admin:warehouse_{self.opts.model_name}_change", args=[obj.pk]))


class ParkForm(CheckedForm):
    def clean_timezone(self):
        name = self.cleaned_data["timezone"]
        if name and name not in available_timezones():
            raise forms.ValidationError("No such time zone; give an IANA name, for instance America/New_York.")
        return name


@admin.register(Park)
class ParkAdmin(PageAdmin):
    form = ParkForm
    # said once more, since a query that counts, as below, forgets the model's: where a park is chosen by its name they
    # came in pages of no order, of which a park may be on none
    ordering = ("park_name", "park_id")
    list_display = ("park_name", "timezone", "rides_known", "days", "themeparks_wiki_id", "set_by_hand")
    search_fields = ("park_name", "themeparks_wiki_id", "destination_wiki_id")

    def get_urls(self):
        return [*_pages(self, park_page.admin_pages), *_pages(self, day_page.admin_pages), *super().get_urls()]

    def get_queryset(self, request):
        return super().get_queryset(request).annotate(ride_count=Count("rides"))

    def save_model(self, request, obj, form, change) -> None:
        super().save_model(request, obj, form, change)
        if change and "timezone" in form.changed_data:
            stale_days.mark_park(obj.pk)

    @admin.display(description="days")
    def days(self, obj) -> str:
        return format_html('<a href="{}">Waits and downtime</a>', links.park(obj.pk))

    @admin.display(description="rides", ordering="ride_count")
    def rides_known(self, obj) -> str:
        url = reverse("admin:warehouse_ride_changelist")
        return format_html('<a href="{}?park__park_id__exact={}">{}</a>', url, obj.pk, obj.ride_count)


class MetadataForm(CheckedForm):
    # declared, so Django's hook that has the others show what they were does not see it
    tags = TagsField(required=False, widget=admin.widgets.AdminTextareaWidget, show_hidden_initial=True)

    class Meta:
        labels = {
            "indoor_outdoor": "Indoor or outdoor",
            "height_min_cm": "Minimum height (cm)",
            "height_max_cm": "Maximum height (cm)",
        }

    def clean_latitude(self):
        return _within(self.cleaned_data["latitude"], 90)

    def clean_longitude(self):
        return _within(self.cleaned_data["longitude"], 180)

    def clean(self):
        cleaned = super().clean()
        cleaned["tags"] = cleaned.get("tags") or []
        low, high = cleaned.get("height_min_cm"), cleaned.get("height_max_cm")
        if low is not None and high is not None and low > high:
            raise forms.ValidationError("The minimum height is above the maximum height.")
        return cleaned


def _within(value, limit: int):
    if value is not None and abs(value) > limit:
        raise forms.ValidationError(f"Must lie between -{limit} and {limit}.")
    return value


class EntityTypeFilter(admin.SimpleListFilter):
    title = "kind"
    parameter_name = "kind"

    def lookups(self, request, model_admin):
        kinds = EntityMetadata.objects.order_by("entity_type").values_list("entity_type", flat=True).distinct()
        return [(kind, kind.capitalize() or "(not said)") for kind in kinds]

    def queryset(self, request, queryset):
        if self.value() is None:
            return queryset
        return queryset.filter(
            **{"entity_type" if queryset.model is EntityMetadata else "metadata__entity_type": self.value()}
        )


@admin.register(Ride)
class RideAdmin(PageAdmin):
    form = CheckedForm
    list_display = ("ride_name", "park_name", "tier", "days", "themeparks_wiki_id", "set_by_hand")
    list_filter = ("tier", EntityTypeFilter)
    list_select_related = ("park",)
    search_fields = ("ride_name", "park__park_name", "themeparks_wiki_id")
    autocomplete_fields = ("park",)

    def get_urls(self):
        return [*_pages(self, ride_page.admin_pages), *super().get_urls()]

    @admin.display(description="days")
    def days(self, obj) -> str:
        return format_html('<a href="{}">Waits and downtime</a>', links.ride(obj.pk))

    def save_model(self, request, obj, form, change) -> None:
        if not change:
            (obj.ride_id,) = take_numbers(1)
        moves = change and "park" in form.changed_data
        before = Ride.objects.values_list("park_id", flat=True).get(pk=obj.pk) if moves else None
        super().save_model(request, obj, form, change)
        if before is not None:
            stale_days.mark_ride(obj.pk, {before, obj.park_id})
            on_every_node("ride", [obj.pk])
            stays.set_by_operator(obj.pk, obj.park_id)

    def get_object(self, request, object_id, from_field=None):
        ride = super().get_object(request, object_id, from_field)
        if ride is not None:
            prefetch_related_objects([ride], "park", "metadata")
        return ride

    @admin.display(description="park", ordering="park__park_name")
    def park_name(self, obj) -> str:
        return format_html('<a href="{}">{}</a>', reverse("admin:warehouse_park_change", args=[obj.park_id]), obj.park)


@admin.register(EntityMetadata)
class EntityMetadataAdmin(OverridesAdmin):
    form = MetadataForm
    keys = ("themeparks_wiki_id", "ride_id")
    list_display = ("of", "kind", "under_roof", "heights", "listed", "set_by_hand")
    list_filter = ("listed", EntityTypeFilter, "indoor_outdoor")
    list_select_related = ("ride",)
    search_fields = ("ride__ride_name", "ride__park__park_name", "themeparks_wiki_id")
    fields = (
        "ride",
        "themeparks_wiki_id",
        "entity_type",
        ("latitude", "longitude"),
        "indoor_outdoor",
        ("height_min_cm", "height_max_cm"),
        "tags",
        ("version", "last_updated", "listed"),
        "set_by_hand",
        "changes",
    )

    def save_model(self, request, obj, form, change) -> None:
        is_of_another_kind = "entity_type" in form.changed_data
        if is_of_another_kind:  # else days that are being made would be of the kind before, and unmarked
            stood = RideStay.objects.filter(ride=obj.ride_id).values_list("park_id", flat=True)
            wait_for_turn({obj.ride.park_id, *stood})
        super().save_model(request, obj, form, change)
        if is_of_another_kind:
            stale_days.mark_kinds([obj.ride_id])

    @admin.display(description="ride", ordering="ride__ride_name")
    def of(self, obj) -> str:
        return obj.ride.ride_name  # not the key itself: Django would never break its line

    @admin.display(description="kind", ordering="entity_type")
    def kind(self, obj) -> str:
        return obj.entity_type.capitalize() or "-"

    @admin.display(description="in or out", ordering="indoor_outdoor")
    def under_roof(self, obj) -> str:
        return obj.get_indoor_outdoor_display() or "-"

    @admin.display(description="heights (cm)", ordering="height_min_cm")
    def heights(self, obj) -> str:
        low, high = obj.height_min_cm, obj.height_max_cm
        if low is None and high is None:
            return "-"
        return f"{low or 0} to {high}" if high is not None else f"from {low}"

    def has_add_permission(self, request) -> bool:
        return False  # it comes with the sync, a row an entity

    def get_readonly_fields(self, request, obj=None):
        return ["ride", "themeparks_wiki_id", "version", "last_updated", "listed", "set_by_hand", "changes"]


class ByFilter(admin.SimpleListFilter):
    title = "author"
    parameter_name = "by"

    def lookups(self, request, model_admin):
        return [("sync", "Metadata sync"), ("events", "Events"), ("operator", "An operator")]

    def queryset(self, request, queryset):
        by_sync, by_events = Q(changed_by=""), Q(changed_by=BY_EVENTS)
        chosen = {"sync": by_sync, "events": by_events, "operator": ~(by_sync | by_events)}
        return queryset.filter(chosen.get(self.value() or "", Q()))


@admin.register(MetadataChange)
class MetadataChangeAdmin(ReadOnlyAdmin):
    list_display = ("when", "subject", "what", "by", "version")
    list_filter = (ByFilter, "changed_at")
    list_select_related = ("park", "ride__park")
    search_fields = ("ride__ride_name", "park__park_name", "changed_by")
    fields = ("changed_at", "subject", "by", "version", "what")

    def lookup_allowed(self, lookup, value, request=None) -> bool:
        return lookup in ("park__park_id__exact", "ride__ride_id__exact") or super().lookup_allowed(
            lookup, value, request
        )

    @admin.display(description="when (UTC)", ordering="changed_at")
    def when(self, obj) -> str:
        return utc_in_words(obj.changed_at)

    @admin.display(description="of")
    def subject(self, obj) -> str:
        if obj.park_id:
            return format_html(
                '<a href="{}">{}</a>', reverse("admin:warehouse_park_change", args=[obj.park_id]), obj.park
            )
        url = reverse("admin:warehouse_ride_change", args=[obj.ride_id])
        return format_html('<a href="{}">{}</a>, {}', url, obj.ride, obj.ride.park)

    @admin.display(description="before → after")
    def what(self, obj) -> str:
        return described(obj)

    @admin.display(description="by", ordering="changed_by")
    def by(self, obj) -> str:
        return obj.changed_by or "metadata sync"
