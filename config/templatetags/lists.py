"""What the lists of the admin are given beyond Django's own: each cell names its column, for screens of one column, and
figures stand below one another with their thousands apart.
"""

import re

from django import template
from django.utils.html import escape
from django.utils.safestring import mark_safe

register = template.Library()

#: a cell that is a figure and nothing else, with its class and its whole part
FIGURE = re.compile(r'^<td class="([^"]*)">(-?)([0-9]+)((?:\.[0-9]+)?)</td>$')


@register.filter
def headed(cells, headers) -> list[str]:
    """The cells of a row (HTML of Django's, one <td> or <th> each) with the text of their headers as data-heading."""
    return [_told(cell, header["text"]) for cell, header in zip(cells, headers, strict=True)]


def _told(cell: str, heading: str) -> str:
    if "checkbox" in cell[:40]:  # its header is a checkbox itself
        return cell
    figure = FIGURE.match(cell)
    if figure and "id" not in re.split("[ _]", heading.lower()):
        names, sign, whole, part = figure.groups()
        cell = f'<td class="{names} number">{sign}{int(whole):,}{part}</td>'
    named = f'{cell[:3]} data-heading="{escape(heading[:1].upper() + heading[1:])}"{cell[3:]}'
    return mark_safe(named)  # Django escaped the cell, and the heading is here
