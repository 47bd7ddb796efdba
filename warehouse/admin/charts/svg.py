"""Pictures that fit any width: SVG whose widths are percents and whose heights are pixels, so that letters, lines and
patterns keep their size while the picture takes the room it is given.

What is drawn is put together here and not by a template: a year has 366 days, and the template took ten times as long.
Whatever comes from outside goes through `text`.
"""

from collections.abc import Iterable, Sequence
from html import escape

from django.utils.safestring import SafeString, mark_safe

from warehouse.admin.charts.scale import Tick

HEIGHT = 200  # of what is drawn; ticks and labels lie outside
BELOW = 22  # for the ticks of the x axis


def text(value: object) -> str:
    """As it can stand between tags and in attributes."""
    return escape(str(value), quote=True)


def percent(part: float, whole: float) -> str:
    """0 to 100 with two decimals: a hundredth of 1,000 pixels."""
    return f"{100 * part / whole:.2f}".rstrip("0").rstrip(".") if whole else "0"


def rect(x: str, width: str, y: float, height: float, kind: str, title: str = "") -> str:
    """`x` and `width` in percent, `y` and `height` in pixels."""
    head = f'<rect class="{kind}" x="{x}%" width="{width}%" y="{y:g}" height="{height:g}"'
    return f"{head}><title>{text(title)}</title></rect>" if title else f"{head}/>"


def link(url: str, inside: str) -> str:
    """What leads elsewhere; as "" it leads nowhere."""
    return f'<a href="{text(url)}">{inside}</a>' if url else inside


def grid(ticks: Sequence[Tick]) -> str:
    """Lines across, named at the left."""
    return "".join(
        f'<line class="grid" x1="0" x2="100%" y1="{tick.at:g}" y2="{tick.at:g}"/>'
        f'<text class="end" x="-6" y="{tick.at:g}" dy="4">{text(tick.label)}</text>'
        for tick in ticks
    )


def below(ticks: Sequence[Tick], y: float) -> str:
    """Names under the picture, `at` in percent; on a phone each second one alone."""
    return "".join(
        f'<text class="middle{" wide" if number % 2 else ""}" x="{tick.at:.2f}%" y="{y:g}">{text(tick.label)}</text>'
        for number, tick in enumerate(ticks)
    )


def picture(inside: Iterable[str], height: float, label: str, *, left: int = 44, legend: str = "") -> SafeString:
    """The whole of it: `height` pixels, `left` pixels for the names at the left. One with links in it is a group:
    readers of the screen would not find them in an image."""
    drawn = "".join(inside)
    role = "group" if "<a " in drawn else "img"
    return mark_safe(
        f'<figure class="picture"><svg class="names" width="{left}" height="{height:g}" aria-hidden="true"></svg>'
        f'<svg width="100%" height="{height:g}" role="{role}" aria-label="{text(label)}">{drawn}</svg>'
        f"</figure>{legend}"
    )


def legend(entries: Iterable[tuple[str, str]]) -> str:
    """(class, name): each with a small picture of how it is drawn."""
    return _legend((f'<rect class="{kind}" width="18" height="14"/>', name) for kind, name in entries)


def lines_legend(entries: Iterable[tuple[str, str]]) -> str:
    """The same of lines."""
    return _legend((f'<line class="{kind}" x1="0" x2="24" y1="7" y2="7"/>', name) for kind, name in entries)


def _legend(entries: Iterable[tuple[str, str]]) -> str:
    keys = (
        f'<li><svg class="key" width="24" height="14" aria-hidden="true">{drawn}</svg>{text(name)}</li>'
        for drawn, name in entries
    )
    return f'<ul class="legend">{"".join(keys)}</ul>'
