"""Snapshots and queue rows in the admin, read-only, at any size: nothing is asked of the table before a range of days
and a park or a ride are chosen, no page counts, and only the partitions of the range are opened. Days and times are
those of the park's clock, and UTC, in which they are kept, stands beside.

Pages follow the key (older than the last row shown), not an offset. The newest rows of a park are the newest of each
of its rides, merged: each ride is a short walk on idx_ride_recorded. On 4.6 million rows of one month that took 10 to
44 ms whatever the range held; `ride_id IN (...) ORDER BY recorded_at` took 17 s where the park had no rows.
"""

from collections.abc import Iterator, Sequence
from datetime import date, datetime
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from django import forms
from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db import connection
from django.db.models import Q
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.html import format_html

from warehouse.admin.csv_files import csv_file
from warehouse.admin.fact_times import in_words, when, when_headings, zone_of
from warehouse.admin.list_csv import csv_name
from warehouse.admin.operator_overrides import ReadOnlyAdmin
from warehouse.days import FIRST_YEAR, LAST_YEAR, ONE_DAY, is_within_reach
from warehouse.history.answers.written import csv_lines
from warehouse.ids import key_of
from warehouse.instants import ONE_MILLISECOND
from warehouse.models import Park, QueueData, QueueType, Ride, RideStatusSnapshot
from warehouse.rides.stays import Span, spans_of
from warehouse.snapshot_id import SNAPSHOT_ID_MAX, instant_of, ride_id_of
from warehouse.zones import both_in_words, local_day

ROWS_A_PAGE = 100
IDS_AT_ONCE = 1_000
PARK_DAYS_MAX = 31
RIDE_DAYS_MAX = 366


class DaysForm(forms.Form):
    """Days, both included, and not more than make a page."""

    days_max = PARK_DAYS_MAX

    def __init__(self, data, default: tuple[date | None, date | None] = (None, None)):
        super().__init__(data)
        for name, day in zip(("from", "to"), default, strict=True):  # `from` is a word of Python's own
            widget = forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")
            self.fields[name] = forms.DateField(widget=widget, initial=day, validators=[_refuse_out_of_reach])

    def clean(self):
        cleaned = super().clean()
        first, last = cleaned.get("from"), cleaned.get("to")
        if first and last and first > last:
            raise forms.ValidationError("The first day lies after the last; swap them.")
        if first and last and (last - first).days >= self.days_max:
            raise forms.ValidationError(self.limit())
        return cleaned

    def limit(self) -> str:
        return f"At most {self.days_max} days."


def _refuse_out_of_reach(day: date) -> None:
    if not is_within_reach(day):
        raise forms.ValidationError(f"Give a day of the years {FIRST_YEAR} to {LAST_YEAR}.")


class RangeForm(DaysForm):
    """A park or a ride, and days of the park's own clock."""

    park = forms.ModelChoiceField(Park.objects.all(), required=False)
    ride = forms.ModelChoiceField(Ride.objects.none(), required=False, empty_label="All rides of the park")

    def __init__(self, data):
        super().__init__(data)
        park, ride = (key_of(self.data.get(name)) for name in ("park", "ride"))
        if park is not None:
            there = Q(park=park) | Q(stays__park=park)  # now, or once
            self.fields["ride"].queryset = Ride.objects.filter(there).distinct()
        elif ride is not None:
            self.fields["ride"].queryset = Ride.objects.filter(pk=ride)

    def clean(self):
        if not (self.cleaned_data.get("park") or self.cleaned_data.get("ride")) and not self.errors:
            raise forms.ValidationError("Choose a park or a ride: the table is too large to be shown without.")
        if self.cleaned_data.get("ride"):
            self.days_max = RIDE_DAYS_MAX
        return super().clean()

    def limit(self) -> str:
        return f"At most {PARK_DAYS_MAX} days of a park, or {RIDE_DAYS_MAX} of a ride."

    def spans(self, before: int | None) -> list[Span]:
        """The chosen ride's whole period, or of a park's rides what of it they were there."""
        ride, begin, end = self.cleaned_data["ride"], *self.instants(before)
        if ride:
            return [Span(ride.pk, begin, end)]
        return spans_of(self.cleaned_data["park"].pk, begin, end)

    def zone(self) -> ZoneInfo:
        """Of the park that was chosen, or in which the ride stands that was."""
        park = self.cleaned_data["park"] or self.cleaned_data["ride"].park
        return park.zone

    def instants(self, before: int | None) -> tuple[datetime, datetime]:
        """Half-open; `before`: only what lies before that snapshot's instant, or at it."""
        begin, _ = local_day(self.cleaned_data["from"], self.zone())
        _, end = local_day(self.cleaned_data["to"], self.zone())
        return begin, end if before is None else min(end, instant_of(before) + ONE_MILLISECOND)


class FactsAdmin(ReadOnlyAdmin):
    """The list is a page of its own: Django's would count, and query before anything is chosen."""

    headings: Sequence[str] = ()  # of the columns behind those that say when

    def changelist_view(self, request, extra_context=None):
        if not self.has_view_permission(request):
            raise PermissionDenied
        form = RangeForm(request.GET) if request.GET else RangeForm(None)
        context = {
            **self.admin_site.each_context(request),
            "title": self.opts.verbose_name_plural.capitalize(),
            "opts": self.opts,
            "form": form,
            "limits": f"At most {PARK_DAYS_MAX} days of a park, or {RIDE_DAYS_MAX} of a ride. Days and times are those "
            "of the park's clock, with UTC beside.",
        }
        if request.GET and form.is_valid():
            zone = form.zone()
            context["headings"] = (*when_headings(zone), *self.headings)
            before = _snapshot_id(request.GET.get("before", ""))
            spans = form.spans(before)
            ids = self.newest(spans, before)
            context["rows"] = self.rows(ids[:ROWS_A_PAGE], Ride.objects.in_bulk({span.ride_id for span in spans}), zone)
            if len(ids) > ROWS_A_PAGE:
                asked = {name: request.GET[name] for name in ("park", "ride", "from", "to") if name in request.GET}
                context["older"] = "?" + urlencode(asked | {"before": ids[ROWS_A_PAGE - 1]})
            context["is_first_page"] = before is None
            context["csv_url"] = self.csv_url(request)
        return TemplateResponse(request, "warehouse/facts.html", context)

    def csv_view(self, request):
        """All of the range, the newest first, a day at a time: a park's has some 50,000 rows at most."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        form = RangeForm(request.GET)
        if not form.is_valid():
            return redirect(
                f"{reverse(f'admin:warehouse_{self.opts.model_name}_changelist')}?{request.GET.urlencode()}"
            )
        subject = form.cleaned_data["ride"] or form.cleaned_data["park"]
        days = f"{form.cleaned_data['from']} to {form.cleaned_data['to']}"
        name = csv_name(f"{self.opts.verbose_name_plural} of {subject} {days}")
        return csv_file(request, csv_lines(self._csv_table(form)), name)

    csv_headings: Sequence[str] = ()

    def _csv_table(self, form: RangeForm) -> Iterator[list]:
        yield list(self.csv_headings)
        spans = form.spans(None)
        rides = Ride.objects.in_bulk({span.ride_id for span in spans})
        begin, end = form.instants(None)
        while begin < end:
            upto, end = end, max(begin, end - ONE_DAY)  # where the clocks change a day of the park has 23 or 25 hours
            snapshots = _snapshots_of(spans, end, upto)
            for at in range(0, len(snapshots), IDS_AT_ONCE):
                some = snapshots[at : at + IDS_AT_ONCE]
                queues = _queues([snapshot.pk for snapshot in some])
                for snapshot in some:
                    yield from self.csv_rows_of(snapshot, rides[snapshot.ride_id], queues.get(snapshot.pk, []))

    def csv_rows_of(self, snapshot: RideStatusSnapshot, ride: Ride, queues: list[QueueData]) -> Iterator[list]:
        """The rows of the CSV that a snapshot makes."""
        raise NotImplementedError

    queues_a_snapshot = 0  # how many rows of queue_data a snapshot may have, where it must have one

    def newest(self, spans: list[Span], before: int | None) -> list[int]:
        """snapshot_ids, the newest first, one more than a page shows."""
        if not spans:
            return []
        limit = (ROWS_A_PAGE + 1) * max(1, self.queues_a_snapshot)
        queues = "JOIN queue_data q ON q.snapshot_id = s.snapshot_id " if self.queues_a_snapshot else ""
        of_one_ride = (
            "(SELECT STRAIGHT_JOIN s.snapshot_id FROM ride_status_snapshots s FORCE INDEX (idx_ride_recorded) "
            f"{queues}WHERE s.ride_id = %s AND s.recorded_at >= %s AND s.recorded_at < %s AND s.snapshot_id < %s "
            f"ORDER BY s.recorded_at DESC LIMIT {limit})"
        )
        with connection.cursor() as cursor:
            cursor.execute(
                f"SELECT DISTINCT snapshot_id FROM ({' UNION ALL '.join([of_one_ride] * len(spans))}) newest "
                f"ORDER BY snapshot_id DESC LIMIT {ROWS_A_PAGE + 1}",
                [value for span in spans for value in (span.ride_id, span.start, span.end, _before(before))],
            )
            return [snapshot_id for (snapshot_id,) in cursor.fetchall()]

    def rows(self, ids: list[int], rides: dict[int, Ride], zone: ZoneInfo) -> list[list]:
        """The cells of the page, times by the clock of a zone."""
        raise NotImplementedError


@admin.register(RideStatusSnapshot)
class SnapshotAdmin(FactsAdmin):
    headings = ("Ride", "Status", "Wait", "Source", "Further queues")
    csv_headings = ("snapshot_id", "recorded_at", "ride_id", "ride", "status", "wait_time", "source", "further_queues")
    fields = ("snapshot_id", "recorded", "of", "status", "wait_time", "computed_is_open", "data_source", "queues")

    def rows(self, ids, rides, zone):
        snapshots = {snapshot.pk: snapshot for snapshot in _snapshots(ids)}
        queues = _queues(ids)
        return [
            [
                *when(snapshot_id, zone, reverse("admin:warehouse_ridestatussnapshot_change", args=[snapshot_id])),
                _ride_link(rides[snapshot.ride_id]),
                snapshot.status,
                "" if snapshot.wait_time is None else f"{snapshot.wait_time} min",
                snapshot.data_source,
                "; ".join(in_words(queue, zone) for queue in queues.get(snapshot_id, ())),
            ]
            for snapshot_id in ids
            if (snapshot := snapshots.get(snapshot_id)) is not None  # gone since its id was read
        ]

    def csv_rows_of(self, snapshot, ride, queues):
        yield [
            snapshot.pk, snapshot.recorded_at, ride.pk, ride.ride_name, snapshot.status, snapshot.wait_time,
            snapshot.data_source, "; ".join(in_words(queue, ZoneInfo("UTC")) for queue in queues),
        ]  # fmt: skip

    def get_object(self, request, object_id, from_field=None):
        """By both columns of the key, so that one partition is opened."""
        snapshot_id = _snapshot_id(object_id)
        return next(iter(_snapshots([snapshot_id])), None) if snapshot_id else None

    @admin.display(description="recorded at")
    def recorded(self, snapshot):
        return both_in_words(snapshot.recorded_at, zone_of(snapshot.ride_id), "milliseconds")

    @admin.display(description="ride")
    def of(self, snapshot):
        ride = Ride.objects.select_related("park").filter(pk=snapshot.ride_id).first()
        if ride is None:
            return f"{snapshot.ride_id}, which does not exist"
        url = reverse("admin:warehouse_ride_change", args=[ride.pk])
        return format_html('<a href="{}">{}</a>, {}', url, ride, ride.park)

    @admin.display(description="further queues")
    def queues(self, snapshot):
        zone = zone_of(snapshot.ride_id)
        return "; ".join(in_words(queue, zone) for queue in _queues([snapshot.pk]).get(snapshot.pk, ())) or "none"


@admin.register(QueueData)
class QueueAdmin(FactsAdmin):
    headings = ("Ride", "Queue", "What it said")
    csv_headings = (
        "snapshot_id", "recorded_at", "ride_id", "ride", "queue_type", "wait_time_minutes", "return_time_state",
        "return_time_start", "return_time_end", "price_amount", "price_currency", "boarding_group_status",
        "boarding_group_current",
    )  # fmt: skip
    fields = (
        "snapshot", "queue_type", "wait_time_minutes", "return_time_state", "returns_from", "returns_until",
        "price_amount", "price_currency", "boarding_group_status", "boarding_group_current",
    )  # fmt: skip

    queues_a_snapshot = len(QueueType)

    def rows(self, ids, rides, zone):
        queues = _queues(ids)
        return [
            [
                *when(snapshot_id, zone, reverse("admin:warehouse_queuedata_change", args=[queue.pk])),
                _ride_link(rides[ride_id_of(snapshot_id)]),
                queue.queue_type,
                in_words(queue, zone, with_type=False),
            ]
            for snapshot_id in ids
            for queue in queues.get(snapshot_id, ())
        ]

    def csv_rows_of(self, snapshot, ride, queues):
        for queue in queues:
            yield [
                snapshot.pk, snapshot.recorded_at, ride.pk, ride.ride_name,
                *(getattr(queue, name) for name in self.csv_headings[4:]),
            ]  # fmt: skip

    @admin.display(description="snapshot")
    def snapshot(self, queue):
        url = reverse("admin:warehouse_ridestatussnapshot_change", args=[queue.snapshot_id])
        return format_html('<a href="{}">{}</a>', url, _both(instant_of(queue.snapshot_id), queue, "milliseconds"))

    @admin.display(description="return time start")
    def returns_from(self, queue):
        return _both(queue.return_time_start, queue)

    @admin.display(description="return time end")
    def returns_until(self, queue):
        return _both(queue.return_time_end, queue)


def _snapshots(ids: Sequence[int]):
    """In the partitions of their own instants alone."""
    if not ids:
        return []
    return RideStatusSnapshot.objects.filter(
        pk__in=ids, recorded_at__gte=instant_of(min(ids)), recorded_at__lte=instant_of(max(ids))
    )


def _snapshots_of(spans: list[Span], begin: datetime, end: datetime) -> list[RideStatusSnapshot]:
    """Those of the spans in [begin, end), the newest first: a walk on idx_ride_recorded for each ride."""
    here: dict[int, list[Span]] = {}
    for span in spans:
        if span.start < end and begin < span.end:
            here.setdefault(span.ride_id, []).append(span)
    if not here:
        return []
    found = RideStatusSnapshot.objects.raw(
        "SELECT * FROM ride_status_snapshots FORCE INDEX (idx_ride_recorded) "
        "WHERE ride_id IN %s AND recorded_at >= %s AND recorded_at < %s",
        [tuple(here), begin, end],
    )
    return sorted(
        (each for each in found if any(span.start <= each.recorded_at < span.end for span in here[each.ride_id])),
        key=lambda each: -each.pk,
    )


def _queues(ids: Sequence[int]) -> dict[int, list[QueueData]]:
    found: dict[int, list[QueueData]] = {}
    for queue in QueueData.objects.filter(snapshot_id__in=ids).order_by("snapshot_id", "queue_type"):
        found.setdefault(queue.snapshot_id, []).append(queue)
    return found


def _ride_link(ride: Ride) -> str:
    return format_html('<a href="{}">{}</a>', reverse("admin:warehouse_ride_change", args=[ride.pk]), ride)


def _before(snapshot_id: int | None) -> int:
    return SNAPSHOT_ID_MAX if snapshot_id is None else snapshot_id


def _snapshot_id(text: str) -> int | None:
    """None for what is no id, or one of an instant that no calendar has."""
    try:
        snapshot_id = int(text)
        instant_of(snapshot_id)
    except (ValueError, OverflowError):
        return None
    return snapshot_id


def _both(instant: datetime | None, queue: QueueData, timespec: str = "minutes") -> str:
    return both_in_words(instant, zone_of(ride_id_of(queue.snapshot_id)), timespec) if instant else "-"
