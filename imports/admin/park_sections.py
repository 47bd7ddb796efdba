"""What a park's page says of what came in: coverage of the last months, imports and what they wait for, live data.

A ride's page says the same of its park. No query reads a fact.
"""

from datetime import date, datetime
from typing import Any

from django.conf import settings
from django.urls import reverse
from django.utils.html import format_html
from django.utils.http import urlencode

from imports.admin import links
from imports.admin.progress import Progress, progress_of
from imports.archive import standing
from imports.archive.checkpoint import ImportCheckpoint
from imports.archive.coverage import Held, coverage_of
from imports.archive.day_file_model import FileOutcome, ImportedFile
from imports.archive.transitions import ACTIONS
from imports.live.models import ParkFreshness
from imports.sources.opening import DELISTED
from quality.import_ledger import FEEDS_OF_DAYS
from warehouse.admin.about.park_sections import About, Column, Fact, Linked, Listing, Section, register
from warehouse.partitioning.partitions import add_months, month_of, months_between
from warehouse.text import age_in_words, count_of
from warehouse.zones import both_in_words

OPERATE = "imports.operate_imports"
MONTHS_SHOWN = 6
UNREADABLE_SHOWN = 8
IMPORTS_SHOWN = 5
SAID_AT_MOST = 160  # characters of why an import stands


def _title(about: About, title: str) -> str:
    return f"{title} of {about.park}" if about.ride else title


# --- coverage --------------------------------------------------------------------------------------------------------
@register("coverage", "Coverage", "imports.view_importedfile", 20)
def coverage(about: About) -> Section:
    """The share of days that came in, month by month, and which files could not be read."""
    park, today = about.park, about.now.date()  # days of files are UTC's
    since = add_months(month_of(today), 1 - MONTHS_SHOWN)
    found = coverage_of(park, about.now)
    row = links.coverage_row(park.pk)
    if not found.months:
        go = [Linked("Import its days", links.start_url(park, since, today))] if about.may(OPERATE) else []
        return Section("coverage", _title(about, "Coverage"), row, said="No day of it was looked for yet.", links=go)
    first = max(since, month_of(found.begins or since))
    months = {month: found.held(month) for month in months_between(first, month_of(today))}
    together = found.held_in(months)
    imported = ImportedFile.objects.filter(park=park, feed__in=FEEDS_OF_DAYS, outcome=FileOutcome.IMPORTED)
    newest = imported.order_by("-file_date").first()
    unreadable = ImportedFile.objects.filter(park=park, file_date__gte=since, outcome=FileOutcome.UNREADABLE)
    count = unreadable.count()
    shown = [_month_row(about, first, month) for first, month in reversed(months.items())]
    head = [Column("Month", whole=True), Column("days imported", is_number=True), Column("What lacks")]
    facts = [
        Fact("Days read", f"{together.percent} %", row, f"of the days since {first:%Y-%m}"),
        Fact(
            "Newest day", f"{newest.file_date}" if newest else "none", links.day_file(newest.pk) if newest else "",
            f"{count_of((today - newest.file_date).days, 'day')} ago" if newest else "",
        ),
    ]  # fmt: skip
    listings = [Listing(head, shown)]
    if count:
        all_of = links.day_files(park=park.pk, first=since, outcome__exact=FileOutcome.UNREADABLE)
        facts.append(Fact("Unreadable files", f"{count:,}", all_of, trouble=True))
        last = unreadable.order_by("-file_date")[:UNREADABLE_SHOWN]
        days = [[Linked(f"{file.file_date}", links.day_file(file.pk)), file.source_file] for file in last]
        why = "The last that could not be read: a day leads to the reason"
        listings.append(Listing([Column("Day", whole=True), Column("File", wide=True)], days, why))
    go = [Linked("All months", row), Linked("Its day files", links.day_files(park=park.pk))]
    if about.may(OPERATE):
        url = links.start_url(park, first, today, _source(park.pk), missing_only=True)
        go.insert(0, Linked("Import what is missing of these months", url))
    return Section("coverage", _title(about, "Coverage"), row, facts, listings, "Days of files are UTC's.", go)


def _month_row(about: About, first: date, month: Held) -> list[Any]:
    lacks = [
        f"{count} {what}"
        for count, what in (
            (month.unreadable, "unreadable"),
            (month.missing, "without a file"),
            (month.untried, "never tried"),
            (month.without_events, "without an event"),
        )
        if count
    ]
    url = links.coverage(about.park.pk, first)
    return [Linked(f"{first:%Y-%m}", url), f"{month.imported} of {month.days}", ", ".join(lacks) or "nothing"]


def _source(park_id: int) -> str:
    """Where its days were read from last."""
    of_days = ImportCheckpoint.objects.filter(park=park_id).exclude(source__startswith=DELISTED)
    return of_days.order_by("-checkpoint_id").values_list("source", flat=True).first() or settings.ARCHIVE_URL


# --- imports ---------------------------------------------------------------------------------------------------------
@register("imports", "Imports", "imports.view_importcheckpoint", 30)
def imports(about: About) -> Section:
    """The last ones, how they stand, and what can be done about each."""
    whose = {"park__park_id__exact": about.park.pk}
    listed = links.imports(**whose)
    of_park = ImportCheckpoint.objects.filter(park=about.park)
    count = of_park.count()
    go = [Linked("Start import", f"{reverse('admin:imports_start')}?{urlencode({'park': about.park.pk})}")]
    go = go if about.may(OPERATE) else []
    if not count:
        return Section("imports", _title(about, "Imports"), listed, said="None so far.", links=go)
    last = list(of_park.select_related("park").order_by("-checkpoint_id")[:IMPORTS_SHOWN])
    progress = progress_of(last, about.now)
    facts = [Fact("Imports", f"{count:,}", listed)]
    if failed := standing.needing_attention().filter(park=about.park).count():
        facts.append(Fact("Failed", f"{failed:,}", links.imports(**whose, show="attention"), "to be looked at", True))
    head = [Column("Days"), Column("state"), Column("rows", is_number=True), Column("What next")]
    rows = [_import_row(about, progress[each.pk]) for each in last]
    go.append(Linked("All of its imports", listed))
    return Section("imports", _title(about, "Imports"), listed, facts, [Listing(head, rows)], links=go)


def _import_row(about: About, current: Progress) -> list[Any]:
    checkpoint = current.checkpoint
    days = f"{checkpoint.start_date} to {checkpoint.end_date}"
    trouble = " about-bad" if current.asks_for_attention else ""
    return [
        Linked(days, links.one_import(checkpoint.pk)),
        format_html('<span class="about-badge{}">{}</span>', trouble, checkpoint.status),
        f"{checkpoint.records_imported:,}",
        _what_next(about, current),
    ]


def _what_next(about: About, current: Progress) -> str:
    """What it waits for or why it ended, and what can be done about it."""
    if (cover := current.covered_by) is not None:
        return format_html('covered by <a href="{}">{}</a>', links.one_import(cover.pk), cover.import_id)
    if current.checkpoint.dismissed_at is not None:
        return current.checkpoint.dismissal
    said = current.explanation[:SAID_AT_MOST] + ("..." if len(current.explanation) > SAID_AT_MOST else "")
    can = " or ".join(ACTIONS[name].label.lower() for name in current.actions) if about.may(OPERATE) else ""
    return "; ".join(filter(None, [said, f"can: {can}" if can else ""])) or "nothing to do"


# --- live ------------------------------------------------------------------------------------------------------------
@register("live", "Live", "imports.view_parkfreshness", 70)
def live(about: About) -> Section:
    """When the live collection last heard of the park."""
    url = f"{reverse('admin:imports_parkfreshness_changelist')}?{urlencode({'q': about.park.park_name})}"
    fresh = ParkFreshness.objects.filter(park=about.park).first()
    if fresh is None:
        return Section("live", _title(about, "Live"), url, said="The live collection has not heard of it yet.")
    silence = fresh.silent_for(about.now)
    is_open = fresh.is_open and (fresh.open_until is None or about.now < fresh.open_until)
    state = f"silent for {age_in_words(silence.total_seconds())}" if silence else "open" if is_open else "closed"
    facts = [
        Fact("State", state, url, trouble=silence is not None),
        _ago(about, "Last observation", fresh.observed_at),
        _ago(about, "Last collection", fresh.collected_at),
        Fact("Rides reported", f"{fresh.rides_reported:,}", beside="by the last answer"),
    ]
    if is_open and fresh.open_until:
        facts.append(Fact("Open until", both_in_words(fresh.open_until, about.zone)))
    go = [Linked("All parks", reverse("admin:imports_parkfreshness_changelist"))]
    if about.may("imports.view_livecollection"):
        go.append(Linked("Collections", reverse("admin:imports_livecollection_changelist")))
    return Section("live", _title(about, "Live"), url, facts, links=go)


def _ago(about: About, label: str, at: datetime | None) -> Fact:
    if at is None:
        return Fact(label, "never")
    said = f"{age_in_words((about.now - at).total_seconds())} ago"
    return Fact(label, said, beside=both_in_words(at, about.zone))
