"""From a URL to the source it names."""

from pathlib import Path

from django.conf import settings

from imports.sources.folder import FolderSource
from imports.sources.kept_answers import KeptAnswers
from imports.sources.source import ArchiveError, Source

#: the History API, or with a folder behind it what was kept of its answers
HISTORY, DELISTED = "themeparks-history:", "themeparks-history-delisted:"
HISTORY_SCHEMES = (HISTORY, DELISTED)


def has_files_by_park(url: str) -> bool:
    """Whether the source that a URL names has its files by park."""
    return url.startswith(HISTORY_SCHEMES)


def delisted_of(url: str) -> str:
    """The source of what parks no longer list, beside a source that is the History API or answers of it.

    ArchiveError: the URL names no such source.
    """
    if not url.startswith(HISTORY_SCHEMES):
        raise ArchiveError(f"{url}: delisted entities are asked of the History API alone; give {HISTORY} as source")
    return DELISTED + url.partition(":")[2]


def open_source(url: str) -> Source:
    """The source a URL names: a folder (a path, or file:///path), s3://bucket[/prefix], themeparks-history: for the
    History API, or themeparks-history:/path for answers of it that were kept; themeparks-history-delisted: for what
    its parks no longer list.

    ArchiveError: it names none of them, or S3 cannot be set up. Nothing is read yet.
    """
    if url.startswith(HISTORY_SCHEMES):
        return _open_history(url)
    if url.startswith("s3://"):
        from imports.sources.bucket import open_bucket  # boto3 takes 0.4 s to load, and a folder needs none of it

        return open_bucket(url)
    if url.startswith("file://"):
        url = url.removeprefix("file://")
    if "://" in url:
        raise ArchiveError(f"{url}: not a source; give a folder, s3://bucket[/prefix] or themeparks-history:")
    return FolderSource(Path(url))


def _open_history(url: str) -> Source:
    from imports.api.history import HistoryApi  # requests takes 0.2 s to load
    from imports.api.http import ApiError
    from imports.sources.history import HistorySource
    from imports.sources.history_delisted import HistoryDelistedSource

    opened = HistoryDelistedSource if url.startswith(DELISTED) else HistorySource
    path = url.partition(":")[2]
    if path.startswith("//"):
        raise ArchiveError(f"{url}: give themeparks-history: alone, or themeparks-history:/path to kept answers")
    if path:
        return opened(KeptAnswers(Path(path)), api=None)
    try:
        return opened(KeptAnswers(Path(settings.HISTORY_DIR)), HistoryApi())
    except ApiError as error:
        raise ArchiveError(str(error)) from error
