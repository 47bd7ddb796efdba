"""The form of Start import: what may be asked for, and what makes no sense before any source is asked."""

from typing import Any

from django import forms
from django.conf import settings
from django.utils import timezone

from imports.archive.checkpoint import ImportCheckpoint
from imports.sources import allowed
from imports.sources.opening import HISTORY, delisted_of
from imports.sources.source import ArchiveError
from warehouse.days import range_trouble
from warehouse.ids import ID_OR_UUID, uuid_of
from warehouse.models import Park

DAYS = [
    ("all", "Every day of the range"),
    ("missing", "What is new: days not read yet, missing or failed ones, and those whose file has changed"),
    ("changed", "Only days that were read and whose file has changed"),
]
#: what other pages ask with, that is more than a form to be filled in
ASKING = frozenset({"destination", "park", "everything", "days"})
SOURCES_OFFERED = 8
IMPORTS_LOOKED_AT = 200


def sources() -> list[str]:
    """What may be offered: the sources of the latest imports that may be named here, the last used first, then what is
    configured."""
    used = ImportCheckpoint.objects.order_by("-checkpoint_id").values_list("source", flat=True)[:IMPORTS_LOOKED_AT]
    found = [url for url in dict.fromkeys(used) if allowed.is_allowed(url)]
    return list(dict.fromkeys([*found[:SOURCES_OFFERED], settings.ARCHIVE_URL, HISTORY]))


class StartForm(forms.Form):
    destination = forms.MultipleChoiceField(required=False, label="Destinations, with all their parks")
    park = forms.MultipleChoiceField(required=False, label="Single parks")
    everything = forms.BooleanField(required=False, label="Everything the source has")
    source = forms.CharField(
        max_length=500,
        help_text="A folder that the workers can read, s3://bucket, themeparks-history: for the History API, or "
        "captures of live answers (files called .ndjson or .jsonl, or a folder of them)",
        widget=forms.TextInput(attrs={"class": "vTextField", "list": "sources", "autocomplete": "off"}),
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
        asked = data.getlist("destination") if data is not None else []  # known or not, the source will tell
        there = dict.fromkeys([*found, *(uuid for name in asked if (uuid := uuid_of(name)))])
        known = [(key, ", ".join(park.park_name for park in members)) for key, members in by_destination.items()]
        new = [(key, f"{key} (not imported yet)") for key in there if key not in by_destination]
        self.fields["destination"].choices = [*sorted(known, key=lambda choice: choice[1].lower()), *new]
        self.fields["park"].choices = [
            (str(park.pk), park.park_name) for park in sorted(parks, key=lambda park: park.park_name.lower())
        ]
        for name in ("destination", "park"):
            self.fields[name].widget.attrs["size"] = min(10, max(4, len(self.fields[name].choices)))
        self._by_destination = by_destination
        order = "destination park everything from to days source delisted replace_live replace force"
        self.order_fields(order.split())

    def clean(self) -> dict[str, Any]:
        """What can be said without asking the source."""
        asked = super().clean() or self.cleaned_data
        if url := asked.get("source"):
            try:
                allowed.refuse_others(delisted_of(url) if asked.get("delisted") else url)
            except ArchiveError as error:
                self.add_error("source", str(error))
        if asked.get("everything") and asked.get("park"):
            self.add_error(None, self._both(set(asked["park"])))
        if trouble := range_trouble(asked.get("from"), asked.get("to"), timezone.now().date()):
            self.add_error(None, for_people(trouble))
        return asked

    def request(self) -> dict[str, Any]:
        """What is asked for, as a row keeps it (imports.workers.preview_task.request_of)."""
        asked = self.cleaned_data
        return {
            "source": asked["source"],
            "delisted": asked["delisted"],
            "destinations": asked["destination"],
            "parks": asked["park"],
            "everything": asked["everything"],
            "first": asked["from"].isoformat() if asked["from"] else None,
            "last": asked["to"].isoformat() if asked["to"] else None,
            "missing_only": asked["days"] == "missing",
            "changed_only": asked["days"] == "changed",
            "replace_live": asked["replace_live"],
            "replace": asked["replace"],
            "force": asked["force"],
        }

    def _both(self, named: set[str]) -> str:
        """Of a destination of which a park is named, the others would be left out without a word."""
        others = [
            park.park_name
            for members in self._by_destination.values()
            if named & {str(park.pk) for park in members}
            for park in members
            if str(park.pk) not in named
        ]
        left_out = f": {', '.join(others)} would be left out" if others else ""
        return f"Choose single parks or everything, not both{left_out}"


def for_people(message: str) -> str:
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
