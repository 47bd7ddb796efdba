"""Live: whether the collector runs, and which open parks report nothing."""

from datetime import datetime

from config.home.page import Attention, Figure, Home, Part, link
from imports.live.models import LiveCollection, ParkFreshness
from warehouse.text import duration_in_words


def add(found: Home, now: datetime) -> None:
    """When the collector last ran; parks that are open and report nothing need attention."""
    parks = link("imports_parkfreshness_changelist")
    silent_url = link("imports_parkfreshness_changelist", state="silent")
    collections = link("imports_livecollection_changelist")
    last = LiveCollection.objects.order_by("-collection_id").first()
    watched = ParkFreshness.objects.count()
    silent = ParkFreshness.objects.filter(ParkFreshness.is_silent(now)).count()
    ago = f"{duration_in_words((now - last.started_at).total_seconds())} ago" if last else "never"
    figures = [
        Figure("last_collection", "last collection", ago, collections, raw=last and last.started_at),
        Figure.counted("parks_watched", "parks watched", watched, parks),
        Figure.counted("silent", "open and silent", silent, silent_url, bool(silent)),
    ]
    found.parts.append(Part("live", "Live", collections, figures))
    if silent:
        said = f"{silent:,} parks are open and have" if silent > 1 else "A park is open and has"
        found.attention.append(Attention("live.silent", f"{said} reported nothing for half an hour", silent_url))
