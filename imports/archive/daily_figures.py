"""The daily figures of the History API (/history/daily) for quality.check.against_source: settings.DAILY_FIGURES."""

from datetime import date
from typing import Any

from imports.api.history import ApiBusy, BudgetSpent, HistoryApi, KeyRefused, OutOfReach
from imports.api.http import ApiError
from imports.api.reach import Plan, count_of, day_of
from imports.events.load_format import text_of
from quality.check.source_figures import DaysOutOfReach, FiguresAway, NoFigures, SourceDay
from warehouse.ids import uuid_of


class HistoryFigures:
    """See quality.check.source_figures.DailyFigures. FiguresAway: the key cannot be one."""

    def __init__(self) -> None:
        try:
            self._api = HistoryApi()
        except ApiError as error:
            raise FiguresAway(str(error)) from error

    def allowance(self) -> Plan:
        """See there."""
        try:
            return self._api.me()
        except ApiError as error:
            raise FiguresAway(str(error)) from error

    def of_park(self, park: str, first: date, last: date) -> list[SourceDay]:
        """See there."""
        try:
            rows = self._api.daily(park, first, last)
        except OutOfReach as error:
            raise DaysOutOfReach(str(error), error.earliest) from error
        except BudgetSpent as error:
            raise FiguresAway(f"{error} until {error.until:%H:%M}Z") from error
        except (ApiBusy, KeyRefused) as error:
            raise FiguresAway(str(error)) from error
        except ApiError as error:
            raise NoFigures(str(error)) from error
        return [found for row in rows if (found := source_day(row))]


def source_day(row: dict[str, Any]) -> SourceDay | None:
    """A row of HistoryApi.daily; None of one that names no entity or no day."""
    entity_id, day = uuid_of(row.get("entityId")), day_of(row.get("date"))
    if entity_id is None or day is None:
        return None
    standby = row.get("standby")
    standby = standby if isinstance(standby, dict) else {}
    return SourceDay(
        entity_id=entity_id,
        name=text_of(row.get("name")),
        entity_type=text_of(row.get("entityType")),
        day=day,
        changes=count_of(row.get("changes")),
        operating_minutes=count_of(row.get("operatingMinutes")),
        down_minutes=count_of(row.get("downMinutes")),
        unknown_minutes=count_of(row.get("unknownMinutes")),
        mean_wait=count_of(standby.get("mean")),
        highest_wait=count_of(standby.get("max")),
    )
