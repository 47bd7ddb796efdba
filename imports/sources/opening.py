"""From a URL to the source it names."""

from pathlib import Path

from imports.sources.folder import FolderSource
from imports.sources.source import ArchiveError, Source

#: the History API, or with a folder behind it what was kept of its answers
HISTORY_SCHEMES = ("themeparks-history:", "themeparks-history-delisted:")


def has_files_by_park(url: str) -> bool:
    """Whether the source that a URL names has its files by park."""
    return url.startswith(HISTORY_SCHEMES)


def open_source(url: str) -> Source:
    """The source a URL names: a folder (a path, or file:///path) or s3://bucket[/prefix].

    ArchiveError: it names neither, or S3 cannot be set up. Nothing is read yet.
    """
    if url.startswith("s3://"):
        from imports.sources.bucket import open_bucket  # boto3 takes 0.4 s to load, and a folder needs none of it

        return open_bucket(url)
    if url.startswith("file://"):
        url = url.removeprefix("file://")
    if "://" in url:
        raise ArchiveError(f"{url}: not a source; give a folder or s3://bucket[/prefix]")
    return FolderSource(Path(url))
