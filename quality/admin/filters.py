"""The filters of the triage desk. None of them counts or lists what is in the log: they cost no query that grows."""

from datetime import date, timedelta

from django.contrib import admin
from django.db.models import Q

from quality.models import TO_DO, ResolutionStatus
from quality.reasons import REASONS
from warehouse.days import day_from, midnight
from warehouse.models import Park

ALL = "all"


class StatusFilter(admin.SimpleListFilter):
    """What waits for an operator, unless something else is asked for."""

    title = "status"
    parameter_name = "status"

    def lookups(self, request, model_admin):
        return [*ResolutionStatus.choices, (ALL, "All")]

    def choices(self, changelist):
        yield {
            "selected": self.value() is None,
            "query_string": changelist.get_query_string(remove=[self.parameter_name]),
            "display": "To do (open or investigating)",
        }
        for value, label in self.lookup_choices:
            yield {
                "selected": self.value() == value,
                "query_string": changelist.get_query_string({self.parameter_name: value}),
                "display": label,
            }

    def queryset(self, request, queryset):
        if self.value() == ALL:
            return queryset
        if self.value() in ResolutionStatus.values:
            return queryset.filter(resolution_status=self.value())
        return queryset.filter(resolution_status__in=TO_DO)


class KindFilter(admin.ChoicesFieldListFilter):
    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.title = "kind"


class SelectFilter(admin.SimpleListFilter):
    """Choices in a drop-down list: a hundred parks as links would bury the other filters."""

    template = "admin/quality/filter_select.html"

    def choices(self, changelist):
        others = {key: value for key, value in changelist.params.items() if key not in (self.parameter_name, "p")}
        yield {
            "name": self.parameter_name,
            "others": [(key, item) for key, value in others.items() for item in _items(value)],
            "options": [("", "All", not self.value())]
            + [(value, label, self.value() == str(value)) for value, label in self.lookup_choices],
        }


class ParkFilter(SelectFilter):
    title = "park"
    parameter_name = "park"

    def lookups(self, request, model_admin):
        return list(Park.objects.values_list("pk", "park_name"))

    def queryset(self, request, queryset):
        return queryset.filter(park_id=self.value()) if (self.value() or "").isdecimal() else queryset


class ReasonFilter(SelectFilter):
    title = "reason"
    parameter_name = "reason"

    def lookups(self, request, model_admin):
        return sorted(((word, reason.title) for word, reason in REASONS.items()), key=lambda choice: choice[1])

    def queryset(self, request, queryset):
        return queryset.filter(reason=self.value()) if self.value() else queryset


class PeriodFilter(admin.ListFilter):
    """Findings whose period touches the days from `from` to `to`, both included."""

    title = "period"
    template = "admin/quality/filter_period.html"

    def __init__(self, request, params, model, model_admin):
        super().__init__(request, params, model, model_admin)
        self.errors = []
        self.first, self.last = (self._take(params, name) for name in self.expected_parameters())

    def expected_parameters(self):
        return ["from", "to"]

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

    def choices(self, changelist):
        others = {key: value for key, value in changelist.params.items() if key not in ("from", "to", "p")}
        yield {
            "first": self.used_parameters.get("from", ""),
            "last": self.used_parameters.get("to", ""),
            "errors": self.errors,
            "others": [(key, item) for key, value in others.items() for item in _items(value)],
            "clear": changelist.get_query_string(remove=["from", "to"]) if self.first or self.last else "",
        }

    def queryset(self, request, queryset):
        if self.first:
            begin = midnight(self.first)
            queryset = queryset.filter(Q(timestamp_end__gt=begin) | Q(timestamp_start__gte=begin))
        if self.last:
            queryset = queryset.filter(timestamp_start__lt=midnight(self.last + timedelta(days=1)))
        return queryset


def _items(value) -> list:
    return value if isinstance(value, list) else [value]


FILTERS = [StatusFilter, ("issue_type", KindFilter), ReasonFilter, ParkFilter, PeriodFilter]
