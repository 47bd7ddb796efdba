"""How far history reaches: what a key is allowed (Plan), and what the API holds of a park (ParkCoverage)."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

from imports.events.load_format import text_of
from imports.events.queues import whole_number
from warehouse.ids import uuid_of
from warehouse.outside import shown

TIER_MAX = 40  # characters of what a plan is called
KEYLESS_DAYS = 7  # today included
KEYLESS_REQUESTS_AN_HOUR = 60


@dataclass(frozen=True)
class Plan:
    """What may be asked of the History API. None where it is not known, but `earliest`: None is everything."""

    name: str
    earliest: date | None  # the first day that may be asked; reckoned in UTC, so a day off near midnight
    requests_an_hour: int | None = None  # None: also where requests are not counted
    remaining: int | None = None  # of these
    resets_at: datetime | None = None  # aware, UTC: when they are whole again

    @classmethod
    def without_key(cls, now: datetime) -> "Plan":
        """What everybody may ask, as the API's README has it: nothing is asked for this. `now` is aware."""
        today = now.astimezone(UTC).date()
        return cls("no key", today - timedelta(days=KEYLESS_DAYS - 1), KEYLESS_REQUESTS_AN_HOUR)

    @classmethod
    def of(cls, answer: dict, now: datetime) -> "Plan":
        """As /me says. ValueError: it does not say how far back the key reaches. `now` is aware."""
        earliest = day_of(answer.get("historyEarliestDate"))
        if earliest is None and answer.get("historyAllArchive") is not True:
            days = count_of(answer.get("historyDays"))
            if not days:
                raise ValueError("it does not say how far back the key reaches")
            earliest = now.astimezone(UTC).date() - timedelta(days=days - 1)
        budget = answer.get("historyRateLimit")
        budget = budget if isinstance(budget, dict) else {}
        reset = count_of(budget.get("reset"))
        return cls(
            shown(text_of(answer.get("tier")), TIER_MAX) or "unknown",
            earliest,
            count_of(budget.get("limit")),
            count_of(budget.get("remaining")),
            None if reset is None or reset > 24 * 3600 else now.astimezone(UTC) + timedelta(seconds=reset),
        )


@dataclass(frozen=True)
class CoveredEntity:
    """What the record holds of one entity of a park. Days are the park's; None where nothing is said."""

    entity_id: str
    name: str
    entity_type: str
    first: date | None
    newest: date | None
    listed: bool  # False: it is gone, and answers about its park may leave it out


@dataclass(frozen=True)
class ParkCoverage:
    """What the record holds of a park: of a park without any history both days are None."""

    archive_from: date | None  # the first day
    final_day: date | None  # the last that is whole: later ones may change still
    entities: tuple[CoveredEntity, ...]

    @classmethod
    def of(cls, answer: dict) -> "ParkCoverage":
        """As the coverage of a park says (HistoryApi.coverage). ValueError: it is none of a park."""
        summary, entities = answer.get("summary"), answer.get("entities")
        if not isinstance(summary, dict) or not isinstance(entities, list):
            raise ValueError("it has no summary and entities of a park")
        recorded, retrievable = day_of(summary.get("recordedTo")), day_of(summary.get("retrievableThrough"))
        return cls(
            day_of(summary.get("archiveFrom")),
            min(recorded, retrievable) if recorded and retrievable else None,
            tuple(
                CoveredEntity(
                    uuid_of(entity.get("id")) or text_of(entity.get("id")),
                    text_of(entity.get("name")),
                    text_of(entity.get("entityType")),
                    day_of(entity.get("from")),
                    day_of(entity.get("newest")),
                    entity.get("stillListed") is not False,
                )
                for entity in entities
                if isinstance(entity, dict)
            ),
        )


def day_of(value: Any) -> date | None:
    """2026-09-26 of "2026-09-26", and of an instant its date as written; None of anything else."""
    try:
        return date.fromisoformat(value[:10])
    except (TypeError, ValueError):
        return None


def count_of(value: Any) -> int | None:
    """A whole number from 0 up, of a header's text too; None of anything else."""
    if isinstance(value, str) and value.strip().isascii() and value.strip().isdigit() and len(value) < 19:
        value = int(value)
    number = whole_number(value)
    return number if number is not None and number >= 0 else None
