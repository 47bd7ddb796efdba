"""The operators' home page: what runs, which findings are open, how fresh and large it all is, what needs attention.

Each part is shown to those who may look behind it, and each figure is a link to where it comes from. A fixed number
of queries, all of small tables; of the fact table the boundary partitions alone are asked whether they hold a row. A
part that fails says so in its own place, and the others stand.
"""

from collections.abc import Callable
from datetime import datetime

from config.home import parts
from config.home.page import Figure, Home, Part, link
from warehouse.admin.page_parts import failure


def home(user, now: datetime) -> Home:
    """What `user` may see of each part, as of `now`. A part that fails is a part that says so, and raises nothing."""
    found = Home()
    for permission, title, page, fill in (
        ("imports.view_importcheckpoint", "Imports", "imports_importcheckpoint_changelist", parts.add_imports),
        (
            "imports.view_importcheckpoint",
            "Under way",
            "imports_importcheckpoint_changelist",
            parts.add_under_way,
        ),
        ("imports.view_importcheckpoint", "Latest actions", "", parts.add_latest_actions),
        ("quality.view_dataqualitylog", "Open findings", "quality_dataqualitylog_changelist", parts.add_open_findings),
        ("imports.view_importedfile", "Archive", "imports_importedfile_coverage", parts.add_archive),
        ("imports.view_parkfreshness", "Live", "imports_livecollection_changelist", parts.add_live),
        ("warehouse.view_ridestatussnapshot", "Waits and downtime", "warehouse_park_changelist", parts.add_parks),
        ("warehouse.view_storagemetrics", "Storage", "warehouse_storage", parts.add_storage),
        ("warehouse.view_storagemetrics", "Partitions", "warehouse_partitions", parts.add_partitions),
        ("imports.view_worker", "Workers", "imports_worker_changelist", parts.add_workers),
    ):
        if user.has_perm(permission):
            _fill(found, title, link(page), fill, now)
    return found


def _fill(found: Home, title: str, url: str, fill: Callable[[Home, datetime], None], now: datetime) -> None:
    """One part by `fill`; where that fails, nothing of what it began, and in its place what failed."""
    parts_before, attention_before = list(found.parts), list(found.attention)
    try:
        fill(found, now)
    except Exception as error:
        said = failure(f"{title} on the home page", error)
        found.parts = [*parts_before, Part(title, url, [Figure("trouble", said, url, trouble=True)])]
        found.attention = [*attention_before, (f"{title} could not be worked out", url)]
