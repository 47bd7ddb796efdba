"""An archive in an S3 bucket, behind the Source interface of imports.sources.source, with a cache on disk if wanted.

Two requests are ever made: ListObjectsV2 and GetObject. Whatever passes by itself (timeouts, lost connections, 429,
500, 503, half a body) is tried again here with growing, jittered pauses; whatever does not (403, no such bucket) is
an ArchiveError that names the setting to look at. Botocore's own retries are off: they end where the body begins,
and half-read and stalled bodies are what long downloads die of. Each answer has a deadline and a size, and all tries at
one have a deadline together (warehouse.wire.bounds): a file may not have much more bytes than were listed.
"""

import functools
import io
import logging
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import Any, TypeVar

import boto3
import botocore.exceptions as s3
import stamina
from botocore import UNSIGNED
from botocore.config import Config
from botocore.parsers import ResponseParserError
from django.conf import settings
from urllib3.exceptions import HTTPError, ProtocolError, ReadTimeoutError

from imports.events.dayfile import FILE_MAX_BYTES
from imports.sources.archive_files import ArchiveFiles
from imports.sources.bucket_listing import pages, size_of
from imports.sources.downloads import Downloads
from imports.sources.layout import Found, sort_out, window
from imports.sources.source import ArchiveError, DayFile, FileUnreadable, FileVanished, Listing, tell_trouble
from warehouse.ids import uuid_of
from warehouse.outside import shown
from warehouse.wire.bounds import OutOfBounds, TooLarge, TooSlow, within
from warehouse.wire.sockets import bind_boto3

CONNECT_TIMEOUT_SECONDS = 10
ATTEMPTS = 6
GIVE_UP_SECONDS = 300  # for one file or page of a listing, its pauses and attempts together
PAGE_SECONDS = 60.0  # for one page
PAGE_MAX_BYTES = 4 * 1024 * 1024  # 1,000 keys have some 0.3 MB; as XML of nothing but <a/> these take 150 MB
HEAD_MAX_BYTES = 1024 * 1024  # of headers, or of what an error says
CHUNK_BYTES = 1 << 16
GROWS_BYTES = 1024 * 1024  # a file of the day that goes on, between its listing and its reading
SLOW_MAX = 3  # files in a row that do not come in time: it is not one file, it is the bucket
SAID_MAX = 300  # characters of what the server, or a library about its answer, says
PARALLEL_READS = 4  # a file of some hundred KB waits for the far end more than for the line
PASSING_STATUS = {429, 500, 502, 503, 504}
PASSING_CODES = {"SlowDown", "InternalError", "RequestTimeout", "ServiceUnavailable"}

logger = logging.getLogger(__name__)
T = TypeVar("T")


PASSING_ERRORS = (
    s3.ConnectionError,  # refused, unreachable, timed out while connecting
    s3.HTTPClientError,  # lost or timed out before the body
    s3.IncompleteReadError,
    ReadTimeoutError,
    ProtocolError,  # lost inside the body
    ResponseParserError,  # half a listing
    TooSlow,
)


def open_bucket(url: str) -> "S3Source":
    """The bucket (and prefix) that s3://bucket[/prefix] names, reached as the ARCHIVE_S3_ settings say."""
    match = re.fullmatch(r"s3://([^/]+)(?:/(.*))?", url)
    if match is None:
        raise ArchiveError(f"{url}: not a bucket; give s3://bucket or s3://bucket/prefix")
    bucket, prefix = match[1], (match[2] or "").strip("/")
    cache = Downloads(Path(settings.ARCHIVE_CACHE_DIR)) if settings.ARCHIVE_CACHE_DIR else None
    return S3Source(bucket, prefix, _client(), cache)


def _client():
    """Safe to use from many threads at once (a boto3 session is not, so none is shared)."""
    config = Config(
        signature_version=UNSIGNED if settings.ARCHIVE_S3_UNSIGNED else None,
        connect_timeout=CONNECT_TIMEOUT_SECONDS,
        read_timeout=settings.ARCHIVE_S3_STALL_TIMEOUT_SECONDS,
        retries={"total_max_attempts": 1},
        user_agent_extra=settings.USER_AGENT,
    )
    try:
        client = boto3.session.Session().client(
            "s3",
            region_name=settings.ARCHIVE_S3_REGION,
            endpoint_url=settings.ARCHIVE_S3_ENDPOINT_URL or None,
            config=config,
        )
    except (ValueError, s3.BotoCoreError) as error:
        raise ArchiveError(
            f"S3 cannot be set up: {error} (ARCHIVE_S3_REGION is {settings.ARCHIVE_S3_REGION!r}, "
            f"ARCHIVE_S3_ENDPOINT_URL is {settings.ARCHIVE_S3_ENDPOINT_URL!r})"
        ) from error
    bind_boto3(client)
    return client


class S3Source(ArchiveFiles):
    """Day files below `prefix` of a bucket. Any thread may call any method."""

    parallel_reads = PARALLEL_READS

    def __init__(self, bucket: str, prefix: str, client, cache: Downloads | None = None):
        self.url = f"s3://{bucket}/{prefix}".rstrip("/")
        self._bucket = bucket
        self._prefix = f"{prefix}/" if prefix else ""
        self._client = client
        self._cache = cache
        self._spellings: dict[str, list[str]] | None = None  # of the UUIDs, as they were listed last
        self._slow = 0  # files in a row

    def list_destinations(self) -> list[str]:
        """See Source."""
        self._spellings = self._destinations()
        if not self._spellings:
            raise ArchiveError(f"{self.url}: no destinations in it; expected <destination-uuid>/YYYY/MM/DD.json.gz")
        return sorted(self._spellings)

    def list_days(self, destination: str, first: date | None, last: date | None, today: date) -> Listing:
        """See Source."""
        if self._spellings is None:
            self._spellings = self._destinations()
        spellings = self._spellings.get(destination, ())
        found = (file for spelling in spellings for file in self._files(spelling, first, last))
        return sort_out(destination, found, first, last, today)

    def read(self, file: DayFile) -> bytes:
        """From the cache if it holds this very version, else from the bucket (and into the cache).

        FileUnreadable: it is larger than it may be, or did not come in time; ArchiveError after SLOW_MAX of these.
        """
        if self._cache is not None:
            kept = self._cache.get(file)
            if kept is not None:
                return kept
        if file.size_bytes is not None and file.size_bytes > FILE_MAX_BYTES:
            raise FileUnreadable(
                f"it is listed with {file.size_bytes:,} bytes; more than {FILE_MAX_BYTES:,} are not read"
            )
        content = self._in_time(file)
        if self._cache is not None:
            self._cache.put(file, content)
        return content

    def _destinations(self) -> dict[str, list[str]]:
        """The folders that are called by a UUID, by the UUID in lower case."""
        spellings: dict[str, list[str]] = {}
        for page in self._pages(self.url, Delimiter="/", Prefix=self._prefix):
            for folder in page.get("CommonPrefixes", ()):
                name = folder["Prefix"].removeprefix(self._prefix).removesuffix("/")
                if (uuid := uuid_of(name)) is not None:
                    spellings.setdefault(uuid, []).append(name)
        return spellings

    def _files(self, spelling: str, first: date | None, last: date | None) -> Iterator[Found]:
        """Keys come sorted: listing begins at the first year of the range and ends past the last."""
        top = f"{self._prefix}{spelling}/"
        low, high = window(first, last)
        after = {"StartAfter": f"{top}{low}"} if low else {}
        for page in self._pages(f"{self.url}/{spelling}", Prefix=top, **after):
            for listed in page.get("Contents", ()):
                if high and listed["Key"] >= f"{top}{high}":
                    return
                if not listed["Key"].endswith("/"):  # what consoles put there to show a folder
                    etag = str(listed.get("ETag") or "").strip('"')
                    yield Found(listed["Key"].removeprefix(self._prefix), size_of(listed), etag)

    def _pages(self, subject: str, **parameters: Any) -> Iterator[dict[str, Any]]:
        def ask(asked: dict[str, Any]) -> dict[str, Any]:
            return self._retrying(functools.partial(self._page, asked), subject)

        return pages(ask, {"Bucket": self._bucket, **parameters}, subject)

    def _page(self, asked: dict[str, Any]) -> dict[str, Any]:
        with within(PAGE_SECONDS, PAGE_MAX_BYTES), _what_botocore_makes_of_nonsense():
            page: dict[str, Any] = self._client.list_objects_v2(**asked)
            if not all("Key" in listed for listed in page.get("Contents", ())):
                raise ResponseParserError("it lists what has no key")
            if not all("Prefix" in listed for listed in page.get("CommonPrefixes", ())):
                raise ResponseParserError("it lists a folder without a name")
            return page

    def _in_time(self, file: DayFile) -> bytes:
        subject = f"{self.url}/{file.place}"
        try:
            content = self._retrying(functools.partial(self._download, file), subject)
        except _FileTooSlow as error:
            self._slow += 1
            said = f"{error} (ARCHIVE_S3_FILE_TIMEOUT_SECONDS)"
            if self._slow >= SLOW_MAX:
                raise ArchiveError(f"{said}; {SLOW_MAX} files in a row did not come in time") from error
            raise FileUnreadable(said) from error
        self._slow = 0
        return content

    def _download(self, file: DayFile) -> bytes:
        most = _most_bytes(file.size_bytes)
        try:
            with within(settings.ARCHIVE_S3_FILE_TIMEOUT_SECONDS, most + HEAD_MAX_BYTES):
                return self._body(file, most)
        except TooLarge as error:
            raise FileUnreadable(_too_large(file, f"comes in more than {most:,} bytes")) from error

    def _body(self, file: DayFile, most: int) -> bytes:
        with _what_botocore_makes_of_nonsense():
            response = self._client.get_object(Bucket=self._bucket, Key=self._prefix + file.place)
        promised = response.get("ContentLength", file.size_bytes)
        content = io.BytesIO()  # whose value is no second copy
        with response["Body"] as stream:
            if promised is not None and promised > most:
                raise FileUnreadable(_too_large(file, f"comes with {promised:,} bytes"))
            while chunk := stream.read1(CHUNK_BYTES):
                content.write(chunk)
                if content.tell() > most:
                    raise FileUnreadable(_too_large(file, f"has more than {most:,} bytes"))
        if promised is not None and content.tell() != promised:
            raise s3.IncompleteReadError(actual_bytes=content.tell(), expected_bytes=promised)
        return content.getvalue()

    def _retrying(self, request: Callable[[], T], subject: str) -> T:
        def tell_and_decide(error: Exception) -> bool:
            if passing := _will_pass(error):
                said = f"{subject}: {shown(error, SAID_MAX)}"
                logger.warning("%s", said)
                tell_trouble(said)
            return passing

        tries = stamina.retry_context(
            on=tell_and_decide, attempts=ATTEMPTS, timeout=GIVE_UP_SECONDS, wait_initial=0.5, wait_max=20
        )
        try:
            with within(GIVE_UP_SECONDS, sleeps_count=True):
                for attempt in tries:
                    with attempt:
                        return request()
            raise AssertionError("the last attempt raises")
        except s3.ClientError as error:
            raise self._explain(error, subject) from error
        except s3.NoCredentialsError as error:
            raise ArchiveError(
                f"{subject}: no AWS credentials found; set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or "
                "ARCHIVE_S3_UNSIGNED=true for a public bucket"
            ) from error
        except (s3.BotoCoreError, OutOfBounds, HTTPError, *PASSING_ERRORS) as error:
            given_up = f"; given up after {ATTEMPTS} attempts or {GIVE_UP_SECONDS} s" if _will_pass(error) else ""
            kind = _FileTooSlow if isinstance(error, TooSlow) else ArchiveError
            raise kind(f"{subject}: {shown(error, SAID_MAX)}{given_up}") from error

    def _explain(self, error: s3.ClientError, subject: str) -> ArchiveError:
        code, status = shown(error.response["Error"].get("Code", ""), 50), _status_of(error)
        message = shown(error.response["Error"].get("Message", ""), SAID_MAX)
        if code == "NoSuchBucket":
            return ArchiveError(f"s3://{self._bucket}: no such bucket; look at --source or ARCHIVE_URL")
        if code == "NoSuchKey":
            return FileVanished(f"{subject}: gone since it was listed")
        if status == 403:
            how = "unsigned, as a public bucket" if settings.ARCHIVE_S3_UNSIGNED else "signed with your credentials"
            return ArchiveError(
                f"{subject}: access denied (403 {code}: {message}). It was asked {how}; look at ARCHIVE_S3_UNSIGNED "
                "and at what the bucket allows"
            )
        if status in (301, 307, 400) and (region := error.response["Error"].get("Region") or _region_of(error)):
            return ArchiveError(f"{subject}: the bucket lies elsewhere; set ARCHIVE_S3_REGION={shown(region, 50)}")
        return ArchiveError(f"{subject}: the server answers {status} {code}: {message}")


@contextmanager
def _what_botocore_makes_of_nonsense() -> Iterator[None]:
    """Sizes that are no numbers, times that are none and what else is no answer end in whatever they end in."""
    try:
        yield
    except (ValueError, TypeError, LookupError, AttributeError, ArithmeticError, RuntimeError) as error:
        raise ResponseParserError(f"its answer cannot be read ({type(error).__name__}: {error})") from error


class _FileTooSlow(FileUnreadable):
    """Of a page of a listing it is an ArchiveError like others."""


def _most_bytes(listed: int | None) -> int:
    """How many bytes a file may have: it may have grown since it was listed, and no more than doubled."""
    return FILE_MAX_BYTES if listed is None else min(FILE_MAX_BYTES, max(2 * listed, listed + GROWS_BYTES))


def _too_large(file: DayFile, what: str) -> str:
    listed = f"{file.size_bytes:,} were listed" if file.size_bytes is not None else f"{FILE_MAX_BYTES:,} may be"
    return f"it {what}, and {listed}: it is not read; if it has grown, import it again"


def _will_pass(error: Exception) -> bool:
    """Whether the same request may succeed a moment later."""
    if isinstance(error, s3.ClientError):
        return _status_of(error) in PASSING_STATUS or error.response["Error"].get("Code") in PASSING_CODES
    return isinstance(error, PASSING_ERRORS)


def _status_of(error: s3.ClientError) -> int:
    return error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)


def _region_of(error: s3.ClientError) -> str:
    return error.response.get("ResponseMetadata", {}).get("HTTPHeaders", {}).get("x-amz-bucket-region", "")
