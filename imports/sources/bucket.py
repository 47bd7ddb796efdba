"""An archive in an S3 bucket, behind the Source interface of imports.sources.source, with a cache on disk if wanted.

Two requests are ever made: ListObjectsV2 and GetObject. Whatever passes by itself (timeouts, lost connections, 429,
500, 503, half a body) is tried again here with growing, jittered pauses; whatever does not (403, no such bucket) is
an ArchiveError that names the setting to look at. Botocore's own retries are off: they end where the body begins,
and half-read and stalled bodies are what long downloads die of.
"""

import functools
import hashlib
import logging
import re
import tempfile
import time
from collections.abc import Callable, Iterator
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
from urllib3.exceptions import ProtocolError, ReadTimeoutError

from imports.sources.archive_files import ArchiveFiles
from imports.sources.layout import Found, sort_out, window
from imports.sources.source import ArchiveError, DayFile, FileVanished, Listing, tell_trouble
from warehouse.ids import uuid_of

CONNECT_TIMEOUT_SECONDS = 10
ATTEMPTS = 6
GIVE_UP_SECONDS = 300  # for one file or listing, its pauses and attempts together
CHUNK_BYTES = 1 << 16
PARALLEL_READS = 4  # a file of some hundred KB waits for the far end more than for the line
PASSING_STATUS = {429, 500, 502, 503, 504}
PASSING_CODES = {"SlowDown", "InternalError", "RequestTimeout", "ServiceUnavailable"}
MD5_ETAG = re.compile(r"[0-9a-f]{32}")  # the ETag of an object sent in parts is none: it ends in -<parts>

logger = logging.getLogger(__name__)
T = TypeVar("T")


class DownloadTooSlow(Exception):
    """A body that trickles past ARCHIVE_S3_FILE_TIMEOUT_SECONDS without ever falling silent."""


PASSING_ERRORS = (
    s3.ConnectionError,  # refused, unreachable, timed out while connecting
    s3.HTTPClientError,  # lost or timed out before the body
    s3.IncompleteReadError,
    ReadTimeoutError,
    ProtocolError,  # lost inside the body
    ResponseParserError,  # half a listing
    DownloadTooSlow,
)


def open_bucket(url: str) -> "S3Source":
    """The bucket (and prefix) that s3://bucket[/prefix] names, reached as the ARCHIVE_S3_ settings say."""
    match = re.fullmatch(r"s3://([^/]+)(?:/(.*))?", url)
    if match is None:
        raise ArchiveError(f"{url}: not a bucket; give s3://bucket or s3://bucket/prefix")
    bucket, prefix = match[1], (match[2] or "").strip("/")
    cache = _FolderCache(Path(settings.ARCHIVE_CACHE_DIR)) if settings.ARCHIVE_CACHE_DIR else None
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
        return boto3.session.Session().client(
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


class S3Source(ArchiveFiles):
    """Day files below `prefix` of a bucket. Any thread may call any method."""

    parallel_reads = PARALLEL_READS

    def __init__(self, bucket: str, prefix: str, client, cache: "_FolderCache | None" = None):
        self.url = f"s3://{bucket}/{prefix}".rstrip("/")
        self._bucket = bucket
        self._prefix = f"{prefix}/" if prefix else ""
        self._client = client
        self._cache = cache
        self._spellings: dict[str, list[str]] | None = None  # of the UUIDs, as they were listed last

    def list_destinations(self) -> list[str]:
        """See Source."""
        self._spellings = self._retrying(self._destinations, self.url)
        if not self._spellings:
            raise ArchiveError(f"{self.url}: no destinations in it; expected <destination-uuid>/YYYY/MM/DD.json.gz")
        return sorted(self._spellings)

    def list_days(self, destination: str, first: date | None, last: date | None, today: date) -> Listing:
        """See Source."""
        if self._spellings is None:
            self._spellings = self._retrying(self._destinations, self.url)
        found: list[Found] = []
        for spelling in self._spellings.get(destination, ()):
            found += self._retrying(functools.partial(self._files, spelling, first, last), f"{self.url}/{spelling}")
        return sort_out(destination, found, first, last, today)

    def read(self, file: DayFile) -> bytes:
        """From the cache if it holds this very version, else from the bucket (and into the cache)."""
        if self._cache is not None:
            kept = self._cache.get(file)
            if kept is not None:
                return kept
        content = self._retrying(lambda: self._download(file.place), f"{self.url}/{file.place}")
        if self._cache is not None:
            self._cache.put(file, content)
        return content

    def _destinations(self) -> dict[str, list[str]]:
        """The folders that are called by a UUID, by the UUID in lower case."""
        spellings: dict[str, list[str]] = {}
        for page in self._pages(Delimiter="/", Prefix=self._prefix):
            for folder in page.get("CommonPrefixes", ()):
                name = folder["Prefix"].removeprefix(self._prefix).removesuffix("/")
                if (uuid := uuid_of(name)) is not None:
                    spellings.setdefault(uuid, []).append(name)
        return spellings

    def _files(self, spelling: str, first: date | None, last: date | None) -> list[Found]:
        """Keys come sorted: listing begins at the first year of the range and ends past the last."""
        top = f"{self._prefix}{spelling}/"
        low, high = window(first, last)
        found = []
        for page in self._pages(Prefix=top, **({"StartAfter": f"{top}{low}"} if low else {})):
            for listed in page.get("Contents", ()):
                if high and listed["Key"] >= f"{top}{high}":
                    return found
                if not listed["Key"].endswith("/"):  # what consoles put there to show a folder
                    path = listed["Key"].removeprefix(self._prefix)
                    found.append(Found(path, listed["Size"], listed["ETag"].strip('"')))
        return found

    def _pages(self, **parameters) -> Iterator[dict[str, Any]]:
        return iter(self._client.get_paginator("list_objects_v2").paginate(Bucket=self._bucket, **parameters))

    def _download(self, key: str) -> bytes:
        deadline = time.monotonic() + settings.ARCHIVE_S3_FILE_TIMEOUT_SECONDS
        response = self._client.get_object(Bucket=self._bucket, Key=self._prefix + key)
        content = bytearray()
        with response["Body"] as stream:
            # read1 returns with what has come: read(1024) of a body of 20 bytes a second was seen to sit for 51 s
            while chunk := stream.read1(CHUNK_BYTES):
                content += chunk
                if time.monotonic() > deadline:
                    raise DownloadTooSlow(
                        f"{len(content):,} bytes in {settings.ARCHIVE_S3_FILE_TIMEOUT_SECONDS:g} s, and more to come "
                        "(ARCHIVE_S3_FILE_TIMEOUT_SECONDS)"
                    )
        if len(content) != response["ContentLength"]:
            raise s3.IncompleteReadError(actual_bytes=len(content), expected_bytes=response["ContentLength"])
        return bytes(content)

    def _retrying(self, request: Callable[[], T], subject: str) -> T:
        def tell_and_decide(error: Exception) -> bool:
            if passing := _will_pass(error):
                logger.warning("%s: %s", subject, error)
                tell_trouble(f"{subject}: {error}")
            return passing

        try:
            for attempt in stamina.retry_context(
                on=tell_and_decide, attempts=ATTEMPTS, timeout=GIVE_UP_SECONDS, wait_initial=0.5, wait_max=20
            ):
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
        except (s3.BotoCoreError, *PASSING_ERRORS) as error:
            given_up = f"; given up after {ATTEMPTS} attempts or {GIVE_UP_SECONDS} s" if _will_pass(error) else ""
            raise ArchiveError(f"{subject}: {error}{given_up}") from error

    def _explain(self, error: s3.ClientError, subject: str) -> ArchiveError:
        code, status = error.response["Error"].get("Code", ""), _status_of(error)
        message = error.response["Error"].get("Message", "")
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
            return ArchiveError(f"{subject}: the bucket lies elsewhere; set ARCHIVE_S3_REGION={region}")
        return ArchiveError(f"{subject}: the server answers {status} {code}: {message}")


def _will_pass(error: Exception) -> bool:
    """Whether the same request may succeed a moment later."""
    if isinstance(error, s3.ClientError):
        return _status_of(error) in PASSING_STATUS or error.response["Error"].get("Code") in PASSING_CODES
    return isinstance(error, PASSING_ERRORS)


def _status_of(error: s3.ClientError) -> int:
    return error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)


def _region_of(error: s3.ClientError) -> str:
    return error.response.get("ResponseMetadata", {}).get("HTTPHeaders", {}).get("x-amz-bucket-region", "")


class _FolderCache:
    """Downloads kept in the archive's own layout, so that the folder is itself a source.

    A kept file counts only while it is the version the bucket lists: same size and, where the ETag is the MD5 of
    the content (every object sent in one piece and not encrypted by KMS), same MD5.
    """

    def __init__(self, root: Path):
        self._root = root.expanduser().resolve()
        try:
            self._root.mkdir(parents=True, exist_ok=True)
            tempfile.TemporaryFile(dir=self._root).close()
        except OSError as error:
            raise ArchiveError(f"ARCHIVE_CACHE_DIR {self._root}: {error.strerror}; it must be writable") from error

    def get(self, file: DayFile) -> bytes | None:
        try:
            content = (self._root / file.key).read_bytes()
        except FileNotFoundError:
            return None
        except OSError as error:
            logger.warning("cached %s is not readable (%s); it is downloaded again", file.key, error.strerror)
            return None
        if file.size_bytes is not None and len(content) != file.size_bytes:
            return None
        if MD5_ETAG.fullmatch(file.etag) and hashlib.md5(content, usedforsecurity=False).hexdigest() != file.etag:
            return None
        return content

    def put(self, file: DayFile, content: bytes) -> None:
        """Whole or not at all (a rename); a cache that cannot be written costs a warning, never the import."""
        path = self._root / file.key
        part = None
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with tempfile.NamedTemporaryFile(dir=path.parent, prefix=".", suffix=".part", delete=False) as target:
                part = Path(target.name)
                target.write(content)
            part.replace(path)
        except OSError as error:
            logger.warning("%s is not kept in ARCHIVE_CACHE_DIR: %s", file.key, error.strerror)
            if part is not None:
                part.unlink(missing_ok=True)
