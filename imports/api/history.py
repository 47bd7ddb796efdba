"""The History API of ThemeParks.wiki, asked as a fair user would: what was recorded of a park or an entity, by days.

It is the paid part of the API: the key of THEMEPARKS_API_KEY says how far back it reaches and how much may be asked an
hour. How it is asked, and what refusals mean: imports.api.asking. An answer is looked at before it is given away: what
is none about that entity and these days is an error, never a day without events. What it holds is read by
imports.events.history_answer.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any
from urllib.parse import urlsplit

from imports.api.asking import (
    ApiBusy,
    Asking,
    BudgetSpent,
    HistoryError,
    KeyRefused,
    MalformedAnswer,
    NoAnswer,
    NoSuchEntity,
    OutOfReach,
)
from imports.api.reach import CoveredEntity, ParkCoverage, Plan, day_of
from imports.events.dayfile import UnreadableFile
from imports.events.history_answer import HistoryAnswer
from warehouse.days import ONE_DAY
from warehouse.ids import uuid_of
from warehouse.outside import shown

__all__ = [
    "ApiBusy",
    "BudgetSpent",
    "CoveredEntity",
    "DayAnswer",
    "HistoryApi",
    "HistoryError",
    "KeyRefused",
    "MalformedAnswer",
    "NoAnswer",
    "NoSuchEntity",
    "OutOfReach",
    "ParkCoverage",
    "Plan",
]

ENTITY_DAYS_MAX = 31  # of one answer about an entity
DEGRADED_ATTEMPTS = 3
DEGRADED_WAIT_SECONDS = 60.0  # "ask again in a minute"


@dataclass(frozen=True)
class DayAnswer:
    """An answer about days, as it came and already looked at: it is of the days and the entity that were asked for."""

    raw: bytes
    degraded: bool  # still, after it was asked for again: some states at the beginning of the range may lack parts


class HistoryApi(Asking):
    """The questions to the History API; use one object for a run. HistoryError, or a subclass, where no answer came.

    `sleep` is called with seconds wherever one waits, and may raise to end the question. Not to be called inside a
    transaction: every question waits for its turn.
    """

    def __init__(self, sleep: Callable[[float], object] = time.sleep):
        super().__init__(sleep)
        self.degraded_wait_seconds = DEGRADED_WAIT_SECONDS

    def me(self) -> Plan:
        """What the key may ask. It costs none of the budget.

        Without a key nothing is asked: the last 7 days, today included, and 60 requests an hour. Where the API does
        not know /me, the plan is unknown and `earliest` None: OutOfReach of the first question says it.
        """
        now = datetime.now(UTC)
        if not self.has_key:
            return Plan.without_key(now)
        try:
            return Plan.of(self.json("/me"), now)
        except NoSuchEntity:
            return Plan("unknown", None)
        except ValueError as error:
            raise MalformedAnswer(f"{self.url}/me: {error}") from error

    def destinations(self) -> list[dict]:
        """Every destination: id, name, parks [{id, name}]. It costs none of the budget."""
        found = self.json("/destinations").get("destinations")
        if not isinstance(found, list):
            raise MalformedAnswer(f"{self.url}/destinations: the answer has no list 'destinations'")
        return found

    def coverage(self, entity_id: str) -> dict:
        """What is recorded of an entity or a park, as it came, of the id asked for. ParkCoverage.of reads it."""
        path = f"/entity/{entity_id}/history/coverage"
        answer = self.json(path, budget=True)
        self._check_id(path, answer.get("id"), entity_id)
        return answer

    def park_coverage(self, park_id: str) -> ParkCoverage:
        """The same of a park, read."""
        answer = self.coverage(park_id)
        try:
            return ParkCoverage.of(answer)
        except ValueError as error:
            raise MalformedAnswer(f"{self.url}/entity/{park_id}/history/coverage: {error}") from error

    def park_day(self, park_id: str, day: date) -> DayAnswer:
        """Everything that was recorded in a park on a park-local day, for imports.events.history_answer.

        A degraded answer is asked for again, twice, after `degraded_wait_seconds`.
        """
        return self._days(f"/entity/{park_id}/history", {"date": day.isoformat()}, park_id, day, day, of_park=True)

    def entity_days(self, entity_id: str, first: date, last: date) -> DayAnswer:
        """The same of one entity, from `first` to `last` (31 days at most, both included), also if it is delisted."""
        if not 1 <= (last - first).days + 1 <= ENTITY_DAYS_MAX:
            raise ValueError(f"{first} to {last}: one answer covers 1 to {ENTITY_DAYS_MAX} days")
        asked = {"from": first.isoformat(), "to": last.isoformat()}
        return self._days(f"/entity/{entity_id}/history", asked, entity_id, first, last, of_park=False)

    def daily(self, entity_id: str, first: date, last: date) -> list[dict]:
        """The API's own figures of each day from `first` to `last`, in the order they came.

        Rows as /history/daily has them, with `entityId`, `name` and `entityType` of whom they are; of a park one for
        each entity and day, a page of 31 days a request. Days without data have none.
        """
        path = f"/entity/{entity_id}/history/daily"
        rows: list[dict] = []
        begin = first
        while True:
            answer = self.json(path, {"from": begin.isoformat(), "to": last.isoformat()}, budget=True)
            self._check_id(path, answer.get("id"), entity_id)
            for entity in answer["entities"] if isinstance(answer.get("entities"), list) else [answer]:
                rows += self._daily_rows(path, entity)
            end = day_of((answer.get("range") or {}).get("to")) if isinstance(answer.get("range"), dict) else None
            if end is None or end < begin:
                raise MalformedAnswer(f"{self.url}{path}: the answer does not say which days it is of")
            following = answer.get("next")
            if following is None or end >= last:
                return rows
            self._check_host(path, following)
            begin = end + ONE_DAY

    def _daily_rows(self, path: str, entity: Any) -> list[dict]:
        days = entity.get("days") if isinstance(entity, dict) else None
        if not isinstance(days, list) or not all(isinstance(row, dict) for row in days):
            raise MalformedAnswer(f"{self.url}{path}: the answer has no list 'days' of an entity")
        whose = {"entityId": entity.get("id"), "name": entity.get("name"), "entityType": entity.get("entityType")}
        return [whose | row for row in days]

    def _days(self, path: str, asked: dict, entity_id: str, first: date, last: date, *, of_park: bool) -> DayAnswer:
        for attempt in range(DEGRADED_ATTEMPTS):
            if attempt:
                self.sleep(self.degraded_wait_seconds)
            raw = self.raw(path, asked, budget=True)
            try:
                answer = HistoryAnswer(raw)
            except UnreadableFile as error:
                raise MalformedAnswer(f"{self.url}{path}: {len(raw):,} bytes: {error}") from error
            self._check_id(path, answer.envelope.get("id"), entity_id)
            if answer.of_park is not of_park:
                raise MalformedAnswer(f"{self.url}{path}: the answer is {'not ' if of_park else ''}that of a park")
            if answer.days != (first.isoformat(), last.isoformat()):
                raise MalformedAnswer(
                    f"{self.url}{path}: {first} to {last} was asked for, and the answer is of {shown(answer.days, 100)}"
                )
            if not (degraded := answer.degraded):
                break
        return DayAnswer(raw, degraded)

    def _check_id(self, path: str, found: Any, entity_id: str) -> None:
        if uuid_of(found) is None or uuid_of(found) != uuid_of(entity_id):
            raise MalformedAnswer(f"{self.url}{path}: the answer is of another entity ({found!r:.60})")

    def _check_host(self, path: str, link: Any) -> None:
        """No link is followed; one that leads elsewhere says that this is not the API."""
        if not isinstance(link, str) or urlsplit(link).netloc not in ("", urlsplit(self.url).netloc):
            raise MalformedAnswer(f"{self.url}{path}: its next page is on another host; it was not asked for")
