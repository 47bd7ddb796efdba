"""Start import: what is asked for, what the source has of it, what is imported already, and then the start itself.

A preview is a GET, so that any page can link here with the form filled in (park, destination, from, to, source, days);
the start is a POST that previews again, begins the imports and hands them to the workers.
"""

from dataclasses import dataclass

from django import forms
from django.conf import settings
from django.contrib import admin, messages
from django.contrib.admin.models import ADDITION, LogEntry
from django.core.exceptions import PermissionDenied
from django.db import DatabaseError
from django.db.models import Q
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html

from imports.archive import beginning, beside, cost, planning
from imports.archive.checkpoint import ImportCheckpoint
from imports.archive.request import Request, RequestError
from imports.archive.selection import KnownReadings
from imports.archive.transitions import ImportStatus, TransitionRefused
from imports.sources.opening import delisted_of, open_source
from imports.sources.source import ArchiveError, Source
from imports.workers import queue
from imports.workers.models import Worker
from warehouse.ids import ID_OR_UUID
from warehouse.models import Park
from warehouse.partitioning.partitions import PartitionsError
from warehouse.server import errors
from warehouse.text import count_of

DAYS = [
    ("all", "Every day of the range"),
    ("missing", "What is new: days not read yet, missing or failed ones, and those whose file has changed"),
    ("changed", "Only days that were read and whose file has changed"),
]
#: what is said of an import that was begun so
DAYS_ASKED = {"all": "", "missing": ", what is new only", "changed": ", changed days only"}


@dataclass(frozen=True)
class Preview:
    """What starting would mean for one destination."""

    plan: planning.DestinationPlan
    parks: list[Park]  # as far as they are known
    imported: int  # files that were read, as they are now, for every known park
    imported_by_park: list[tuple[Park, int]]  # where the parks differ
    to_read: int
    megabytes: float | None
    busy: list[ImportCheckpoint]  # imports of its parks that stand in the way


class StartForm(forms.Form):
    destination = forms.MultipleChoiceField(required=False, label="Destinations, with all their parks")
    park = forms.MultipleChoiceField(required=False, label="Single parks")
    everything = forms.BooleanField(required=False, label="Everything the source has")
    source = forms.CharField(
        max_length=500,
        help_text="A folder that the workers can read, s3://bucket, themeparks-history: for the History API, or "
        "captures of live answers (files called .ndjson or .jsonl, or a folder of them)",
        widget=forms.TextInput(attrs={"class": "vTextField"}),
    )
    delisted = forms.BooleanField(
        required=False, label="Of the History API: what its parks no longer list, 31 days of an entity a request"
    )
    days = forms.ChoiceField(choices=DAYS, widget=forms.RadioSelect, label="Which days")
    replace_live = forms.BooleanField(
        required=False,
        label="In place of live rows: the archive of a day replaces what was collected live, unless it holds far less",
    )
    replace = forms.BooleanField(
        required=False, label="In place of earlier readings: a file that was published anew is the truth for its days"
    )
    force = forms.BooleanField(required=False, label="Force: also do what is held back as out of all proportion")

    # `from` is a word of Python's own
    declared_dates = {"from": "First day", "to": "Last day"}

    def __init__(self, data, found: list[str], initial: dict):
        """`found`: the destinations of the source, as far as it was asked for them."""
        super().__init__(data, initial=initial)
        for name, label in self.declared_dates.items():
            self.fields[name] = forms.DateField(
                required=False,
                label=label,
                widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
                help_text="Empty: as far as the source goes",
            )
        parks = list(Park.objects.order_by("destination_wiki_id", "park_name"))
        by_destination: dict[str, list[Park]] = {}
        for park in parks:
            if park.destination_wiki_id:
                by_destination.setdefault(park.destination_wiki_id, []).append(park)
        known = [(key, ", ".join(park.park_name for park in members)) for key, members in by_destination.items()]
        new = [(key, f"{key} (not imported yet)") for key in found if key not in by_destination]
        self.fields["destination"].choices = [*sorted(known, key=lambda choice: choice[1].lower()), *new]
        self.fields["park"].choices = [
            (str(park.pk), park.park_name) for park in sorted(parks, key=lambda park: park.park_name.lower())
        ]
        for name in ("destination", "park"):
            self.fields[name].widget.attrs["size"] = min(10, max(4, len(self.fields[name].choices)))
        self.order_fields(
            [
                "destination",
                "park",
                "everything",
                "from",
                "to",
                "days",
                "source",
                "delisted",
                "replace_live",
                "replace",
                "force",
            ]
        )

    def request(self, source: Source, listed: list[str]) -> Request:
        """What the form asks for of a source that is open and has listed its destinations."""
        asked = self.cleaned_data
        return Request(
            source=source,
            listed=listed,
            destinations=asked["destination"],
            parks=asked["park"],
            everything=asked["everything"],
            first=asked["from"],
            last=asked["to"],
            missing_only=asked["days"] == "missing",
            changed_only=asked["days"] == "changed",
            replace_live=asked["replace_live"],
            replace=asked["replace"],
            force=asked["force"],
        )


def start_import(model_admin: admin.ModelAdmin, request):
    if not model_admin.has_operate_permission(request):
        raise PermissionDenied
    data = request.POST if request.method == "POST" else request.GET
    asked = bool(data.keys() & {"destination", "park", "everything", "days"})
    defaults = {"source": settings.ARCHIVE_URL, "days": "all"}
    filled_in = data.copy()
    for name, value in defaults.items():
        filled_in[name] = filled_in.get(name) or value
    found: list[str] = []
    trouble = ""
    try:
        if asked:
            url = filled_in["source"]
            source = open_source(delisted_of(url) if filled_in.get("delisted") else url)
            found = source.list_destinations()
    except ArchiveError as error:
        trouble = str(error)
    form = StartForm(filled_in if asked else None, found, initial=defaults)
    context = {"form": form}
    if trouble:
        form.add_error("source", trouble)
    try:
        if asked and form.is_valid():
            wanted = form.request(source, found)
            plans = planning.plan(wanted, timezone.now().date())
            if request.method == "POST":
                return _start(model_admin, request, plans)
            context["previews"] = previews = [_preview(plan) for plan in plans if plan.files]
            context["totals"] = _totals(previews)
            context["beside"] = [*beside.sentences(wanted.beside), *cost.sentences(plans)]
    except (RequestError, ArchiveError, TransitionRefused, PartitionsError) as error:
        form.add_error(None, _for_people(str(error)))
    except DatabaseError as error:
        form.add_error(None, errors.in_words(error))
    context |= {
        **model_admin.admin_site.each_context(request),
        "title": "Start import",
        "opts": model_admin.opts,
        "media": model_admin.media,
        "workers": Worker.alive().count(),
    }
    return TemplateResponse(request, "imports/start.html", context)


def _start(model_admin: admin.ModelAdmin, request, plans: list[planning.DestinationPlan]):
    runs = beginning.begin(plans)
    checkpoints = [checkpoint for run in runs for checkpoint in run.checkpoints]
    not_queued = queue.why_not_queued(runs)
    if not checkpoints:
        raise RequestError(not_queued or "Nothing is left to import here")
    queue.enqueue(checkpoints)
    if not_queued:
        model_admin.message_user(request, not_queued, messages.WARNING)
    for checkpoint in checkpoints:
        what = (
            f"Start: {checkpoint.start_date} to {checkpoint.end_date}, {count_of(checkpoint.files_total, 'day')}"
            f"{_days_asked(checkpoint)}, from {checkpoint.source}; "
            f"nothing → {checkpoint.status}"
            if checkpoint.generation == 0
            else f"Start again of what was unfinished, at {checkpoint.last_processed_date or checkpoint.start_date}"
        )
        LogEntry.objects.log_actions(request.user.pk, [checkpoint], ADDITION, what, single_object=True)
    if len(checkpoints) == 1:
        model_admin.message_user(request, f"Started: {checkpoints[0]}", messages.SUCCESS)
        return redirect("admin:imports_importcheckpoint_change", checkpoints[0].pk)
    names = ", ".join(str(checkpoint.park) for checkpoint in checkpoints[:5])
    more = f" and {len(checkpoints) - 5} more" if len(checkpoints) > 5 else ""
    said = format_html("Started {}: {}{}", count_of(len(checkpoints), "import"), names, more)
    model_admin.message_user(request, said, messages.SUCCESS)
    return redirect(f"{reverse('admin:imports_importcheckpoint_changelist')}?show=workers")


def _days_asked(checkpoint: ImportCheckpoint) -> str:
    return DAYS_ASKED["missing" if checkpoint.missing_only else "changed" if checkpoint.changed_only else "all"]


def _preview(plan: planning.DestinationPlan) -> Preview:
    parks = plan.known_parks()
    known = KnownReadings.of(
        plan.destination, plan.first, plan.last, plan.request.source.feed, heed_archive=plan.request.missing_only
    )
    lacking = {park.pk: [file for file in plan.files if known.lacks(park.pk, file)] for park in parks}
    by_park = [(park, len(plan.files) - len(lacking[park.pk])) for park in parks]
    lacked = {file.day for files in lacking.values() for file in files}
    park_ids = [park.pk for park in parks]
    asked = plan.request
    files = [
        file
        for file in plan.files
        if not asked.options.is_selective
        or known.ask_for(file, park_ids, whole=plan.whole_destination, changed_only=asked.changed_only)
    ]
    busy = ImportCheckpoint.objects.filter(
        Q(status=ImportStatus.IN_PROGRESS) | Q(status=ImportStatus.PENDING, queued_at__isnull=False),
        park__in=parks,
        destination_wiki_id=plan.destination,
    )
    sizes = [file.size_bytes for file in files]
    return Preview(
        plan=plan,
        parks=parks,
        imported=len(plan.files) - len(lacked) if parks else 0,
        imported_by_park=by_park if len({count for _, count in by_park}) > 1 else [],
        to_read=len(files),
        megabytes=sum(sizes) / 1e6 if None not in sizes else None,
        busy=[
            checkpoint
            for checkpoint in busy.select_related("park")
            if checkpoint.queued_at is not None or checkpoint.is_alive()
        ],
    )


def _totals(previews: list[Preview]) -> dict:
    sizes = [preview.megabytes for preview in previews]
    return {
        "files": sum(len(preview.plan.files) for preview in previews),
        "imported": sum(preview.imported for preview in previews),
        "missing": sum(preview.plan.days_missing for preview in previews),
        "to_read": sum(preview.to_read for preview in previews),
        "megabytes": sum(sizes) if None not in sizes else None,
        "busy": [checkpoint for preview in previews for checkpoint in preview.busy],
    }


def _for_people(message: str) -> str:
    """The words of the command's options are those of the form's fields here."""
    for option, field in (
        (f"--destination UUID, --park {ID_OR_UUID}, or --all", "destinations, single parks, or everything"),
        ("--force", "Force"),
        ("--replace-live", "In place of live rows"),
        ("--replace", "In place of earlier readings"),
        ("--from and --to", "the first and the last day"),
        ("--from", "the first day"),
        ("--to", "the last day"),
    ):
        message = message.replace(option, field)
    return message
