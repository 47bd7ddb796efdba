"""Snapshots and queue rows in the admin: the newest, to look at.

The tables hold hundreds of millions of rows: they are never joined (3 s for a million) and never counted beyond what
anybody pages through (COUNT(*) took 0.2 s for a million).
"""

from django.contrib import admin
from django.core.paginator import Paginator
from django.utils.functional import cached_property

from warehouse.admin_hand_set import ReadOnlyAdmin
from warehouse.models import QueueData, RideStatusSnapshot

ROWS_SHOWN_AT_MOST = 10_000


class CappedPaginator(Paginator):
    @cached_property
    def count(self):
        return len(self.object_list[:ROWS_SHOWN_AT_MOST].values_list("pk", flat=True))


class FactAdmin(ReadOnlyAdmin):
    list_select_related = ()  # () alone turns the join off: False joins as soon as a column shows the ride
    show_full_result_count = False
    paginator = CappedPaginator


@admin.register(RideStatusSnapshot)
class RideStatusSnapshotAdmin(FactAdmin):
    list_display = ["recorded_at", "ride", "status", "wait_time", "data_source"]
    ordering = ["-snapshot_id"]

    def get_queryset(self, request):
        return super().get_queryset(request).prefetch_related("ride")


@admin.register(QueueData)
class QueueDataAdmin(FactAdmin):
    list_display = [
        "snapshot_id",
        "queue_type",
        "wait_time_minutes",
        "return_time_start",
        "return_time_end",
        "price_amount",
        "price_currency",
    ]
    ordering = ["-snapshot_id", "-queue_type"]
