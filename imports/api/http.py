"""What both clients of the API share: how an answer is read, what a refusal says, and whom it holds.

One question has one deadline, whatever it meets on its way: names, connections, headers, bodies, redirects, tries. An
answer has one of its own, and a size (warehouse.wire.bounds). Redirects are followed within the host. A 429 whose
`error` is a text concerns every request of this address and goes into the shared pace; one of HISTORY_RATE_LIMITED
concerns the history of one account, and never holds the rest.
"""

import logging
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import SplitResult, urljoin, urlsplit

import requests
import stamina
from django.conf import settings
from urllib3.exceptions import InvalidHeader
from urllib3.util import Retry

from imports.api.pace import ApiPace
from imports.events.json_text import decode_json
from imports.events.load_format import text_of
from warehouse.outside import shown
from warehouse.wire.bounds import TooSlow
from warehouse.wire.sessions import BoundSession, redirect_of

CONNECT_TIMEOUT_SECONDS = 10
CHUNK_BYTES = 1 << 16
ANSWER_MAX_BYTES = 16 * 1024 * 1024  # the largest known has some 600 KB; as JSON of nothing but {} these take 400 MB
REDIRECTS_MAX = 3
ATTEMPTS = 3
WAIT_AFTER_429_SECONDS = 30.0  # when it says no Retry-After
WAIT_MAX_SECONDS = 24 * 3600.0  # whatever it says: the longest known is an hour; a hold can be lifted before
SAID_MAX = 300  # characters of what an answer says of itself
PASSING_STATUS = {429, 500, 502, 503, 504}
PASSING_ERRORS = (
    requests.ConnectionError,
    requests.Timeout,
    requests.exceptions.ChunkedEncodingError,  # a body that ends before its end
    TimeoutError,
    TooSlow,
)
HISTORY_RATE_LIMITED = "HISTORY_RATE_LIMITED"

logger = logging.getLogger(__name__)


class ApiError(Exception):
    """No usable answer; the message says which request, what came back and what to do."""


class NoSuchEntity(ApiError):
    """The API does not know the id (404)."""


class MalformedAnswer(ApiError):
    """An answer that is not JSON or lacks the part that was asked for."""


class ApiUnavailable(ApiError):
    """No further request makes sense in this run: the API is not reached, or asked to be left alone."""


class ApiHeld(ApiUnavailable):
    """No request may be sent for longer than a run waits: the API said so."""


class Refused(Exception):
    """An answer of another status than 200; `error` is what its JSON has under that key, None where it has none."""

    def __init__(self, response: requests.Response, body: bytes):
        super().__init__(f"{response.url}: the API answers {response.status_code}")
        self.status = response.status_code
        self.headers = response.headers
        self.retry_after_seconds = _retry_after_seconds(response)
        try:
            answer = decode_json(body)
        except ValueError:
            answer = None
        self.error: Any = answer.get("error") if isinstance(answer, dict) else None
        self.kind = text_of(self.error.get("type")) if isinstance(self.error, dict) else ""
        self.said = shown(self._said(answer) or body[:100].decode(errors="replace").strip(), SAID_MAX)

    def _said(self, answer: Any) -> str:
        if isinstance(self.error, dict):
            return text_of(self.error.get("message"))
        if not isinstance(answer, dict):
            return ""
        return text_of(answer.get("message")) or text_of(self.error)

    @property
    def of_history_alone(self) -> bool:
        """Whether it is the history budget of an account that is spent, which holds nothing else."""
        return self.status == 429 and self.kind == HISTORY_RATE_LIMITED

    @property
    def explained(self) -> str:
        """The request, the status and the API's own words, in one line."""
        return f"{self}: {self.said}" if self.said else str(self)


def attempts() -> Iterable[stamina.Attempt]:
    """ATTEMPTS for what passes by itself, as stamina counts them."""
    return stamina.retry_context(on=_will_pass, attempts=ATTEMPTS, timeout=None, wait_initial=0.5, wait_max=10)


def _will_pass(error: Exception) -> bool:
    passing = isinstance(error, PASSING_ERRORS) or (isinstance(error, Refused) and error.status in PASSING_STATUS)
    if passing:
        logger.warning("%s", error)
    return passing


def get(
    session: BoundSession, url: str, timeout: tuple[float, float], headers: Mapping[str, str] | None = None
) -> requests.Response:
    """The response to a GET, its body still to be read, after at most REDIRECTS_MAX redirects within the host.

    ApiError: it leads elsewhere, or on and on. No byte of a redirect's own body is read.
    """
    for _ in range(REDIRECTS_MAX + 1):
        response = session.get(url, headers=headers, stream=True, timeout=timeout)
        target = redirect_of(response)
        if target is None:
            return response
        response.close()
        url = _within_the_host(url, target)
    raise ApiError(f"{url}: more than {REDIRECTS_MAX} redirects are not followed; look at THEMEPARKS_API_URL")


def _within_the_host(url: str, target: str) -> str:
    try:
        led = urljoin(url, target)
        here, there = urlsplit(url), urlsplit(led)
        same = "@" not in there.netloc and here.hostname == there.hostname
        same = same and (_door(here) == _door(there) or (_door(here), _door(there)) == (("http", 80), ("https", 443)))
    except ValueError:  # no address at all
        same = False
    if not same:
        raise ApiError(
            f"{url}: it redirects to {shown(target)}; no redirect to another host is followed: THEMEPARKS_API_URL must "
            "name the API itself"
        )
    return led


def _door(address: SplitResult) -> tuple[str, int | None]:
    return address.scheme, address.port or {"http": 80, "https": 443}.get(address.scheme)


def read_body(response: requests.Response) -> bytes:
    """The body of a response that is streamed, its compression undone. MalformedAnswer: it is too large."""
    body = bytearray()
    for chunk in response.iter_content(CHUNK_BYTES):
        body += chunk
        if len(body) > ANSWER_MAX_BYTES:
            raise MalformedAnswer(f"{response.url}: an answer of more than {ANSWER_MAX_BYTES:,} bytes is not read")
    return bytes(body)


def hold_everybody(refused: Refused) -> None:
    """Retry-After holds for the address, so for every worker of ours: it goes into the shared pace."""
    seconds = refused.retry_after_seconds
    if seconds is None and refused.status == 429:
        seconds = WAIT_AFTER_429_SECONDS
    if seconds and not refused.of_history_alone:
        ApiPace.hold(settings.THEMEPARKS_API_URL, seconds, refused.explained)


def _retry_after_seconds(response: requests.Response) -> float | None:
    try:
        # of its own urllib3 makes six hours of whatever is longer
        seconds = Retry(retry_after_max=int(WAIT_MAX_SECONDS)).get_retry_after(response.raw)
    except InvalidHeader:
        said = shown(response.headers["Retry-After"])
        logger.warning("%s: Retry-After %r is not understood", response.url, said)
        return None
    return None if seconds is None else float(seconds)
