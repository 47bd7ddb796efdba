"""The ThemeParks.wiki API, asked as a fair user would: destinations, entities, subtrees, live data, schedules, as JSON.

Every process keeps one pace, held in the table api_pace, so that the workers of all hosts together stay below the
documented 300 requests a minute; a 429 makes all of them wait as long as Retry-After says. Answers are kept in a
folder for as long as their Cache-Control says, never less than the 60 s for which the API caches them itself nor more
than an hour, and an ETag is sent back. What an answer means is left to imports.metadata and imports.live.collector.
"""

import os
import re
import time
from datetime import date
from email.utils import formatdate
from typing import Any

import requests
from cachecontrol import CacheControlAdapter, CacheController
from cachecontrol.caches.file_cache import SeparateBodyFileCache
from cachecontrol.heuristics import BaseHeuristic
from django.conf import settings
from urllib3 import HTTPResponse
from urllib3.exceptions import HTTPError

from imports.api.http import (
    ANSWER_MAX_BYTES,
    ATTEMPTS,
    CONNECT_TIMEOUT_SECONDS,
    PASSING_STATUS,
    SAID_MAX,
    ApiError,
    ApiHeld,
    ApiUnavailable,
    MalformedAnswer,
    NoSuchEntity,
    Refused,
    attempts,
    get,
    hold_everybody,
    read_body,
)
from imports.api.pace import ApiPace, TooLongToWait
from imports.events.json_text import decode_json
from warehouse.outside import shown
from warehouse.wire.bounds import OutOfBounds, TooLarge, current, within
from warehouse.wire.sessions import BoundAdapter, bound_session

__all__ = ["ApiError", "ApiHeld", "ApiUnavailable", "MalformedAnswer", "NoSuchEntity", "ThemeParksApi"]

CACHED_AT_LEAST_SECONDS = 60  # how long the API itself keeps an answer: nothing new can be had before
CACHED_AT_MOST_SECONDS = 3600  # whatever it says: what is wrong now is asked for again within the hour
READ_TIMEOUT_SECONDS = 20  # without a byte
ANSWER_TIMEOUT_SECONDS = 30  # for a whole answer, from the name of the server on; the largest known has some 600 KB
QUESTION_SECONDS = 60  # for all tries at one; a turn that is waited for counts for neither
UNREACHED_MAX = 3  # questions in a row without any answer: it is not one destination, it is the API
LONGEST_WAIT_SECONDS = 120.0  # asked to stay away for longer, a run ends rather than sleeps


class ThemeParksApi:
    """The questions to the API; use one object for a run. ApiError, or a subclass, where no usable answer came.

    Not to be called inside a transaction: every question waits for its turn.
    """

    def __init__(self) -> None:
        self._unreached = 0  # questions in a row
        self._url = settings.THEMEPARKS_API_URL.rstrip("/")
        self._session = bound_session(
            _CachingAdapter(
                cache=SeparateBodyFileCache(_cache_folder()),
                heuristic=_KeptAMinuteToAnHour(),
                controller_class=_AnswersAlone,
            )
        )
        self._session.headers["User-Agent"] = settings.USER_AGENT
        self._session.headers["Accept"] = "application/json"

    def destinations(self) -> list[dict]:
        """Every destination: id, name, parks [{id, name}]."""
        return self._list("/destinations", "destinations")

    def entity(self, entity_id: str) -> dict:
        """One entity with its timezone, location and attributes. NoSuchEntity."""
        path = f"/entity/{entity_id}"
        answer = self._get(path)
        if not isinstance(answer, dict) or "id" not in answer:
            raise MalformedAnswer(f"{self._url}{path}: an entity was asked for, and the answer has no id")
        return answer

    def children(self, entity_id: str) -> list[dict]:
        """The whole subtree below a destination or park. NoSuchEntity."""
        return self._list(f"/entity/{entity_id}/children", "children")

    def live(self, entity_id: str) -> list[dict]:
        """What is known right now of everything below a destination or park. NoSuchEntity."""
        return self._list(f"/entity/{entity_id}/live", "liveData")

    def schedule(self, entity_id: str, month: date | None = None) -> list[dict]:
        """The hours of a park on the coming days (some 30), or of the calendar month in which `month` lies, which may
        be over. NoSuchEntity."""
        of_month = f"/{month:%Y/%m}" if month else ""  # two digits: one is refused (400)
        return self._list(f"/entity/{entity_id}/schedule{of_month}", "schedule")

    def _list(self, path: str, key: str) -> list[dict]:
        answer = self._get(path)
        found = answer.get(key) if isinstance(answer, dict) else None
        if not isinstance(found, list):
            raise MalformedAnswer(f"{self._url}{path}: the answer has no list {key!r}")
        return found

    def _get(self, path: str) -> Any:
        url = self._url + path
        try:
            with within(QUESTION_SECONDS):
                for attempt in attempts():
                    with attempt:
                        body = self._fetch(url)
        except Refused as error:
            self._unreached = 0
            raise _explain(error) from error
        except TooLarge as error:
            self._unreached = 0
            raise MalformedAnswer(f"{url}: {error}") from error
        except (OSError, HTTPError, OutOfBounds) as error:  # every error of requests is an OSError
            self._unreached += 1
            away = self._unreached >= UNREACHED_MAX
            kind = ApiUnavailable if away else ApiError
            raise kind(f"{url}: {shown(error, SAID_MAX)}; given up after {ATTEMPTS} attempts") from error
        self._unreached = 0
        try:
            return decode_json(body)
        except ValueError as error:
            raise MalformedAnswer(f"{url}: {len(body):,} bytes that are no JSON ({shown(error)})") from error

    def _fetch(self, url: str) -> bytes:
        with (
            within(ANSWER_TIMEOUT_SECONDS, ANSWER_MAX_BYTES),
            get(self._session, url, (CONNECT_TIMEOUT_SECONDS, READ_TIMEOUT_SECONDS)) as response,
        ):
            body = read_body(response)
        if response.status_code == 200:
            return body
        refused = Refused(response, body)
        if refused.status in (429, 503):
            hold_everybody(refused)
        raise refused


def _cache_folder() -> str:
    folder = settings.THEMEPARKS_CACHE_DIR
    try:
        os.makedirs(folder, exist_ok=True)
    except OSError as error:
        raise ApiError(f"THEMEPARKS_CACHE_DIR {folder}: {error.strerror}; it must be writable") from error
    if not os.access(folder, os.W_OK | os.X_OK):
        raise ApiError(f"THEMEPARKS_CACHE_DIR {folder}: it must be writable")
    return str(folder)


def _explain(error: Refused) -> ApiError:
    if error.status == 404:
        return NoSuchEntity(error.explained)
    given_up = f"; given up after {ATTEMPTS} attempts" if error.status in PASSING_STATUS else ""
    return ApiError(error.explained + given_up)


class _PacedAdapter(BoundAdapter):
    """Sends a request when it is its turn."""

    def send(self, request: requests.PreparedRequest, *args: Any, **kwargs: Any) -> requests.Response:
        bounds = current()
        if bounds is not None:
            bounds.timeout(None)  # no turn is taken for a question that is given up
        try:
            wait = ApiPace.reserve(
                settings.THEMEPARKS_API_URL, settings.THEMEPARKS_REQUESTS_PER_MINUTE, LONGEST_WAIT_SECONDS
            )
        except TooLongToWait as error:
            raise ApiHeld(f"{request.url} was not asked: {error}") from error
        time.sleep(wait)
        if bounds is not None:
            bounds.waited(wait)
        return super().send(request, *args, **kwargs)


class _CachingAdapter(CacheControlAdapter, _PacedAdapter):
    """Looks in the cache first; only what it does not find waits for a turn and is sent."""


class _AnswersAlone(CacheController):
    """Keeps answers and no redirects: it would keep a permanent one for ever."""

    def __init__(self, *args: Any, **kwargs: Any):
        super().__init__(*args, **{**kwargs, "status_codes": (200,)})


class _KeptAMinuteToAnHour(BaseHeuristic):
    """Cache-Control is respected in between. `date` is ours: no difference of clocks makes a kept answer old."""

    def update_headers(self, response: HTTPResponse) -> dict[str, str]:
        if response.status not in (200, 304):
            return {}
        asked = re.search(r"\bmax-age=(\d{1,9})", response.headers.get("cache-control", ""))
        seconds = min(max(int(asked[1]) if asked else 0, CACHED_AT_LEAST_SECONDS), CACHED_AT_MOST_SECONDS)
        return {"date": formatdate(usegmt=True), "cache-control": f"max-age={seconds}"}

    def warning(self, response: HTTPResponse) -> None:
        return None
