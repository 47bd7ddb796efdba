"""How a park's days went, in the admin: figures, a chart, and a row a day beside the same weekday a year before."""

from datetime import timedelta

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.utils import timezone

from warehouse.admin import charts
from warehouse.admin.fact_pages import DaysForm
from warehouse.history import park_days
from warehouse.models import Park

DAYS_SHOWN = 28
DAYS_MAX = 92  # and as many of the year before: 2 x 460,000 observations of a large park took 2.9 s


class ParkDaysForm(DaysForm):
    """Days of the park."""

    days_max = DAYS_MAX


def park_day_page(request: HttpRequest, park_id: int) -> HttpResponse:
    """The last four weeks of which anything is known, or the days that are asked for."""
    if not request.user.has_perm("warehouse.view_ridestatussnapshot"):
        raise PermissionDenied
    park = get_object_or_404(Park, pk=park_id)
    now = timezone.now()
    newest = park_days.newest_day(park, now) or now.astimezone(park_days.zone_of(park)).date()
    default = (newest - timedelta(days=DAYS_SHOWN - 1), newest)
    form = ParkDaysForm(request.GET or None, default)
    if request.GET:
        chosen = (form.cleaned_data["from"], form.cleaned_data["to"]) if form.is_valid() else None
    else:
        chosen = default
    context = {
        **admin.site.each_context(request),
        "title": f"{park}: day by day",
        "opts": Park._meta,
        "park": park,
        "zone": park_days.zone_of(park).key,
        "form": form,
        "days_max": DAYS_MAX,
        "holds_hours": park_days.HOLDS_AT_MOST // timedelta(hours=1),
    }
    if chosen:
        days, before = park_days.same_period_last_year(park, *chosen, now)
        total, total_before = park_days.total(days), park_days.total(before)
        context |= {
            "last": chosen[1],
            "total": total,
            "total_before": total_before,
            "change_percent": (
                100 * (total.average_wait / total_before.average_wait - 1)
                if total.average_wait is not None and total_before.average_wait
                else None
            ),
            "rows": list(zip(days, before, strict=True))[::-1],
            "chart": charts.by_day(
                chosen[0],
                [day.figures.average_wait for day in days],
                [day.figures.average_wait for day in before],
            ),
        }
    return TemplateResponse(request, "warehouse/park_days.html", context)
