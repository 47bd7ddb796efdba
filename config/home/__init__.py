"""The operators' home page: what runs, which findings are open, how fresh and large it all is, what needs attention.

Each part is shown to those who may look behind it, and each figure is a link to where it comes from. A fixed number
of queries, all of small tables; of the fact table the boundary partitions alone are asked whether they hold a row. A
part that fails says so in its own place, and the others stand.
"""

from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import datetime

from config.home import (
    alerts,
    archive,
    findings,
    imports,
    last_night,
    latest_actions,
    live,
    parks,
    partitions,
    storage,
    under_way,
    workers,
)
from config.home.page import Attention, Figure, Home, Part, link
from warehouse.admin.page_parts import failure


@dataclass(frozen=True)
class _Kind:
    """A part: who may see it, the page behind it, and what adds to a home page what it has to say as of an instant."""

    key: str
    title: str
    permission: str
    page: str
    add: Callable[[Home, datetime], None]


PARTS = (
    _Kind("imports", "Imports", "imports.view_importcheckpoint", "imports_importcheckpoint_changelist", imports.add),
    _Kind(
        "under_way", "Under way", "imports.view_importcheckpoint", "imports_importcheckpoint_changelist", under_way.add
    ),
    _Kind("latest_actions", "Latest actions", "imports.view_importcheckpoint", "", latest_actions.add),
    _Kind(
        "findings", "Open findings", "quality.view_dataqualitylog", "quality_dataqualitylog_changelist", findings.add
    ),
    _Kind("archive", "Archive", "imports.view_importedfile", "imports_importedfile_coverage", archive.add),
    _Kind("live", "Live", "imports.view_parkfreshness", "imports_livecollection_changelist", live.add),
    _Kind("parks", "Waits and downtime", "warehouse.view_ridestatussnapshot", "warehouse_park_changelist", parks.add),
    _Kind("storage", "Storage", "warehouse.view_storagemetrics", "warehouse_storage", storage.add),
    _Kind("partitions", "Partitions", "warehouse.view_storagemetrics", "warehouse_partitions", partitions.add),
    _Kind("workers", "Workers", "imports.view_worker", "imports_worker_changelist", workers.add),
    _Kind("alerts", "Alerts", "imports.view_worker", "", alerts.add),
    _Kind("night", "Last night", "imports.view_importcheckpoint", "", last_night.add),
)
#: the parts that may need attention; the others are only looked at
ATTENTION = [kind.key for kind in PARTS if kind.key not in ("latest_actions", "parks", "archive", "night")]


def home(may: Callable[[str], bool], now: datetime, *, only: Collection[str] = (), clock_of: str = "") -> Home:
    """What whoever has the permissions that `may` says yes to (a user's has_perm) may see, as of `now`.

    A part that fails is a part that says so, and raises nothing. `only`: the keys of the parts asked for; empty: all.
    `clock_of`: the park_id of the park by whose clock last night is told; "", or none that there is: UTC.
    """
    found = Home(now, clock_of)
    for kind in PARTS:
        if may(kind.permission) and (not only or kind.key in only):
            _fill(found, kind, now)
    return found


def _fill(found: Home, kind: _Kind, now: datetime) -> None:
    """One part; where that fails, nothing of what it began, and in its place what failed."""
    parts_before, attention_before = list(found.parts), list(found.attention)
    try:
        kind.add(found, now)
    except Exception as error:
        said, url = failure(f"{kind.title} on the home page", error), link(kind.page)
        found.parts = [*parts_before, Part(kind.key, kind.title, url, [Figure("trouble", "trouble", said, url, True)])]
        unknown = Attention(f"{kind.key}.unknown", f"{kind.title} could not be worked out", url)
        found.attention = [*attention_before, unknown]
