"""Asking the History API once: its key, its pace, its budget, and what each refusal means.

The key goes into one header of requests to THEMEPARKS_API_URL and nowhere else; no redirect is followed. Every request
keeps the pace that all share (imports.api.pace); an hour's budget that is spent holds history alone, and is never slept
through: the caller stops, and says until when.
"""

import hashlib
import math
import re
import time
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, timedelta

import requests
from django.conf import settings
from urllib3.exceptions import HTTPError

from imports.api import http
from imports.api.http import (
    ANSWER_MAX_BYTES,
    ATTEMPTS,
    CONNECT_TIMEOUT_SECONDS,
    PASSING_STATUS,
    SAID_MAX,
    Refused,
    attempts,
    read_body,
)
from imports.api.pace import ApiPace, TooLongToWait, budget_of
from imports.api.reach import count_of, day_of
from imports.events.json_text import decode_json
from warehouse.outside import shown
from warehouse.wire.bounds import OutOfBounds, TooLarge, current, within
from warehouse.wire.sessions import bound_session

READ_TIMEOUT_SECONDS = 60  # without a byte: a day of a large park is put together while one waits
ANSWER_TIMEOUT_SECONDS = 120  # for a whole answer; a day of a large park has some 4 MB
QUESTION_SECONDS = 200  # for all tries at one; what is waited for a turn or by Retry-After counts for neither
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


class NoAnswer(ApiBusy):
    """None came to this question, or none in time; another one may be answered."""


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


class Asking:
    """Requests to the History API, one at a time. HistoryError, or a subclass, where no answer came.

    `sleep` is called with seconds wherever one waits; what it raises ends the question. Not to be called inside a
    transaction: every question waits for its turn.
    """

    def __init__(self, sleep: Callable[[float], object] = time.sleep):
        self._sleep = sleep
        self.url = settings.THEMEPARKS_API_URL.rstrip("/")
        self._key = settings.THEMEPARKS_API_KEY
        if not re.fullmatch(r"[!-~]*", self._key):  # requests would name it in an error
            raise KeyRefused("THEMEPARKS_API_KEY holds a character that no key has; copy it anew")
        self._asked_by = hashlib.sha256(self._key.encode()).hexdigest()[:16] if self._key else ""
        self._session = bound_session()
        self._session.headers["User-Agent"] = settings.USER_AGENT
        self._session.headers["Accept"] = "application/json"

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.url} {'with' if self._key else 'without'} a key>"

    def sleep(self, seconds: float) -> None:
        """Wait by our own choice, which is not the answer's time."""
        self._sleep(seconds)
        bounds = current()
        if bounds is not None:
            bounds.waited(seconds)

    @property
    def has_key(self) -> bool:
        """Whether it is asked with a key."""
        return bool(self._key)

    def json(self, path: str, asked: dict | None = None, *, budget: bool = False) -> dict:
        """The JSON object that the API answers to a GET of `path` with the parameters `asked`; see `raw`."""
        body = self.raw(path, asked, budget=budget)
        try:
            answer = decode_json(body)
        except ValueError as error:
            raise MalformedAnswer(f"{self.url}{path}: {len(body):,} bytes that are no JSON ({shown(error)})") from error
        if not isinstance(answer, dict):
            raise MalformedAnswer(f"{self.url}{path}: an object was asked for, and the answer is none")
        return answer

    def raw(self, path: str, asked: dict | None = None, *, budget: bool = False) -> bytes:
        """The body of the answer as it came, its compression undone. `budget`: the question costs one of the hour's."""
        url = requests.Request("GET", self.url + path, params=asked).prepare().url or ""
        try:
            with within(QUESTION_SECONDS):
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
        except TooLarge as error:
            raise MalformedAnswer(f"{url}: {error}") from error
        except (OSError, HTTPError, OutOfBounds) as error:  # every error of requests is an OSError
            said = shown(error, SAID_MAX)
            raise NoAnswer(f"{url}: {said}; given up after {ATTEMPTS} attempts", _in(BUSY_SECONDS)) from error

    def _fetch(self, url: str, budget: bool) -> bytes:
        self._wait_for_turn(url, budget)
        with (
            within(ANSWER_TIMEOUT_SECONDS, ANSWER_MAX_BYTES),
            self._session.get(
                url,
                headers={"X-API-Key": self._key} if self._key else {},
                stream=True,
                allow_redirects=False,  # as the session holds it: the key goes nowhere else
                timeout=(CONNECT_TIMEOUT_SECONDS, READ_TIMEOUT_SECONDS),
            ) as response,
        ):
            body = read_body(response)
        refused = None if response.status_code == 200 else Refused(response, body)
        self._keep_budget(response.headers, refused)
        if refused is None:
            return body
        wait = refused.retry_after_seconds
        if refused.of_history_alone:
            self._wait_for_budget()
        elif refused.status == 429:
            http.hold_everybody(refused)
        elif refused.status == 503 and wait is not None:
            if wait > PACE_WAIT_MAX_SECONDS:
                raise ApiBusy(f"{self._without_key(refused.explained)}; ask again in {wait:.0f} s", _in(wait))
            self.sleep(wait)
        raise refused

    def _wait_for_turn(self, url: str, budget: bool) -> None:
        if budget:
            self._wait_for_budget()
        try:
            wait = ApiPace.reserve(
                settings.THEMEPARKS_API_URL, settings.THEMEPARKS_REQUESTS_PER_MINUTE, PACE_WAIT_MAX_SECONDS
            )
        except TooLongToWait as error:
            raise ApiBusy(f"{url} was not asked: {error}", _in(error.seconds)) from error
        if wait:
            self.sleep(wait)

    def _wait_for_budget(self) -> None:
        spent = ApiPace.spent_until(budget_of(settings.THEMEPARKS_API_URL), self._asked_by)
        if spent is None:
            return
        until, seconds = spent
        if seconds > BUDGET_WAIT_MAX_SECONDS:
            whose = "of this key" if self._key else "that are free without a key"
            raise BudgetSpent(f"the history requests {whose} are used up", until)
        self.sleep(seconds)

    def _keep_budget(self, headers: Mapping[str, str], refused: Refused | None) -> None:
        """What an answer says of the budget; one that lay in a cache says somebody else's, and silence says nothing."""
        remaining = count_of(headers.get("RateLimit-History-Remaining"))
        reset = count_of(headers.get("RateLimit-History-Reset"))
        if refused is not None and refused.of_history_alone:
            remaining = 0
            told = [refused.retry_after_seconds, count_of(refused.error.get("retryAfter")), reset, SPENT_SECONDS]
            seconds = next(seconds for seconds in told if seconds is not None)
            reset = min(max(math.ceil(seconds), 1), int(http.WAIT_MAX_SECONDS))
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
        if refused.of_history_alone:  # again and again, and each time whole again in a moment
            return BudgetSpent(message, _in(BUDGET_WAIT_MAX_SECONDS))
        if refused.status in PASSING_STATUS or refused.status >= 500:  # 520 to 527 are those of the edge
            seconds = max(refused.retry_after_seconds or 0, BUSY_SECONDS)
            kind = ApiBusy if refused.status in (429, 503) else NoAnswer  # of everything, or perhaps of this alone
            return kind(f"{message}; it was asked in vain, try again later", _in(seconds))
        if 300 <= refused.status < 400:
            return HistoryError(f"{message}; redirects are not followed: THEMEPARKS_API_URL must name the API itself")
        if refused.status == 400:
            return HistoryError(f"{message}; this is a fault of the request, asking again does not help")
        return HistoryError(message)

    def _without_key(self, message: str) -> str:
        return message.replace(self._key, "(the key)") if self._key else message


def _in(seconds: float) -> datetime:
    return datetime.now(UTC) + timedelta(seconds=seconds)
