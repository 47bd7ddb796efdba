"""The History API of ThemeParks.wiki, asked as a fair user would: what was recorded of a park or an entity, by days.

It is the paid part of the API: the key of THEMEPARKS_API_KEY says how far back it reaches and how much may be asked an
hour. The key goes into one header of requests to THEMEPARKS_API_URL and nowhere else; no redirect is followed, and no
link. Every request keeps the pace that all share (imports.api.pace); an hour's budget that is spent holds history
alone, and is never slept through: the caller stops, and says until when. What an answer holds is read by
imports.events.history_answer.
"""

import hashlib
import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

import requests
from django.conf import settings
from urllib3.exceptions import HTTPError

from imports.api import http
from imports.api.http import ATTEMPTS, CONNECT_TIMEOUT_SECONDS, PASSING_STATUS, Refused, attempts, read_body
from imports.api.pace import ApiPace, TooLongToWait, budget_of
from imports.api.reach import CoveredEntity, ParkCoverage, Plan, count_of, day_of
from imports.events.dayfile import UnreadableFile
from imports.events.history_answer import HistoryAnswer
from imports.events.json_text import decode_json
from warehouse.days import ONE_DAY
from warehouse.ids import uuid_of

__all__ = ["CoveredEntity", "ParkCoverage", "Plan"]  # and what is defined here

READ_TIMEOUT_SECONDS = 60  # without a byte: a day of a large park is put together while one waits
ANSWER_TIMEOUT_SECONDS = 120  # for a whole answer; a day of a large park has some 4 MB
ENTITY_DAYS_MAX = 31  # of one answer about an entity
DEGRADED_ATTEMPTS = 3
DEGRADED_WAIT_SECONDS = 60.0  # "ask again in a minute"
BUDGET_WAIT_MAX_SECONDS = 2.0  # a budget that is whole again so soon is waited for
PACE_WAIT_MAX_SECONDS = 60.0  # for a turn, and for what says so in Retry-After: the limit is one of a minute
SPENT_SECONDS = 3600  # of a spent budget of which nobody says when it is whole again: it is one of an hour
BUSY_SECONDS = 300  # when an API may be asked again that does not answer


class HistoryError(http.ApiError):
    """No usable answer about history; the message says what was asked, what came back and what to do."""


class BudgetSpent(HistoryError):
    """The hour's requests of this account are used up; from `until` on (aware, UTC) there are some again."""

    def __init__(self, message: str, until: datetime):
        super().__init__(message)
        self.until = until


class ApiBusy(HistoryError):
    """The API does not answer now, or asks to be left alone; ask again from `until` on (aware, UTC)."""

    def __init__(self, message: str, until: datetime):
        super().__init__(message)
        self.until = until


class KeyRefused(HistoryError):
    """The key is not (or no longer) one that the API knows; nothing can be asked with it."""


class OutOfReach(HistoryError):
    """The day lies before the window of the key, which begins on `earliest`: later days can be had."""

    def __init__(self, message: str, earliest: date):
        super().__init__(message)
        self.earliest = earliest


class NoSuchEntity(HistoryError, http.NoSuchEntity):
    """The API does not know the id (404)."""


class MalformedAnswer(HistoryError, http.MalformedAnswer):
    """An answer that is not JSON, or not of what was asked for. It is never a day without events."""


@dataclass(frozen=True)
class DayAnswer:
    """An answer about days, as it came and already looked at: it is of the days and the entity that were asked for."""

    raw: bytes
    degraded: bool  # still, after it was asked for again: some states at the beginning of the range may lack parts


class HistoryApi:
    """The questions to the History API; use one object for a run. HistoryError, or a subclass, where no answer came.

    `sleep` is called with seconds wherever one waits; what it raises ends the question. Not to be called inside a
    transaction: every question waits for its turn.
    """

    def __init__(self, sleep: Callable[[float], object] = time.sleep):
        self.degraded_wait_seconds = DEGRADED_WAIT_SECONDS
        self._sleep = sleep
        self._url = settings.THEMEPARKS_API_URL.rstrip("/")
        self._key = settings.THEMEPARKS_API_KEY
        if not re.fullmatch(r"[!-~]*", self._key):  # requests would name it in an error
            raise KeyRefused("THEMEPARKS_API_KEY holds a character that no key has; copy it anew")
        self._asked_by = hashlib.sha256(self._key.encode()).hexdigest()[:16] if self._key else ""
        self._session = requests.Session()
        self._session.headers["User-Agent"] = settings.USER_AGENT
        self._session.headers["Accept"] = "application/json"

    def __repr__(self) -> str:
        return f"<HistoryApi {self._url} {'with' if self._key else 'without'} a key>"

    @property
    def has_key(self) -> bool:
        """Whether it is asked with a key."""
        return bool(self._key)

    def me(self) -> Plan:
        """What the key may ask. It costs none of the budget.

        Without a key nothing is asked: the last 7 days, today included, and 60 requests an hour. Where the API does
        not know /me, the plan is unknown and `earliest` None: OutOfReach of the first question says it.
        """
        now = datetime.now(UTC)
        if not self._key:
            return Plan.without_key(now)
        try:
            return Plan.of(self._object("/me"), now)
        except NoSuchEntity:
            return Plan("unknown", None)
        except ValueError as error:
            raise MalformedAnswer(f"{self._url}/me: {error}") from error

    def destinations(self) -> list[dict]:
        """Every destination: id, name, parks [{id, name}]. It costs none of the budget."""
        found = self._object("/destinations").get("destinations")
        if not isinstance(found, list):
            raise MalformedAnswer(f"{self._url}/destinations: the answer has no list 'destinations'")
        return found

    def coverage(self, entity_id: str) -> dict:
        """What is recorded of an entity or a park, as it came, of the id asked for. ParkCoverage.of reads it."""
        path = f"/entity/{entity_id}/history/coverage"
        answer = self._object(path, budget=True)
        self._check_id(path, answer.get("id"), entity_id)
        return answer

    def park_coverage(self, park_id: str) -> ParkCoverage:
        """The same of a park, read."""
        answer = self.coverage(park_id)
        try:
            return ParkCoverage.of(answer)
        except ValueError as error:
            raise MalformedAnswer(f"{self._url}/entity/{park_id}/history/coverage: {error}") from error

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
            answer = self._object(path, {"from": begin.isoformat(), "to": last.isoformat()}, budget=True)
            self._check_id(path, answer.get("id"), entity_id)
            for entity in answer["entities"] if isinstance(answer.get("entities"), list) else [answer]:
                rows += self._daily_rows(path, entity)
            end = day_of((answer.get("range") or {}).get("to")) if isinstance(answer.get("range"), dict) else None
            if end is None or end < begin:
                raise MalformedAnswer(f"{self._url}{path}: the answer does not say which days it is of")
            following = answer.get("next")
            if following is None or end >= last:
                return rows
            self._check_host(path, following)
            begin = end + ONE_DAY

    def _daily_rows(self, path: str, entity: Any) -> list[dict]:
        days = entity.get("days") if isinstance(entity, dict) else None
        if not isinstance(days, list) or not all(isinstance(row, dict) for row in days):
            raise MalformedAnswer(f"{self._url}{path}: the answer has no list 'days' of an entity")
        whose = {"entityId": entity.get("id"), "name": entity.get("name"), "entityType": entity.get("entityType")}
        return [whose | row for row in days]

    def _days(self, path: str, asked: dict, entity_id: str, first: date, last: date, *, of_park: bool) -> DayAnswer:
        for attempt in range(DEGRADED_ATTEMPTS):
            if attempt:
                self._sleep(self.degraded_wait_seconds)
            raw = self._get(path, asked, budget=True)
            try:
                answer = HistoryAnswer(raw)
            except UnreadableFile as error:
                raise MalformedAnswer(f"{self._url}{path}: {len(raw):,} bytes: {error}") from error
            self._check_id(path, answer.envelope.get("id"), entity_id)
            if answer.of_park is not of_park:
                raise MalformedAnswer(f"{self._url}{path}: the answer is {'not ' if of_park else ''}that of a park")
            if answer.days != (first.isoformat(), last.isoformat()):
                raise MalformedAnswer(
                    f"{self._url}{path}: {first} to {last} was asked for, and the answer is of {answer.days}"
                )
            if not (degraded := answer.degraded):
                break
        return DayAnswer(raw, degraded)

    def _check_id(self, path: str, found: Any, entity_id: str) -> None:
        if uuid_of(found) is None or uuid_of(found) != uuid_of(entity_id):
            raise MalformedAnswer(f"{self._url}{path}: the answer is of another entity ({found!r:.60})")

    def _check_host(self, path: str, link: Any) -> None:
        """No link is followed; one that leads elsewhere says that this is not the API."""
        if not isinstance(link, str) or urlsplit(link).netloc not in ("", urlsplit(self._url).netloc):
            raise MalformedAnswer(f"{self._url}{path}: its next page is on another host; it was not asked for")

    # --- asking -------------------------------------------------------------------------------------------------------
    def _object(self, path: str, asked: dict | None = None, *, budget: bool = False) -> dict:
        body = self._get(path, asked, budget=budget)
        try:
            answer = decode_json(body)
        except ValueError as error:
            raise MalformedAnswer(f"{self._url}{path}: {len(body):,} bytes that are no JSON ({error})") from error
        if not isinstance(answer, dict):
            raise MalformedAnswer(f"{self._url}{path}: an object was asked for, and the answer is none")
        return answer

    def _get(self, path: str, asked: dict | None = None, *, budget: bool = False) -> bytes:
        url = requests.Request("GET", self._url + path, params=asked).prepare().url or ""
        try:
            for attempt in attempts():
                with attempt:
                    return self._fetch(url, budget)
            raise AssertionError("stamina ended without an answer and without an error")
        except Refused as error:
            raise self._explain(error) from error
        except HistoryError:
            raise
        except http.ApiError as error:
            raise MalformedAnswer(str(error)) from error
        except (OSError, HTTPError) as error:  # every error of requests is an OSError
            raise ApiBusy(f"{url}: {error}; given up after {ATTEMPTS} attempts", _in(BUSY_SECONDS)) from error

    def _fetch(self, url: str, budget: bool) -> bytes:
        self._wait_for_turn(url, budget)
        with self._session.get(
            url,
            headers={"X-API-Key": self._key} if self._key else {},
            stream=True,
            allow_redirects=False,  # requests would send the key wherever a redirect leads
            timeout=(CONNECT_TIMEOUT_SECONDS, READ_TIMEOUT_SECONDS),
        ) as response:
            body = read_body(response, ANSWER_TIMEOUT_SECONDS)
        refused = None if response.status_code == 200 else Refused(response, body)
        self._keep_budget(response.headers, refused)
        if refused is None:
            return body
        wait = refused.retry_after_seconds
        if refused.of_history_alone:
            self._wait_for_budget(url)
        elif refused.status == 429:
            http.hold_everybody(refused)
        elif refused.status == 503 and wait is not None:
            if wait > PACE_WAIT_MAX_SECONDS:
                raise ApiBusy(f"{self._without_key(refused.explained)}; ask again in {wait:.0f} s", _in(wait))
            self._sleep(wait)
        raise refused

    def _wait_for_turn(self, url: str, budget: bool) -> None:
        if budget:
            self._wait_for_budget(url)
        try:
            wait = ApiPace.reserve(
                settings.THEMEPARKS_API_URL, settings.THEMEPARKS_REQUESTS_PER_MINUTE, PACE_WAIT_MAX_SECONDS
            )
        except TooLongToWait as error:
            raise ApiBusy(f"{url} was not asked: {error}", _in(error.seconds)) from error
        if wait:
            self._sleep(wait)

    def _wait_for_budget(self, url: str) -> None:
        spent = ApiPace.spent_until(budget_of(settings.THEMEPARKS_API_URL), self._asked_by)
        if spent is None:
            return
        until, seconds = spent
        if seconds > BUDGET_WAIT_MAX_SECONDS:
            whose = "of this key" if self._key else "that are free without a key"
            raise BudgetSpent(f"{url}: the history requests {whose} are used up until {until:%H:%M:%S}Z", until)
        self._sleep(seconds)

    def _keep_budget(self, headers: Any, refused: Refused | None) -> None:
        """What an answer says of the budget; one that lay in a cache says somebody else's, and silence says nothing."""
        remaining = count_of(headers.get("RateLimit-History-Remaining"))
        reset = count_of(headers.get("RateLimit-History-Reset"))
        if refused is not None and refused.of_history_alone:
            remaining = 0
            told = [refused.retry_after_seconds, count_of(refused.error.get("retryAfter")), reset, SPENT_SECONDS]
            reset = round(next(seconds for seconds in told if seconds))
        elif count_of(headers.get("Age", "0")) != 0:
            return
        if remaining is not None and reset is not None and reset <= http.WAIT_MAX_SECONDS:
            api = budget_of(settings.THEMEPARKS_API_URL)
            ApiPace.told(api, self._asked_by, min(remaining, 2**31 - 1), reset)

    def _explain(self, refused: Refused) -> HistoryError:
        message = self._without_key(refused.explained)
        if refused.status == 401:
            what = "check THEMEPARKS_API_KEY: it is mistyped or was revoked" if self._key else "set THEMEPARKS_API_KEY"
            return KeyRefused(f"{message}; {what}")
        if refused.status == 403 and refused.kind == "HISTORY_WINDOW_EXCEEDED":
            earliest = day_of(refused.error.get("earliestAllowedDate"))
            if earliest is None:
                return MalformedAnswer(f"{message}; it does not say which day is the first")
            return OutOfReach(f"{message}; from {earliest} on it can be had", earliest)
        if refused.status == 404:
            return NoSuchEntity(message)
        if refused.status in PASSING_STATUS:
            seconds = max(refused.retry_after_seconds or 0, BUSY_SECONDS)
            return ApiBusy(f"{message}; given up after {ATTEMPTS} attempts", _in(seconds))
        if 300 <= refused.status < 400:
            return HistoryError(f"{message}; redirects are not followed: THEMEPARKS_API_URL must name the API itself")
        return HistoryError(f"{message}; this is a fault of the request, asking again does not help")

    def _without_key(self, message: str) -> str:
        return message.replace(self._key, "(the key)") if self._key else message


def _in(seconds: float) -> datetime:
    return datetime.now(UTC) + timedelta(seconds=seconds)
