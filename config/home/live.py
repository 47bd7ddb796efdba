"""Live: whether the collector gets answers, and which open parks report nothing."""

from datetime import datetime, timedelta

from config.home.page import Attention, Figure, Home, Part, link
from imports.live.models import ParkFreshness
from imports.live.standing import rate_since, standing
from warehouse.text import count_of, duration_in_words

RATE_OF = timedelta(days=1)
WHY_MAX = 120  # characters of an error


def add(found: Home, now: datetime) -> None:
    """When a destination last answered; collections that reach nobody, and open parks in silence, need attention."""
    parks = link("imports_parkfreshness_changelist")
    silent_url = link("imports_parkfreshness_changelist", state="silent")
    collections = link("imports_livecollection_changelist")
    failures = link("imports_livecollection_changelist", failures="some")
    stands = standing()
    late = stands.is_late(now)
    rate = rate_since(now - RATE_OF)
    watched = ParkFreshness.objects.count()
    silent = ParkFreshness.objects.filter(ParkFreshness.is_silent(now)).count()
    ago = f"{duration_in_words((now - stands.success).total_seconds())} ago" if stands.success else "never"
    figures = [
        Figure("last_collection", "last success", ago, collections, late, raw=stands.success),
        Figure(
            key="answered",
            label="destinations that answered",
            value=f"{stands.answered:,} of {stands.asked:,}" if stands.asked else _why_none(stands.destinations),
            url=failures if stands.answered < stands.asked else collections,
            trouble=stands.reached_nobody,
            raw=stands.answered,
        ),
        Figure(
            key="success_rate",
            label="answered, last day",
            value="nothing was asked" if rate.share is None else f"{rate.share:.0%} of {rate.asked:,}",
            url=collections,
            trouble=rate.share == 0,
            raw=rate.share,
        ),
        Figure.counted("parks_watched", "parks watched", watched, parks),
        Figure.counted("silent", "open and silent", silent, silent_url, bool(silent)),
    ]
    found.parts.append(Part("live", "Live", collections, figures))
    why = f": {stands.why[:WHY_MAX]}" if stands.why else ""
    if late:
        said = f"No live state was collected for {ago.removesuffix(' ago')}" if stands.success else "None ever was"
        every = duration_in_words(stands.every.total_seconds())
        found.attention.append(Attention("live.late", f"{said}, and every {every} is asked for{why}", failures))
    elif stands.is_on and stands.reached_nobody:
        said = f"The last live collection reached none of {count_of(stands.asked, 'destination')}{why}"
        found.attention.append(Attention("live.reached_nobody", said, failures))
    if stands.failing and not stands.reached_nobody:
        many = count_of(len(stands.failing), "destination")
        verb = "has" if len(stands.failing) == 1 else "have"
        said = f"{many} {verb} not answered in the last collections, others have{why}"
        found.attention.append(Attention("live.destination_failing", said, failures))
    if silent and not late:  # a collector that gets nothing makes every open park silent
        said = f"{silent:,} parks are open and have" if silent > 1 else "A park is open and has"
        found.attention.append(Attention("live.silent", f"{said} reported nothing for half an hour", silent_url))


def _why_none(destinations: int) -> str:
    return "not asked yet" if destinations else "nothing to collect: no destination is known"
