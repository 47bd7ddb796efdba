"""The filters of the triage desk. None of them counts or lists what is in the log: they cost no query that grows.

They are fields of one form above the list, together with the search, and take one click together.

Whatever narrows the list is a parameter of the address, and each is said above the list (quality.admin.chips).
"""

from datetime import date, timedelta

from django.contrib import admin
from django.contrib.auth import get_user_model
from django.db.models import Q

from quality.models import TO_DO, DataQualityMove, FindingRide, IssueType, ResolutionStatus
from quality.reasons import REASONS
from warehouse.days import day_from, midnight
from warehouse.ids import key_of
from warehouse.models import Park

ALL = "all"
NO_PARK = "none"
ME, NOBODY = "me", "nobody"
#: parameters that choose how the list is shown and narrow nothing
OF_THE_VIEW = ("view", "sort", "back")
BACKEND = "django.contrib.auth.backends.ModelBackend"


def who_may_triage() -> list[str]:
    """The names of those to whom findings can be assigned."""
    users = get_user_model().objects.with_perm("quality.triage_dataqualitylog", backend=BACKEND)
    return list(users.filter(is_staff=True).order_by("username").values_list("username", flat=True))


class SelectFilter(admin.SimpleListFilter):
    """Choices in a drop-down list of the form above the list; `all_label` is what the list shows without it."""

    all_label = "All"

    def options(self) -> list[tuple[str, str, bool]]:
        """Value, label, and whether it is chosen."""
        chosen = self.value() or ""
        choices = [("", self.all_label), *((str(value), label) for value, label in self.lookup_choices)]
        return [(value, label, value == chosen) for value, label in choices]


class StatusFilter(SelectFilter):
    """What waits for an operator, unless something else is asked for."""

    title = "status"
    parameter_name = "status"
    all_label = "To do (open or investigating)"

    def lookups(self, request, model_admin):
        return [*ResolutionStatus.choices, (ALL, "All")]

    def queryset(self, request, queryset):
        if self.value() == ALL:
            return queryset
        if self.value() in ResolutionStatus.values:
            return queryset.filter(resolution_status=self.value())
        return queryset.filter(resolution_status__in=TO_DO)


class KindFilter(SelectFilter):
    title = "kind"
    parameter_name = "issue_type__exact"

    def lookups(self, request, model_admin):
        return IssueType.choices

    def queryset(self, request, queryset):
        return queryset.filter(issue_type=self.value()) if self.value() in IssueType.values else queryset


class ParkFilter(SelectFilter):
    title = "park"
    parameter_name = "park"

    def lookups(self, request, model_admin):
        return [*Park.objects.values_list("pk", "park_name"), (NO_PARK, "No park")]

    def queryset(self, request, queryset):
        if self.value() == NO_PARK:
            return queryset.filter(park=None)
        park_id = key_of(self.value())
        return queryset if park_id is None else queryset.filter(park_id=park_id)


class ReasonFilter(SelectFilter):
    title = "reason"
    parameter_name = "reason"

    def lookups(self, request, model_admin):
        return sorted(((word, reason.title) for word, reason in REASONS.items()), key=lambda choice: choice[1])

    def queryset(self, request, queryset):
        return queryset.filter(reason=self.value()) if self.value() else queryset


class AssigneeFilter(SelectFilter):
    """Who sees to it; `me` is whoever looks, so that the address means the same to everybody."""

    title = "who sees to it"
    parameter_name = "assignee"

    def lookups(self, request, model_admin):
        return [(ME, "me"), (NOBODY, "nobody"), *((name, name) for name in who_may_triage())]

    def queryset(self, request, queryset):
        if not self.value():
            return queryset
        name = {ME: request.user.get_username(), NOBODY: ""}.get(self.value(), self.value())
        return queryset.filter(assignee=name)


class DaysFilter(admin.ListFilter):
    """Two days of the address, both included; what is no date filters nothing and is said."""

    parameters = ("from", "to")

    def __init__(self, request, params, model, model_admin):
        super().__init__(request, params, model, model_admin)
        self.errors = []
        self.first, self.last = (self._take(params, name) for name in self.parameters)

    def expected_parameters(self):
        return list(self.parameters)

    def has_output(self):
        return True

    def _take(self, params, name: str) -> date | None:
        text = params.pop(name, [""])[-1]
        self.used_parameters[name] = text
        try:
            return day_from(text) if text else None
        except ValueError as error:
            self.errors.append(str(error))
            return None

    @property
    def typed(self) -> list[str]:
        """The two as they stand in the address."""
        return [self.used_parameters.get(name, "") for name in self.parameters]


class PeriodFilter(DaysFilter):
    """Findings whose period touches the days from `from` to `to`."""

    title = "period"

    def queryset(self, request, queryset):
        if self.first:
            begin = midnight(self.first)
            queryset = queryset.filter(Q(timestamp_end__gt=begin) | Q(timestamp_start__gte=begin))
        if self.last:
            queryset = queryset.filter(timestamp_start__lt=midnight(self.last + timedelta(days=1)))
        return queryset


class FirstSeenFilter(DaysFilter):
    title = "first seen"
    parameters = ("seen_from", "seen_to")

    def queryset(self, request, queryset):
        if self.first:
            queryset = queryset.filter(created_at__gte=midnight(self.first))
        if self.last:
            queryset = queryset.filter(created_at__lt=midnight(self.last + timedelta(days=1)))
        return queryset


class LinkedFilter(admin.SimpleListFilter):
    """What links of other pages ask for; nothing to choose, the list says it above."""

    def lookups(self, request, model_admin):
        return []

    def has_output(self):
        return True  # of others Django asks no query

    def queryset(self, request, queryset):
        key = key_of(self.value())
        return queryset if key is None else self.narrowed(queryset, key)


class RideFilter(LinkedFilter):
    """Findings about a ride, and such whose evidence names it."""

    title = "ride"
    parameter_name = "ride"

    def narrowed(self, queryset, ride_id: int):
        return queryset.filter(pk__in=FindingRide.objects.filter(ride=ride_id).values("finding"))


class BatchFilter(LinkedFilter):
    """What one click moved."""

    title = "bulk"
    parameter_name = "batch"

    def narrowed(self, queryset, batch_id: int):
        return queryset.filter(pk__in=DataQualityMove.objects.filter(batch=batch_id).values("finding"))


class ViewFilter(admin.ListFilter):
    """Takes the parameters of the view away, which are no filters."""

    title = "view"

    def __init__(self, request, params, model, model_admin):
        super().__init__(request, params, model, model_admin)
        for name in self.expected_parameters():
            params.pop(name, None)

    def expected_parameters(self):
        return list(OF_THE_VIEW)

    def has_output(self):
        return False

    def queryset(self, request, queryset):
        return queryset


FILTERS = [
    StatusFilter,
    KindFilter,
    ReasonFilter,
    ParkFilter,
    AssigneeFilter,
    FirstSeenFilter,
    PeriodFilter,
    RideFilter,
    BatchFilter,
    ViewFilter,
]
