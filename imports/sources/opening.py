"""From a URL to the source it names."""

from collections.abc import Collection, Mapping
from pathlib import Path

from django.conf import settings

from imports.sources.captures import SCHEME as CAPTURES_SCHEME
from imports.sources.captures import CaptureSource
from imports.sources.folder import FolderSource
from imports.sources.kept_answers import KeptAnswers
from imports.sources.recognising import Kind, kind_of
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


def is_captures(url: str) -> bool:
    """Whether the URL of a source, as it is stored, is one of captures."""
    return url.startswith(CAPTURES_SCHEME)


def open_source(url: str) -> Source:
    """The source a URL names: a folder (a path, or file:///path), s3://bucket[/prefix], themeparks-history: for the
    History API, themeparks-history:/path for answers of it that were kept, themeparks-history-delisted: for what its
    parks no longer list, or captures of live answers: a file or folder of them by its path, recognised by the names in
    it, or captures:/path.

    ArchiveError: it names none of them, S3 cannot be set up, or day files and captures lie in one folder. No file is
    read yet.
    """
    if url.startswith(HISTORY_SCHEMES):
        return _open_history(url)
    if url.startswith("s3://"):
        from imports.sources.bucket import open_bucket  # boto3 takes 0.4 s to load, and a folder needs none of it

        return open_bucket(url)
    if url.startswith("file://"):
        url = url.removeprefix("file://")
    if is_captures(url):
        return CaptureSource(Path(url.removeprefix(CAPTURES_SCHEME)), _destinations_of)
    if "://" in url:
        raise ArchiveError(
            f"{url}: not a source; give a folder, s3://bucket[/prefix], themeparks-history: or captures:/path"
        )
    path = Path(url)
    return CaptureSource(path, _destinations_of) if kind_of(path) == Kind.CAPTURES else FolderSource(path)


def _destinations_of(parks: Collection[str]) -> Mapping[str, str]:
    """What the warehouse knows: sources themselves ask no database."""
    from warehouse.models import Park  # a source can be opened before there are models

    known = Park.objects.filter(themeparks_wiki_id__in=parks).exclude(destination_wiki_id=None)
    return dict(known.values_list("themeparks_wiki_id", "destination_wiki_id"))


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
