"""Where an operator wants the export, as a Target."""

import re

from warehouse.export.errors import ExportError
from warehouse.export.folder import Folder
from warehouse.export.target import Target


def open_target(url: str) -> Target:
    """The folder, or the bucket and prefix of s3://bucket/prefix. ExportError: it is neither."""
    if url.startswith("s3://"):
        from warehouse.export.bucket import open_bucket  # boto3 takes a second to load

        return open_bucket(url)
    if re.match(r"[a-z0-9]+:", url):  # also s3:/bucket, which would else be a folder of that name
        raise ExportError(f"{url}: give a folder, or s3://bucket/prefix")
    return Folder(url)
