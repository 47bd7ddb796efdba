"""Which sources may be named in the admin: what is configured, and nothing else of the machine or of other buckets.

Whoever may start imports in the admin is no user of the machine: of a path outside the allowed ones nothing is to be
learnt, not even whether it is there. The commands, which who has a shell gives, are not confined, and neither is what
goes on with an import that was begun.
"""

import os
from collections.abc import Iterable
from pathlib import Path

from django.conf import settings

from imports.sources.captures import SCHEME as CAPTURES_SCHEME
from imports.sources.opening import HISTORY, HISTORY_SCHEMES
from imports.sources.source import ArchiveError

BUCKET = "s3://"


def allowed() -> list[str]:
    """ARCHIVE_URL, then the folders, buckets and prefixes of ARCHIVE_ROOTS, or where that is empty, the project's own:
    sample archives, downloaded files and kept answers. The History API itself is always allowed."""
    samples = [str(settings.BASE_DIR / "var" / name) for name in ("sample-archive", "sample")]
    own = [*samples, settings.ARCHIVE_CACHE_DIR, settings.HISTORY_DIR]
    roots = [settings.ARCHIVE_URL, *(settings.ARCHIVE_ROOTS or own)]
    found = {_path_of(root) or root: root for root in reversed(roots) if root and root not in HISTORY_SCHEMES}
    return list(reversed(found.values()))


def is_allowed(url: str) -> bool:
    """Whether a source may be named: one of `allowed`, or what lies below it once links and `..` are resolved."""
    if url in HISTORY_SCHEMES:
        return True
    if url.startswith(BUCKET):
        return any(_is_below(url.rstrip("/"), root.rstrip("/"), "/") for root in allowed() if root.startswith(BUCKET))
    path = _path_of(url)
    if path is None:
        return False
    return any(_is_below(path, root, os.sep) for root in _folders(allowed()))


def refuse_others(url: str) -> None:
    """ArchiveError, the same whatever is there: it is not allowed."""
    if not is_allowed(url):
        raise ArchiveError(
            f"{url}: imports are started here only from {', '.join([*allowed(), HISTORY])} and what lies below; who "
            "runs the server adds others to ARCHIVE_ROOTS, or imports by manage.py import_archive"
        )


def _folders(roots: Iterable[str]) -> list[str]:
    return [path for root in roots if not root.startswith(BUCKET) and (path := _path_of(root)) is not None]


def _path_of(url: str) -> str | None:
    """Where it really leads; None: it names no path, or none that there can be. Nothing on the way is opened."""
    for scheme in (*HISTORY_SCHEMES, CAPTURES_SCHEME, "file://"):
        if url.startswith(scheme):
            url = url.removeprefix(scheme)
            break
    if not url.strip() or "://" in url:
        return None
    try:
        return os.path.realpath(Path(url).expanduser())
    except (OSError, RuntimeError, ValueError):  # a loop of links, no such home, a zero byte
        return None


def _is_below(path: str, root: str, separator: str) -> bool:
    return path == root or path.startswith(root.rstrip(separator) + separator)
