"""Pages on which nothing is hidden, whatever came from outside stands on them: one guard behind every template.

Hidden characters (warehouse.outside) become escapes that can be read, and names in scripts that are written from right
to left are isolated, so that they do not move the figures beside them. Fields of forms keep what they hold: a form that
is saved unchanged changes nothing.
"""

import re
from typing import Any

from django.http import HttpRequest
from django.template.backends.django import DjangoTemplates, Template
from django.utils.safestring import SafeString, mark_safe

from warehouse.outside import HIDDEN, visible

_RIGHT_TO_LEFT = (
    r"\u0590-\u05ff\u0608\u060b\u060d\u061b\u061d-\u08ff\ufb1d-\ufdcf\ufdf0-\ufdff\ufe70-\ufefc"
    r"\U00010800-\U00010fff\U0001e800-\U0001efff"
)
_ODD = re.compile(f"(?![\\t\\n\\r])[{HIDDEN}{_RIGHT_TO_LEFT}]")
_PIECES = re.compile(
    r"(?P<kept><(?P<tag>script|style|textarea)\b.*?</(?P=tag)\s*>)"
    r"|(?P<field><(?:input|option|button)\b[^>]*>)"
    r"|<title\b.*?</title\s*>|<!--.*?-->|<[^>]*>",
    re.DOTALL | re.IGNORECASE,
)
_VALUE = re.compile(r"""(?P<value>\svalue=(?:"[^"]*"|'[^']*'))|.+?(?=\svalue=["']|$)""", re.DOTALL)
_RUN = re.compile(f"[{_RIGHT_TO_LEFT}](?:[^<>&\n]*[{_RIGHT_TO_LEFT}])?")
_HALF = re.compile(r"[\ud800-\udfff]")  # no page can be sent with one


def shown_on_page(html: str) -> str:
    """HTML with nothing hidden in it: its text, and the attributes that readers are shown."""
    if not _ODD.search("".join(set(html))):  # of 0.7 MB 10 ms, where a search of it all took 150
        return html
    parts, at = [], 0
    for piece in _PIECES.finditer(html):
        parts.append(_text(html[at : piece.start()]))
        if piece["kept"]:
            parts.append(_HALF.sub("\ufffd", piece[0]))
        elif piece["field"]:
            parts.append(_VALUE.sub(_but_its_value, piece[0]))
        else:
            parts.append(visible(piece[0], lines=True))
        at = piece.end()
    return "".join([*parts, _text(html[at:])])


def _but_its_value(found: re.Match[str]) -> str:
    return _HALF.sub("\ufffd", found[0]) if found["value"] else visible(found[0], lines=True)


def _text(text: str) -> str:
    return _RUN.sub(lambda run: f"<bdi>{run[0]}</bdi>", visible(text, lines=True)) if _ODD.search(text) else text


class ShownTemplates(DjangoTemplates):
    """Django's, whose pages are shown so."""

    def from_string(self, template_code: str) -> "ShownTemplate":
        return ShownTemplate(super().from_string(template_code))

    def get_template(self, template_name: str) -> "ShownTemplate":
        return ShownTemplate(super().get_template(template_name))


class ShownTemplate:
    """A template of Django's, for what `render` gives back."""

    def __init__(self, template: Template):
        self._template = template

    def __getattr__(self, name: str) -> Any:
        return getattr(self._template, name)

    def render(self, context: dict[str, Any] | None = None, request: HttpRequest | None = None) -> SafeString:
        html = self._template.render(context, request)
        name = getattr(self._template.template, "name", None) or ".html"
        return mark_safe(shown_on_page(html)) if name.endswith(".html") else html
