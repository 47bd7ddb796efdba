"""Base classes of the catalogue's pages: a window that changes nothing, and rows with operator overrides.

What a form changes is written with update_fields on the row as it is now, so that a sync that ran while the form was
open loses nothing. Every change, an operator's or the sync's, can be read as it was before.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from django.contrib import admin, messages
from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.auth.base_user import AbstractBaseUser
from django.db import transaction
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html, format_html_join

from warehouse.admin.list_csv import ListCsvAdmin
from warehouse.models import EntityMetadata, MetadataChange, Park, Ride
from warehouse.zones import utc_in_words

CHANGES_SHOWN = 20
NOTHING_CHANGED = "Saved without a change"


class ReadOnlyAdmin(ListCsvAdmin):
    """A window: nothing is added, changed or deleted here."""

    def has_add_permission(self, request, obj=None) -> bool:
        return False

    def has_change_permission(self, request, obj=None) -> bool:
        return False

    def has_delete_permission(self, request, obj=None) -> bool:
        return False


class OverridesAdmin(ListCsvAdmin):
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
        if not change:
            obj.mark_overridden([name for name in names if name not in self.keys])
            obj.save()
            form.in_words = in_words({name: (None, MetadataChange.plain(getattr(obj, name))) for name in names})
            return
        values = {name: getattr(obj, name) for name in names}
        form.in_words = in_words(_write(obj, values, self.keys, by=request.user.get_username()))

    def construct_change_message(self, request, form, formsets, add=False):
        """For the history: what each field was, and what it is."""
        return form.in_words or NOTHING_CHANGED

    @admin.display(description="set by hand")
    def set_by_hand(self, obj) -> str:
        called = {name: field.verbose_name for field in obj._meta.fields for name in (field.name, field.attname)}
        return ", ".join(f"{called.get(name, name)}" for name in obj.hand_set) or "-"

    @admin.display(description="changes")
    def changes(self, obj) -> str:
        found = list(_changes_of(obj)[: CHANGES_SHOWN + 1])
        if not found:
            return "None so far."
        rows = format_html_join(
            "",
            "<tr><td>{}</td><td>{}</td><td>{}</td></tr>",
            (
                (utc_in_words(change.changed_at), change.changed_by or "metadata sync", described(change))
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
            "<table><thead><tr><th>When (UTC)</th><th>By</th><th>Before → after</th></tr></thead>"
            "<tbody>{}</tbody></table>{}",
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
        rides = [row.pk for row in rows if isinstance(row, Ride)]
        EntityMetadata.objects.filter(ride__in=rides).update(
            catalogue_name="", catalogue_park=""
        )  # heard as news again
        count = marked.update(hand_set=[])
        self.message_user(
            request,
            f"{count} given back; the next sync sets their fields again." if count else "None of them is set by hand.",
            messages.SUCCESS if count else messages.WARNING,
        )


def override(obj: Park | Ride, values: Mapping[str, Any], user: AbstractBaseUser) -> bool:
    """Set fields of a park or a ride by hand from elsewhere than its form, kept and told alike: what it was before in
    its changes, who did it in its history. Returns False where it had these values already: then nothing is done."""
    with transaction.atomic():
        written = _write(obj, values, OverridesAdmin.keys, by=user.get_username(), only_changed=True)
        if written:
            LogEntry.objects.log_actions(user.pk, [obj], CHANGE, in_words(written), single_object=True)
    return bool(written)


def in_words(changes: Mapping[str, tuple[Any, Any]]) -> str:
    """`timezone: (none) → Europe/Paris; tags: ...`, of plain values (MetadataChange.plain) by the names of fields."""
    return "; ".join(f"{name}: {_shown(before)} → {_shown(after)}" for name, (before, after) in changes.items())


def _write(
    obj, values: Mapping[str, Any], keys: Sequence[str], *, by: str, only_changed: bool = False
) -> dict[str, tuple[Any, Any]]:
    """These values on the row as it is now, which is held from here on; returns what was written: before and after."""
    row = type(obj).objects.select_for_update().get(pk=obj.pk)
    names = [name for name in values if not only_changed or getattr(row, name) != values[name]]
    if only_changed and not names:
        return {}
    before = {name: getattr(row, name) for name in names}
    for name in names:
        setattr(row, name, values[name])
    row.mark_overridden([name for name in names if name not in keys])
    written = {*names, "hand_set"}
    if names and isinstance(row, EntityMetadata):
        row.version += 1
        row.last_updated = timezone.now()
        written |= {"version", "last_updated"}
    row.save(update_fields=written)
    if names:
        _remember(row, before, by=by)
    return {name: (MetadataChange.plain(old), MetadataChange.plain(getattr(row, name))) for name, old in before.items()}


def _remember(row: Park | Ride | EntityMetadata, before: dict[str, Any], by: str) -> None:
    """Keep what a park, a ride or its metadata was before an operator changed it."""
    MetadataChange.objects.create(
        park=row if isinstance(row, Park) else None,
        ride=row if isinstance(row, Ride) else getattr(row, "ride", None),
        changed_at=timezone.now(),
        changed_by=by,
        version=getattr(row, "version", None),
        before={name: MetadataChange.plain(value) for name, value in before.items()},
        after={name: MetadataChange.plain(getattr(row, name)) for name in before},
    )


def _changes_of(obj: Park | Ride | EntityMetadata):
    if isinstance(obj, Park):
        return MetadataChange.objects.filter(park=obj)
    return MetadataChange.objects.filter(ride=obj.pk if isinstance(obj, Ride) else obj.ride_id)


def described(change: MetadataChange) -> str:
    return format_html_join(
        "",
        "<div>{}: {} → {}</div>",
        ((name, _shown(value), _shown(change.after.get(name))) for name, value in change.before.items()),
    )


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
    return f"{tag['tag']}" if value is None else f"{tag['tag']} {value}"
