"""Partitions: how far months reach ahead, and whether boundary partitions hold rows."""

from datetime import datetime

from config.home.page import Attention, Figure, Home, Part, link
from warehouse.partitioning import health, partitions
from warehouse.server import catalog
from warehouse.text import count_of


def add(found: Home, now: datetime) -> None:
    """How far months reach ahead, and which boundary partitions hold rows. Counts none: the page of partitions does."""
    page = link("warehouse_partitions")
    existing = catalog.partitions(partitions.TABLE)
    if not existing:
        said = "The fact table is not partitioned: every query reads all of it"
        found.attention.append(Attention("partitions.none", said, page))
        figure = Figure("months_ahead", "months ahead", "not partitioned", page, True)
        found.parts.append(Part("partitions", "Partitions", page, [figure]))
        return
    ahead = health.months_ahead(existing, now.date())
    months = [partition for partition in existing if not partitions.is_boundary(partition)]
    filled = health.filled_boundaries(existing)
    few = ahead < health.MONTHS_AHEAD_AT_LEAST
    figures = [
        Figure.counted("months_ahead", "months ahead", ahead, page, few),
        Figure.counted("months", "months in all", len(months), page),
        Figure(
            key="boundaries_with_rows",
            label="boundary partitions with rows",
            value=", ".join(filled) or "none",
            url=page,
            trouble=bool(filled),
            raw=len(filled),
        ),
    ]
    found.parts.append(Part("partitions", "Partitions", page, figures))
    if few:
        said = f"Partitions reach {count_of(ahead, 'month')} ahead: make more"
        found.attention.append(Attention("partitions.few_ahead", said, page))
    found.attention += [
        Attention(
            f"partitions.boundary.{name}",
            f"The boundary partition {name} holds rows: look at them, then drain it",
            page,
        )
        for name in filled
    ]
