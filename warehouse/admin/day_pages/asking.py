"""What a page is asked for: a period, kinds of rides, and what a tab adds to it. All of it stands in the address."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

from django import forms

from warehouse.days import FIRST_YEAR, LAST_YEAR, ONE_DAY, is_within_reach, month_from
from warehouse.history.questions.days import ATTRACTIONS, Kinds

YEARS_MAX = 20
A_YEAR = timedelta(days=365)
KINDS = [("", "Attractions"), ("SHOW", "Shows"), ("RESTAURANT", "Restaurants"), ("all", "All kinds")]


def refuse_out_of_reach(day: date) -> None:
    """A validator: a year that was not typed to its end is a mistake."""
    if not is_within_reach(day):
        raise forms.ValidationError(f"Give a day of the years {FIRST_YEAR} to {LAST_YEAR}.")


def day_field(**options: Any) -> forms.DateField:
    """That browsers have a calendar for."""
    widget = forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")
    return forms.DateField(widget=widget, validators=[refuse_out_of_reach], **options)


@dataclass(frozen=True, slots=True)
class Asked:
    """`options`: what a tab adds, as it stands in the address."""

    first: date
    last: date
    kinds: str = ""
    options: Mapping[str, Any] = field(default_factory=dict)

    @property
    def days(self) -> int:
        """Of the period."""
        return (self.last - self.first).days + 1

    def kinds_asked(self) -> Kinds:
        """As questions take them."""
        return {"": ATTRACTIONS, "all": None}.get(self.kinds, [self.kinds])

    def address(self) -> dict[str, Any]:
        """What each tab has in its address."""
        return {"from": self.first, "to": self.last, "kinds": self.kinds}


class AskForm(forms.Form):
    """From and to, or a month or a year, which goes before both. What is left out is as in `default`."""

    period = forms.CharField(
        required=False,
        max_length=10,
        label="Month or year",
        widget=forms.TextInput(attrs={"placeholder": "2025-07 or 2025", "size": 15}),
    )
    kinds = forms.ChoiceField(choices=KINDS, required=False, label="Kinds")

    def __init__(self, data: Mapping[str, Any], default: tuple[date, date], options: Mapping[str, forms.Field]):
        super().__init__(data)
        self.default = default
        rest = [self.fields.pop(name) for name in ("period", "kinds")]
        self.fields["from"] = day_field(required=False, initial=default[0])
        self.fields["to"] = day_field(required=False, initial=default[1])
        self.fields["period"], self.fields["kinds"] = rest
        for name, of in options.items():
            self.fields[name] = of
        self.options = list(options)

    def clean_period(self) -> tuple[date, date] | None:
        text = self.cleaned_data["period"].strip()
        if not text:
            return None
        if text.isdecimal() and text.isascii() and len(text) == 4:
            if not FIRST_YEAR <= int(text) <= LAST_YEAR:
                raise forms.ValidationError(f"Give a year from {FIRST_YEAR} to {LAST_YEAR}.")
            return date(int(text), 1, 1), date(int(text), 12, 31)
        try:
            first = month_from(text)
        except ValueError as error:
            raise forms.ValidationError(f"{error}, or a year, YYYY.") from None
        return first, (first + 31 * ONE_DAY).replace(day=1) - ONE_DAY

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        first, last = cleaned.get("from"), cleaned.get("to")
        if first is None and last is None:
            first, last = self.default
        elif first is None and last is not None:
            first = last - A_YEAR + ONE_DAY
        elif last is None and first is not None:
            last = max(first, self.default[1])
        if cleaned.get("period"):
            first, last = cleaned["period"]
        if first and last and first > last:
            raise forms.ValidationError("The first day lies after the last; swap them.")
        if first and last and (last - first).days > YEARS_MAX * 366:
            raise forms.ValidationError(f"At most {YEARS_MAX} years.")
        cleaned["first"], cleaned["last"] = first, last
        return cleaned

    def asked(self) -> Asked:
        """Of a form that is valid."""
        of = self.cleaned_data
        return Asked(of["first"], of["last"], of["kinds"], {name: of[name] for name in self.options})


def choice(label: str, choices: list[tuple[str, str]], **options: Any) -> forms.ChoiceField:
    """A field of a tab; the first choice is that of an empty address."""
    return forms.ChoiceField(choices=choices, required=False, label=label, **options)
