"""What the lists of the admin are given beyond Django's own: each cell names its column, for screens of one column."""

from django import template
from django.utils.html import escape
from django.utils.safestring import mark_safe

register = template.Library()


@register.filter
def headed(cells, headers) -> list[str]:
    """The cells of a row (HTML of Django's, one <td> or <th> each) with the text of their headers as data-heading."""
    return [_with_heading(cell, header["text"]) for cell, header in zip(cells, headers, strict=True)]


def _with_heading(cell: str, text: str) -> str:
    if "checkbox" in cell[:40]:  # its header is a checkbox itself
        return cell
    tag = cell[:3]  # "<td" or "<th"
    heading = escape(text[:1].upper() + text[1:])
    return mark_safe(f'{tag} data-heading="{heading}"{cell[3:]}')  # both parts are escaped
