"""Last night: the facts of config.night, in words, by the clock that is asked for."""

from datetime import datetime

from django.urls import reverse

from config.home.page import Home, LastNight, link
from config.night import night
from config.night.told import ended_in_words, heading, sentences, summary
from warehouse.models import Park


def add(found: Home, now: datetime) -> None:
    """The block, and between which clocks one can switch."""
    parks = list(Park.objects.exclude(timezone="").order_by("park_name").only("park_id", "park_name", "timezone"))
    chosen = next((park for park in parks if f"{park.pk}" == found.clock_of), None)
    facts = night(now, chosen.zone) if chosen else night(now)
    pages = {
        "imports ended": link("imports_importcheckpoint_changelist"),
        "jobs": link("django_q_failure_changelist" if facts.failed_runs else "django_q_success_changelist"),
        "new findings": link("quality_dataqualitylog_changelist"),
        "live": link("imports_livecollection_changelist"),
        "growth": link("warehouse_storage"),
    }
    found.night = LastNight(
        since=heading(facts),
        said=summary(facts),
        went_well=facts.went_well,
        figures=[(label, said, pages[label]) for label, said in sentences(facts).items()],
        imports=[
            (
                f"{each.park}, {each.first} to {each.last}",
                reverse("admin:imports_importcheckpoint_change", args=[each.checkpoint_id]),
                ended_in_words(each),
                each.failed and not each.dismissed,
            )
            for each in facts.named
        ],
        more_imports=facts.ended - len(facts.named),
        clocks=[(f"{park.pk}", f"{park.park_name} ({park.timezone})", park is chosen) for park in parks],
    )
