"""When parks are open, in the admin: what a schedule says, what was inferred, and what an operator sets instead.

Times are the park's own. Every change of a day's hours can be read on the park's page, as it was before.
"""

from datetime import UTC, date, datetime, time

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.models import CHANGE, LogEntry
from django.db import transaction
from django.utils import timezone

from warehouse.admin.checked_forms import CheckedForm
from warehouse.admin.list_csv import ListCsvAdmin
from warehouse.admin.operator_overrides import NOTHING_CHANGED
from warehouse.days import FIRST_YEAR, LAST_YEAR, ONE_DAY, is_within_reach
from warehouse.instants import milliseconds_of
from warehouse.models import HoursType, MetadataChange, Park, ParkHours
from warehouse.rides import hours
from warehouse.server.turns import on_every_node
from warehouse.zones import utc_in_words

_WITHOUT_TIMES = (HoursType.CLOSED, HoursType.INFO)


def words_of(park: Park, day: date) -> str:
    """The hours of a park's day in words."""
    return hours.in_words(hours.hours_of([park.pk], day, day).get((park.pk, day), ()), park.zone)


class HoursForm(CheckedForm):
    opens = forms.TimeField(required=False, help_text="By the park's clock, HH:MM. A day that is closed has none.")
    opens_late = forms.BooleanField(
        required=False,
        label="Opens after midnight",
        help_text="On the next calendar day, as a part of this one's night.",
    )
    closes = forms.TimeField(
        required=False, help_text="By the park's clock. A time that is not after the opening is one of the next day."
    )

    class Meta:
        help_texts = {
            "day": "The park's own.",
            "type": "Of a day that is CLOSED all else that is known goes. Hours that are added replace the schedule's "
            "of their kind. No schedule touches the day again, until it is given back.",
        }

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        row = self.instance
        if row.pk and row.opens_at and row.closes_at:
            opens, closes = (at.astimezone(row.park.zone) for at in (row.opens_at, row.closes_at))
            self.initial |= {"opens": opens.time(), "closes": closes.time(), "opens_late": opens.date() > row.day}

    def clean_day(self):
        day = self.cleaned_data["day"]
        if not is_within_reach(day):
            raise forms.ValidationError(f"Give a day of the years {FIRST_YEAR} to {LAST_YEAR}.")
        return day

    def clean(self):
        cleaned = super().clean()
        kind, opens, closes = (cleaned.get(name) for name in ("type", "opens", "closes"))
        row = self.instance
        park = row.park if row.pk else cleaned.get("park")
        day = row.day if row.pk else cleaned.get("day")
        if self.errors or park is None or day is None:
            return cleaned
        row.opens_at = row.closes_at = None
        if kind == HoursType.CLOSED:
            pass  # whatever the times were
        elif opens is None or closes is None:
            if opens is not closes or kind not in _WITHOUT_TIMES:
                raise forms.ValidationError("Give both times: when it opens, and when it closes.")
        elif opens == closes != time():
            raise forms.ValidationError("It opens and closes at one time. A whole day goes from 00:00 to 00:00.")
        else:
            begins = day + ONE_DAY if cleaned.get("opens_late") else day
            ends = begins + ONE_DAY if closes <= opens else begins
            row.opens_at = datetime.combine(begins, opens, tzinfo=park.zone).astimezone(UTC)
            row.closes_at = datetime.combine(ends, closes, tzinfo=park.zone).astimezone(UTC)
        same = ParkHours.objects.filter(park=park, day=day, type=kind, opens_at=row.opens_at).exclude(pk=row.pk)
        if same.exists():
            raise forms.ValidationError("Hours of this kind and opening are known of the day; change those.")
        return cleaned


@admin.register(ParkHours)
class ParkHoursAdmin(ListCsvAdmin):
    form = HoursForm
    list_display = ("day", "of", "type", "opens_there", "closes_there", "zone", "source", "description")
    list_filter = ("source", "type")
    list_select_related = ("park",)
    date_hierarchy = "day"
    ordering = ("-day", "park__park_name", "opens_at")
    search_fields = ("park__park_name", "park__themeparks_wiki_id", "description")
    autocomplete_fields = ("park",)
    actions = ("give_back_to_the_schedule",)

    def has_delete_permission(self, request, obj=None) -> bool:
        return False  # the next reading of the schedule would bring it back: a day is CLOSED, or given back

    def lookup_allowed(self, lookup, value, request=None) -> bool:
        return lookup == "park__park_id__exact" or super().lookup_allowed(lookup, value, request)

    def get_fields(self, request, obj=None):
        if obj is None:
            return ("park", "day", "type", "opens", "opens_late", "closes", "description")
        times = ("opens", "opens_late", "closes")
        if not self.has_change_permission(request, obj):
            times = ("opens_there", "closes_there")
        return ("park", "day", "type", *times, "description", "source", "read", "zone")

    def get_readonly_fields(self, request, obj=None):
        return ("park", "day", "source", "read", "zone", "opens_there", "closes_there") if obj else ()

    def save_model(self, request, obj, form, change) -> None:
        form.in_words = ""
        if change and not form.changed_data:
            return
        obj.description = obj.description.strip()
        on_every_node("park", [obj.park_id])
        before = words_of(obj.park, obj.day)
        hours.set_by_operator(obj, timezone.now())
        _remember(obj.park, obj.day, before, request.user.get_username())
        form.in_words = f"hours of {obj.park} on {obj.day}: {before} → {words_of(obj.park, obj.day)}"

    def construct_change_message(self, request, form, formsets, add=False):
        """For the history: what the day's hours were, and what they are."""
        return form.in_words or NOTHING_CHANGED

    @admin.action(description="Give the days back to the schedule", permissions=["change"])
    def give_back_to_the_schedule(self, request, queryset) -> None:
        """What an operator said of these days goes; the next reading of the schedule brings its own."""
        days: dict[Park, set[date]] = {}
        for row in queryset.select_related("park"):
            days.setdefault(row.park, set()).add(row.day)
        count = 0
        for park, asked in days.items():
            with transaction.atomic():
                on_every_node("park", [park.pk])
                before = {day: words_of(park, day) for day in sorted(asked)}
                given = hours.give_back(park.pk, asked, timezone.now())
                for day in sorted(given):
                    _remember(park, day, before[day], request.user.get_username())
                if given:
                    said = "; ".join(f"{day}: {before[day]} → {words_of(park, day)}" for day in sorted(given))
                    LogEntry.objects.log_actions(
                        request.user.pk, [park], CHANGE, f"Gave hours back to the schedule: {said}", single_object=True
                    )
            count += len(given)
        self.message_user(
            request,
            f"{count} given back. The coming days come with the next reading, past ones with manage.py sync_metadata "
            "--hours-from."
            if count
            else "None of them is set by hand.",
            messages.SUCCESS if count else messages.WARNING,
        )

    @admin.display(description="park", ordering="park__park_name")
    def of(self, obj) -> str:
        return obj.park.park_name

    @admin.display(description="opens", ordering="opens_at")
    def opens_there(self, obj) -> str:
        return _clock(obj, obj.opens_at)

    @admin.display(description="closes", ordering="closes_at")
    def closes_there(self, obj) -> str:
        return _clock(obj, obj.closes_at)

    @admin.display(description="read (UTC)", ordering="read_at")
    def read(self, obj) -> str:
        return utc_in_words(obj.read_at)

    @admin.display(description="time zone")
    def zone(self, obj) -> str:
        return f"{obj.park.zone}" if obj.park.timezone else "none known: times are UTC"


def _clock(row: ParkHours, at: datetime | None) -> str:
    if at is None:
        return "-"
    there = at.astimezone(row.park.zone)
    return hours.clock_at(milliseconds_of(at), row.park.zone) + (", next day" if there.date() > row.day else "")


def _remember(park: Park, day: date, before: str, by: str) -> None:
    """Keep what a day's hours were before an operator changed them."""
    after, name = words_of(park, day), f"hours of {day}"
    if after != before:
        MetadataChange.objects.create(
            park=park, changed_at=timezone.now(), changed_by=by, before={name: before}, after={name: after}
        )
