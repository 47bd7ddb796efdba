"""Parks, rides and their metadata in the admin: an operator's values are marked, and the sync passes over them.

What a form changes is written with update_fields on the row as it is now, so that a sync that ran while the form was
open loses nothing. Every change, an operator's or the sync's, can be read as it was before.
"""

from typing import Any
from zoneinfo import available_timezones

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.models import CHANGE, LogEntry
from django.db.models import Count, Q
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html, format_html_join

from warehouse.models import EntityMetadata, MetadataChange, Park, Ride

CHANGES_SHOWN = 20


class ReadOnlyAdmin(admin.ModelAdmin):
    """A window: nothing is added, changed or deleted here."""

    def has_add_permission(self, request, obj=None) -> bool:
        return False

    def has_change_permission(self, request, obj=None) -> bool:
        return False

    def has_delete_permission(self, request, obj=None) -> bool:
        return False


class HandSetAdmin(admin.ModelAdmin):
    """Marks what is changed here as set by hand. `keys` are fields that identify the row: never marked."""

    keys: tuple[str, ...] = ("themeparks_wiki_id",)
    actions = ("give_back_to_the_sync",)

    def has_delete_permission(self, request, obj=None) -> bool:
        return False  # nothing is ever deleted: facts lie behind every ride

    def get_readonly_fields(self, request, obj=None):
        if obj is None:
            return ()
        known_keys = [key for key in self.keys if getattr(obj, key)]
        return [*known_keys, "set_by_hand", "changes"]

    def formfield_for_dbfield(self, db_field, request, **kwargs):
        field = super().formfield_for_dbfield(db_field, request, **kwargs)
        if field is not None:
            # compare with what the form showed, not with what a sync has written since
            field.show_hidden_initial = True
        return field

    def get_form(self, request, obj=None, change=False, **kwargs):
        form = super().get_form(request, obj, change=change, **kwargs)
        for name in obj.hand_set if obj else ():
            field = form.base_fields.get(name.removesuffix("_id") if name == "park_id" else name)
            if field is not None:
                field.help_text = format_html('<strong class="hand-set">✎ Set by hand.</strong> {}', field.help_text)
        return form

    def save_model(self, request, obj, form, change) -> None:
        names = [obj._meta.get_field(name).attname for name in form.changed_data]
        marked = [name for name in names if name not in self.keys]
        if not change:
            obj.mark_hand_set(marked)
            obj.save()
            return
        row = type(obj).objects.select_for_update().get(pk=obj.pk)
        before = {name: getattr(row, name) for name in names}
        for name in names:
            setattr(row, name, getattr(obj, name))
        row.mark_hand_set(marked)
        written = {*names, "hand_set"}
        if names and isinstance(row, EntityMetadata):
            row.version += 1
            row.last_updated = timezone.now()
            written |= {"version", "last_updated"}
        row.save(update_fields=written)
        if names:
            remember(row, before, by=request.user.get_username())

    @admin.display(description="set by hand")
    def set_by_hand(self, obj) -> str:
        return ", ".join(obj._meta.get_field(name).verbose_name for name in obj.hand_set) or "-"

    @admin.display(description="changes")
    def changes(self, obj) -> str:
        found = list(changes_of(obj)[: CHANGES_SHOWN + 1])
        if not found:
            return "None so far."
        rows = format_html_join(
            "",
            "<tr><td>{}</td><td>{}</td><td>{}</td></tr>",
            (
                (f"{change.changed_at:%Y-%m-%d %H:%M}Z", change.changed_by or "metadata sync", described(change))
                for change in found[:CHANGES_SHOWN]
            ),
        )
        subject = "park" if isinstance(obj, Park) else "ride"
        url = reverse("admin:warehouse_metadatachange_changelist")
        more = format_html(
            '<p><a href="{}?{}__exact={}">All changes</a></p>',
            url,
            f"{subject}__{subject}_id",
            obj.pk if isinstance(obj, Park | Ride) else obj.ride_id,
        )
        return format_html(
            "<table><thead><tr><th>When</th><th>By</th><th>Before → after</th></tr></thead><tbody>{}</tbody></table>{}",
            rows,
            more if len(found) > CHANGES_SHOWN else "",
        )

    @admin.action(description="Give hand-set fields back to the sync", permissions=["change"])
    def give_back_to_the_sync(self, request, queryset) -> None:
        """The values stay until the next sync brings others."""
        marked = queryset.exclude(hand_set=[])
        rows = list(marked)
        for row in rows:
            LogEntry.objects.log_actions(
                request.user.pk, [row], CHANGE, f"Gave back to the sync: {', '.join(row.hand_set)}", single_object=True
            )
        count = marked.update(hand_set=[])
        self.message_user(
            request,
            f"{count} given back; the next sync sets their fields again." if count else "None of them is set by hand.",
            messages.SUCCESS if count else messages.WARNING,
        )


def remember(row: Park | Ride | EntityMetadata, before: dict[str, Any], by: str) -> None:
    """Keep what a park, a ride or its metadata was before an operator changed it."""
    MetadataChange.objects.create(
        park=row if isinstance(row, Park) else None,
        ride=row if isinstance(row, Ride) else getattr(row, "ride", None),
        changed_at=timezone.now(),
        changed_by=by,
        version=getattr(row, "version", None),
        before={name: _plain(value) for name, value in before.items()},
        after={name: _plain(getattr(row, name)) for name in before},
    )


def changes_of(obj: Park | Ride | EntityMetadata):
    if isinstance(obj, Park):
        return MetadataChange.objects.filter(park=obj)
    return MetadataChange.objects.filter(ride=obj.pk if isinstance(obj, Ride) else obj.ride_id)


def described(change: MetadataChange) -> str:
    return format_html_join(
        "",
        "<div>{}: {} → {}</div>",
        ((name, _shown(value), _shown(change.after.get(name))) for name, value in change.before.items()),
    )


def _plain(value: Any) -> Any:
    return value if value is None or isinstance(value, bool | int | str | list) else str(value)


def _shown(value: Any) -> str:
    if value is None or value == "":
        return "(none)"
    if isinstance(value, list):
        return ", ".join(map(_shown_tag, value)) or "(none)"
    return str(value)


def _shown_tag(tag: Any) -> str:
    if not isinstance(tag, dict) or "tag" not in tag:
        return str(tag)
    value = tag.get("value")
    if isinstance(value, dict):
        value = " ".join(str(part) for part in value.values())
    return tag["tag"] if value is None else f"{tag['tag']} {value}"


class ParkForm(forms.ModelForm):
    def clean_timezone(self):
        name = self.cleaned_data["timezone"]
        if name and name not in available_timezones():
            raise forms.ValidationError("No such time zone; give an IANA name, for instance America/New_York.")
        return name


@admin.register(Park)
class ParkAdmin(HandSetAdmin):
    form = ParkForm
    list_display = ("park_name", "timezone", "rides_known", "themeparks_wiki_id", "set_by_hand")
    search_fields = ("park_name", "themeparks_wiki_id", "destination_wiki_id")

    def get_queryset(self, request):
        return super().get_queryset(request).annotate(ride_count=Count("rides"))

    @admin.display(description="rides", ordering="ride_count")
    def rides_known(self, obj) -> str:
        url = reverse("admin:warehouse_ride_changelist")
        return format_html('<a href="{}?park__park_id__exact={}">{}</a>', url, obj.pk, obj.ride_count)


class MetadataForm(forms.ModelForm):
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
class RideAdmin(HandSetAdmin):
    list_display = ("ride_name", "park_name", "tier", "themeparks_wiki_id", "set_by_hand")
    list_filter = ("tier", EntityTypeFilter)
    list_select_related = ("park",)
    search_fields = ("ride_name", "park__park_name", "themeparks_wiki_id")
    autocomplete_fields = ("park",)

    @admin.display(description="park", ordering="park__park_name")
    def park_name(self, obj) -> str:
        return obj.park.park_name


@admin.register(EntityMetadata)
class EntityMetadataAdmin(HandSetAdmin):
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
        return [("sync", "Metadata sync"), ("operator", "An operator")]

    def queryset(self, request, queryset):
        by_sync = Q(changed_by="")
        return {"sync": queryset.filter(by_sync), "operator": queryset.exclude(by_sync)}.get(self.value(), queryset)


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

    @admin.display(description="when", ordering="changed_at")
    def when(self, obj) -> str:
        return f"{obj.changed_at:%Y-%m-%d %H:%M}Z"

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
