"""Figures for people: 1,234,567 rows, 12.3 MB, 4.56 GB, 107 days, 27 years; and "-" for what is None or no number."""

from math import isfinite

from django import template

from warehouse.text import count_of, size_in_words

register = template.Library()


@register.filter
def megabytes(megabytes) -> str:
    """MB (1,000,000 bytes) in the unit that suits: 0.02 MB, 12.3 MB, 4.56 GB, 1.20 TB."""
    return size_in_words(megabytes) if _is_known(megabytes) else "-"


@register.filter
def horizon(days) -> str:
    """How far off that is, no finer than a forecast can know: days for ten years, then years, at last "100 years".

    An infinite number of days is over 100 years.
    """
    if days != float("inf") and not _is_known(days):
        return "-"
    if days < 3_652.5:
        return count_of(round(days), "day")
    return f"{days / 365.25:,.0f} years" if days < 36_525 else "over 100 years"


@register.filter
def minutes(figure) -> str:
    """Minutes without a part: 35 min. "-" for none."""
    return f"{figure:,.0f} min" if _is_known(figure) else "-"


@register.filter
def percent(share) -> str:
    """A share of 1 in percent with one decimal: 12.5 %. "-" for none."""
    return f"{share:.1%}".replace("%", " %") if _is_known(share) else "-"


@register.filter
def signed(figure) -> str:
    """Without a part and with its sign, +7 or -12, and +0. "-" for none."""
    return f"{round(figure):+,}" if _is_known(figure) else "-"  # and never -0


@register.filter
def separated(number) -> str:
    """A whole number with its thousands apart: 1,234,567. "-" for none."""
    return f"{number:,}" if _is_known(number) else "-"


def _is_known(figure) -> bool:
    return figure is not None and isfinite(figure)
