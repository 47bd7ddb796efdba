"""The two lists of the desk: findings one by one, and groups of one reason and park, each with its count.

Both are narrowed by the same filters and the same search. A group is made of the index idx_quality_groups alone where
nothing else is asked for.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.contrib.admin.views.main import ChangeList
from django.core.paginator import Paginator
from django.db.models import Count, Max, Min
from django.utils.functional import cached_property

from quality.admin import finding_view
from quality.admin.chips import address, chips_of
from quality.admin.filters import NO_PARK, DaysFilter, SelectFilter
from quality.models import IssueType, ResolutionStatus
from quality.reasons import REASONS, Reason, title_of
from warehouse.models import Park
from warehouse.text import label_of

COUNTED_MAX = 10_000
GROUPS_PER_PAGE = 100
GROUPS, ONE_BY_ONE = "groups", "list"


class CappedPaginator(Paginator):
    """Counts no further than COUNTED_MAX, so that the list opens alike with 100 and with 100,000 findings."""

    @cached_property
    def count(self) -> int:
        return self.object_list.order_by()[: COUNTED_MAX + 1].count()


class Matching(ChangeList):
    """What filters and search let through, as `queryset`; nothing is listed or counted yet."""

    def get_results(self, request):
        self.result_count = self.full_result_count = 0
        self.result_list, self.can_show_all, self.multi_page = [], False, False
        self.counted_max = None
        self.show_admin_actions = False
        self.paginator = self.model_admin.get_paginator(request, self.result_list, self.list_per_page)

    @property
    def chips(self):
        return chips_of(self.params)

    @property
    def reason(self) -> Reason | None:
        """What is said above a list of one reason."""
        return REASONS.get(self.params.get("reason", ""))

    @property
    def selects(self) -> list[SelectFilter]:
        """The filters of the form that are drop-down lists."""
        return [spec for spec in self.filter_specs if isinstance(spec, SelectFilter)]

    @property
    def days(self) -> dict[str, DaysFilter]:
        """The filters of the form that are two days."""
        return {spec.parameters[0]: spec for spec in self.filter_specs if isinstance(spec, DaysFilter)}

    def others(self) -> list[tuple[str, str]]:
        """What narrows or orders the list beside the form of the search and the filters."""
        ours = {"q", "p", *(spec.parameter_name for spec in self.selects)}
        ours.update(*(spec.parameters for spec in self.days.values()))
        return [(name, value) for name, value in self.params.items() if name not in ours]

    @property
    def triage_url(self) -> str:
        """The confirmation for all that is shown."""
        return address(self.params, view=None, sort=None, o=None, back=address(self.params))

    def view_urls(self) -> dict[str, str]:
        """The same findings in the other list."""
        return {view: address(self.params, view=view, o=None, sort=None) for view in (GROUPS, ONE_BY_ONE)}


class FindingList(Matching):
    """Findings one by one."""

    view = ONE_BY_ONE

    def get_results(self, request):
        ChangeList.get_results(self, request)
        self.result_list = finding_view.with_subjects(self.result_list)
        self.counted_max = COUNTED_MAX if self.result_count > COUNTED_MAX else None
        self.full_result_count = self.result_count  # no "138 results (show all)" beside the search


@dataclass(slots=True)
class Group:
    """Findings of one reason and park (None: of none); how many of them are open, being investigated and done."""

    reason: str
    park: Park | None
    kind: str
    first_seen: datetime  # of the oldest
    newest: datetime
    assignee: str  # the first and the last by name of those who see to some of them; "" is nobody
    last_assignee: str = ""
    findings: int = 0
    open: int = 0
    investigating: int = 0
    url: str = ""
    triage_url: str = ""

    def take(self, row: dict[str, Any]) -> None:
        """Add those of one state."""
        self.findings += row["findings"]
        self.open += row["findings"] if row["resolution_status"] == ResolutionStatus.OPEN else 0
        self.investigating += row["findings"] if row["resolution_status"] == ResolutionStatus.INVESTIGATING else 0
        self.first_seen = min(self.first_seen, row["first_seen"])
        self.newest = max(self.newest, row["newest"])
        self.assignee = min(self.assignee, row["first_assignee"])
        self.last_assignee = max(self.last_assignee, row["last_assignee"])

    @property
    def title(self) -> str:
        return title_of(self.reason)

    @property
    def table(self) -> Reason | None:
        """What it means and what to do."""
        return REASONS.get(self.reason)

    @property
    def kind_label(self) -> str:
        return label_of(IssueType.choices, self.kind)

    @property
    def done(self) -> int:
        return self.findings - self.open - self.investigating

    @property
    def who(self) -> str:
        """Who sees to it: a name, nobody, or several."""
        return self.assignee or "nobody" if self.assignee == self.last_assignee else "several"


#: sort -> (heading, key, whether the largest come first)
SORTS = {
    "reason": ("what is wrong", lambda group: group.title, False),
    "park": ("park", lambda group: group.park.park_name if group.park else "", False),
    "findings": ("findings", lambda group: group.findings, True),
    "first": ("oldest since", lambda group: group.first_seen, False),
    "newest": ("newest since", lambda group: group.newest, True),
    "who": ("who sees to it", lambda group: group.who, False),
}


@dataclass(frozen=True, slots=True)
class Heading:
    name: str
    text: str
    url: str
    is_sorted: str  # ascending, descending or ""


class GroupList(Matching):
    """Groups of findings, those with the most first; as many statements for many groups as for one."""

    view = GROUPS

    def get_results(self, request):
        super().get_results(request)
        self.groups = _groups_of(self.queryset)
        self.found = sum(group.findings for group in self.groups)
        self.sort = self.params.get("sort", "")
        name = self.sort.lstrip("-")
        _, key, largest_first = SORTS.get(name, SORTS["findings"])
        self.groups.sort(key=lambda group: (group.title, group.park.park_name if group.park else ""))
        self.groups.sort(key=key, reverse=largest_first != self.sort.startswith("-"))
        self.paginator = Paginator(self.groups, GROUPS_PER_PAGE)
        self.page = self.paginator.get_page(self.page_num)
        self.result_count = len(self.groups)
        for group in self.page.object_list:
            park = str(group.park.pk) if group.park else NO_PARK
            ours = {"reason": group.reason, "park": park, "sort": None, "o": None}
            group.url = address(self.params, **ours, view=ONE_BY_ONE)
            group.triage_url = address(self.params, **ours, view=None, back=address(self.params))

    def headings(self) -> list[Heading]:
        """Those of the table; a second click turns the order round."""
        name, turned = self.sort.lstrip("-"), self.sort.startswith("-")
        name = name if name in SORTS else "findings"
        found = []
        for each, (text, _, largest_first) in SORTS.items():
            is_this = each == name
            url = address(self.params, sort=f"-{each}" if is_this and not turned else each)
            order = "descending" if largest_first != turned else "ascending"
            found.append(Heading(each, text, url, order if is_this else ""))
        return found

    @property
    def pages(self) -> list[tuple[int, str]]:
        """The other pages and their addresses, where there are several."""
        if self.paginator.num_pages == 1:
            return []
        return [(n, f"{address(self.params)}&p={n}") for n in self.paginator.page_range]


def _groups_of(queryset) -> list[Group]:
    """One statement, by state as well: so it goes along idx_quality_groups and needs no table to sort in, which takes
    100,000 findings from 0.5 to 0.2 s beside other work. Another one for the names of parks."""
    rows = (
        queryset.order_by()
        .values("resolution_status", "reason", "park")
        .annotate(
            findings=Count("pk"),
            kind=Min("issue_type"),
            first_seen=Min("created_at"),
            newest=Max("created_at"),
            first_assignee=Min("assignee"),
            last_assignee=Max("assignee"),
        )
    )
    groups: dict[tuple[str, int | None], Group] = {}
    for row in rows:
        key = row["reason"], row["park"]
        if key not in groups:
            groups[key] = Group(
                row["reason"], None, row["kind"], row["first_seen"], row["newest"], row["first_assignee"]
            )
        groups[key].take(row)
    parks = Park.objects.in_bulk({park for _, park in groups} - {None})
    for (_, park), group in groups.items():
        group.park = parks.get(park)
    return list(groups.values())
