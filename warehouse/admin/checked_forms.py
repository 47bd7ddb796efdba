"""What operators may type into the catalogue: text that can be seen, ids that are UUIDs, tags as the sync has them."""

import json
from typing import Any

from django import forms
from django.forms.fields import InvalidJSONInput

from warehouse.ids import uuid_of
from warehouse.outside import has_hidden, shown

TAGS_MAX_CHARACTERS = 50_000  # of JSON, as many as of the catalogue's
TAGS_NESTED_MAX = 10  # theirs are nested eight deep at most; MariaDB reads 32


class CheckedForm(forms.ModelForm):
    """What an operator types is text that can be seen; ids are UUIDs. Fields that stay as they are are left in peace,
    whatever an import has brought."""

    def clean(self):
        cleaned = super().clean()
        for name in self.changed_data:
            value = cleaned.get(name)
            if not isinstance(value, str) or not value:
                continue
            if has_hidden(value):
                self.add_error(name, f"This holds what cannot be seen: {shown(value)}. Type it anew.")
            elif name.endswith("_wiki_id"):
                if (uuid := uuid_of(value)) is None:
                    self.add_error(name, "This is no UUID, as 75ea578a-adc8-4116-a54d-dccb60765ef9 is one.")
                cleaned[name] = uuid
        return cleaned


class TagsField(forms.JSONField):
    """A list of objects, each with a `tag` that is text, as the sync keeps them. Pages and exports rely on it."""

    def to_python(self, value: Any) -> Any:
        try:
            tags = super().to_python(value)
            text = json.dumps(tags, allow_nan=False)
        except (ValueError, RecursionError):  # a number of 5,000 digits, NaN, 3,000 brackets: no JSONDecodeErrors
            raise forms.ValidationError(self.error_messages["invalid"], code="invalid") from None
        if tags is None or tags == []:
            return tags
        if not isinstance(tags, list) or not all(isinstance(tag, dict) and _is_tag(tag) for tag in tags):
            raise forms.ValidationError('Give a list of tags, each with its name: [{"tag": "MAY_GET_WET"}].')
        if len(text) > TAGS_MAX_CHARACTERS:
            raise forms.ValidationError(f"At most {TAGS_MAX_CHARACTERS:,} characters of JSON.")
        return tags

    def bound_data(self, data: Any, initial: Any) -> Any:
        try:
            return super().bound_data(data, initial)
        except (ValueError, RecursionError):
            return InvalidJSONInput(shown(data))


def _is_tag(tag: dict) -> bool:
    text = json.dumps(tag, ensure_ascii=False)
    named = isinstance(tag.get("tag"), str) and bool(tag["tag"])
    return named and not has_hidden(text) and _depth(tag) <= TAGS_NESTED_MAX


def _depth(value: Any) -> int:
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else None
    return 0 if inner is None else 1 + max(map(_depth, inner), default=0)
