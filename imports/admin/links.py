"""Addresses of the pages of imports, with what is asked of them."""

from datetime import date

from django.urls import reverse
from django.utils.http import urlencode

from warehouse.models import Park


def start_url(park: Park, first: date, last: date, source: str = "", *, missing_only: bool = False) -> str:
    """The page that starts an import, filled in."""
    asked = {"park": park.pk, "from": first, "to": last, "days": "missing" if missing_only else "all"}
    return f"{reverse('admin:imports_start')}?{urlencode(asked | ({'source': source} if source else {}))}"


def coverage(park_id: int, day: date) -> str:
    """The days of the month in which a day lies."""
    asked = urlencode({"park": park_id, "month": f"{day:%Y-%m}"})
    return f"{reverse('admin:imports_importedfile_coverage')}?{asked}#days"


def coverage_row(park_id: int) -> str:
    """All months of a park."""
    return f"{reverse('admin:imports_importedfile_coverage')}#park-{park_id}"


def day_file(file_id: int) -> str:
    """What the last reading of a day file gave."""
    return reverse("admin:imports_importedfile_change", args=[file_id])


def day_files(**filters: object) -> str:
    """The list of them: `park`, `checkpoint`, `first`, `last`, or a filter of the list's own."""
    names = {
        "park": "park__park_id__exact",
        "checkpoint": "checkpoint__checkpoint_id__exact",
        "first": "file_date__gte",
        "last": "file_date__lte",
    }
    asked = {names.get(name, name): value for name, value in filters.items()}
    return f"{reverse('admin:imports_importedfile_changelist')}?{urlencode(asked)}"


def one_import(checkpoint_id: int) -> str:
    """An import's page."""
    return reverse("admin:imports_importcheckpoint_change", args=[checkpoint_id])


def imports(**filters: object) -> str:
    """The list of imports."""
    return f"{reverse('admin:imports_importcheckpoint_changelist')}?{urlencode(filters)}"
