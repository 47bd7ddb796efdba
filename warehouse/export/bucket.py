"""An export in an S3 bucket. Files are written on this machine, sent in parts (boto3), and whole there or not at all.

The manifest and the lock are replaced on condition that they are the version that was read (If-Match). Requests are
signed, with credentials from where boto3 looks. Whatever passes by itself is tried again by boto3.
"""

import os
import re
import shutil
import tempfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import boto3
import botocore.exceptions as s3
from boto3.exceptions import Boto3Error
from boto3.s3.transfer import TransferConfig
from botocore.config import Config
from django.conf import settings

from warehouse.export.errors import ExportError
from warehouse.export.folder import telling
from warehouse.export.target import OURS, Outdated
from warehouse.outside import shown
from warehouse.wire.bounds import OutOfBounds, within
from warehouse.wire.sockets import bind_boto3

CONNECT_TIMEOUT_SECONDS = 10
READ_TIMEOUT_SECONDS = 60
ATTEMPTS = 6
# Of what is small and read whole: the manifest, the lock, a page of a listing, with all tries at it.
ANSWER_SECONDS = 300.0
ANSWER_MAX_BYTES = 64 * 1024 * 1024
# A file may take as long as its size needs at this speed, and that much beside; one of unknown size, an hour.
LEAST_BYTES_A_SECOND = 100_000
FETCH_SECONDS = 3600.0
ONE_BY_ONE = TransferConfig(use_threads=False)  # parts on threads of their own would know of no bounds
SAID_MAX = 300  # characters of what the server, or a library about its answer, says
_REFUSED = {"PreconditionFailed", "ConditionalRequestConflict"}
_MISSING = {"NoSuchKey", "404"}


def open_bucket(url: str) -> "Bucket":
    """The bucket and prefix of s3://bucket[/prefix]."""
    match = re.fullmatch(r"s3://([^/@:]+)(?:/(.*))?", url)
    if match is None:
        raise ExportError("not a bucket: give s3://bucket or s3://bucket/prefix, and credentials as boto3 takes them")
    config = Config(
        connect_timeout=CONNECT_TIMEOUT_SECONDS,
        read_timeout=READ_TIMEOUT_SECONDS,
        retries={"total_max_attempts": ATTEMPTS, "mode": "standard"},
        user_agent_extra=settings.USER_AGENT,
    )
    try:
        client: Any = boto3.session.Session().client(
            "s3",
            region_name=settings.EXPORT_S3_REGION or None,
            endpoint_url=settings.EXPORT_S3_ENDPOINT_URL or None,
            config=config,
        )
    except (ValueError, s3.BotoCoreError) as error:
        raise ExportError(
            f"S3 cannot be set up: {error}. Look at EXPORT_S3_REGION and EXPORT_S3_ENDPOINT_URL"
        ) from error
    bind_boto3(client)
    return Bucket(match[1], (match[2] or "").strip("/"), client)


class Bucket:
    """See Target."""

    def __init__(self, bucket: str, prefix: str, client: Any):
        self.url = f"s3://{bucket}/{prefix}".rstrip("/")
        self._bucket = bucket
        self._prefix = f"{prefix}/" if prefix else ""
        self._client = client
        # the same for each export into this place: what a killed one left is found
        mark = f"{zlib.crc32(self.url.encode()):08x}-{os.getuid()}"
        self._unfinished = Path(tempfile.gettempdir()) / f"warehouse-export-{mark}"

    def read(self, name: str) -> tuple[bytes, str] | None:
        """See Target; the version is the ETag."""
        with self._telling(name):
            try:
                answer = self._client.get_object(Bucket=self._bucket, Key=self._prefix + name)
                return answer["Body"].read(), answer["ETag"]
            except s3.ClientError as error:
                if _code_of(error) in _MISSING:
                    return None
                raise

    def swap(self, name: str, content: bytes, version: str | None) -> str:
        """See Target."""
        condition = {"IfNoneMatch": "*"} if version is None else {"IfMatch": version}
        with self._telling(name):
            try:
                answer = self._client.put_object(
                    Bucket=self._bucket, Key=self._prefix + name, Body=content, **condition
                )
            except s3.ClientError as error:
                if _code_of(error) in _REFUSED | _MISSING:
                    raise Outdated(name) from error
                raise
            return answer["ETag"]

    def unfinished(self) -> Path:
        """See Target."""
        with telling(self._unfinished):
            shutil.rmtree(self._unfinished, ignore_errors=True)
            self._unfinished.mkdir(mode=0o700)
        return self._unfinished

    def put(self, file: Path, name: str) -> None:
        """See Target: from 8 MB on in parts."""
        with self._telling(name, ANSWER_SECONDS + file.stat().st_size / LEAST_BYTES_A_SECOND):
            self._client.upload_file(str(file), self._bucket, self._prefix + name, Config=ONE_BY_ONE)
        file.unlink()

    @contextmanager
    def fetch(self, name: str) -> Iterator[Path | None]:
        """See Target."""
        with tempfile.TemporaryDirectory(prefix="warehouse-verify-") as folder:
            path = Path(folder) / "part.parquet"
            found: Path | None = path
            with self._telling(name, FETCH_SECONDS, None):
                try:
                    self._client.download_file(self._bucket, self._prefix + name, str(path), Config=ONE_BY_ONE)
                except s3.ClientError as error:
                    if _code_of(error) not in _MISSING:
                        raise
                    found = None
            yield found

    def parts(self, dataset: str) -> Iterator[str]:
        """See Target."""
        pages = iter(
            self._client.get_paginator("list_objects_v2").paginate(
                Bucket=self._bucket, Prefix=f"{self._prefix}{dataset}/"
            )
        )
        while page := self._next_page(dataset, pages):
            for found in page.get("Contents", ()):
                name = found["Key"].removeprefix(self._prefix)
                if OURS.fullmatch(name):
                    yield name

    def _next_page(self, dataset: str, pages: Iterator[dict[str, Any]]) -> dict[str, Any] | None:
        with self._telling(dataset):
            return next(pages, None)

    def remove(self, name: str) -> None:
        """See Target."""
        with self._telling(name):
            self._client.delete_object(Bucket=self._bucket, Key=self._prefix + name)

    def tidy(self) -> None:
        """See Target: parts of killed uploads lie there unseen, and are paid for. Where the key may end them."""
        shutil.rmtree(self._unfinished, ignore_errors=True)
        try:
            with within(ANSWER_SECONDS, ANSWER_MAX_BYTES):
                found = self._client.list_multipart_uploads(Bucket=self._bucket, Prefix=self._prefix)
                for upload in found.get("Uploads", ()):
                    if OURS.fullmatch(upload["Key"].removeprefix(self._prefix)):
                        self._client.abort_multipart_upload(
                            Bucket=self._bucket, Key=upload["Key"], UploadId=upload["UploadId"]
                        )
        except (s3.ClientError, s3.BotoCoreError, OutOfBounds):
            return  # a rule of the bucket may do it, and a key need not be allowed to

    @contextmanager
    def _telling(
        self, name: str, seconds: float = ANSWER_SECONDS, max_bytes: int | None = ANSWER_MAX_BYTES
    ) -> Iterator[None]:
        """What is asked inside has come within these bounds, or an ExportError says what came instead."""
        subject = f"{self.url}/{name}"
        try:
            with within(seconds, max_bytes):
                yield
        except s3.ClientError as error:
            raise ExportError(self._explain(error, subject)) from error
        except (s3.NoCredentialsError, s3.PartialCredentialsError) as error:
            raise ExportError(
                f"{subject}: no AWS credentials found; set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or a profile"
            ) from error
        except (s3.BotoCoreError, Boto3Error) as error:
            if isinstance(error.__context__, s3.ClientError):  # of an upload, told a second time
                raise ExportError(self._explain(error.__context__, subject)) from error
            said = shown(error, SAID_MAX)
            raise ExportError(f"{subject}: {said}. Call again; what was exported stays valid") from error
        except OutOfBounds as error:
            raise ExportError(f"{subject}: {error}. Call again; what was exported stays valid") from error
        except OSError as error:
            raise ExportError(f"{subject}: {error.strerror or error}") from error

    def _explain(self, error: s3.ClientError, subject: str) -> str:
        code, message = shown(_code_of(error), 50), shown(error.response["Error"].get("Message", ""), SAID_MAX)
        status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
        if code == "NoSuchBucket":
            return f"s3://{self._bucket}: no such bucket; make it, or look at --to or EXPORT_TO"
        if status == 403:
            return (
                f"{subject}: access denied (403 {code}: {message}); look at the credentials and what the bucket allows"
            )
        if status in (301, 307, 400) and (region := error.response["Error"].get("Region")):
            return f"{subject}: the bucket lies elsewhere; set EXPORT_S3_REGION={shown(region, 50)}"
        return f"{subject}: the server answers {status} {code}: {message}. What was exported stays valid"


def _code_of(error: s3.ClientError) -> str:
    return error.response["Error"].get("Code", "")
