"""Pages of a bucket's listing as they should come: in order, each behind the one before, and to an end.

S3 lists in the order of the keys' bytes. A listing that goes back, repeats itself or brings nothing for ever is none:
whoever answers is not S3, or is broken, and what it would give is read no further.
"""

import time
from collections.abc import Callable, Iterator
from typing import Any

from imports.sources.source import ArchiveError
from warehouse.outside import shown

LISTING_MAX_SECONDS = 600.0  # all pages of one; a destination with all of its years has 12
KEYS_MAX = 1_000_000  # of one listing; ten years of day files are 3,650
EMPTY_PAGES_MAX = 100  # in a row
SIZE_MAX = 2**63 - 1  # as tables hold it

#: the parameters that ask for a page -> the page
AskPage = Callable[[dict[str, Any]], dict[str, Any]]


def pages(ask: AskPage, parameters: dict[str, Any], subject: str) -> Iterator[dict[str, Any]]:
    """One after the other. ArchiveError: it is no listing, or it does not end."""
    begun = time.monotonic()
    last = {"Contents": "", "CommonPrefixes": ""}
    keys = empty = 0
    token = None
    while True:
        page = ask(parameters | ({"ContinuationToken": token} if token else {}))
        found = _check_order(page, last, subject)
        keys, empty = keys + found, 0 if found else empty + 1
        yield page
        if not page.get("IsTruncated"):
            return
        token = page.get("NextContinuationToken")
        if not token:
            raise ArchiveError(f"{subject}: its listing goes on, and does not say where")
        if keys >= KEYS_MAX or empty >= EMPTY_PAGES_MAX:
            what = f"has more than {KEYS_MAX:,} keys" if keys >= KEYS_MAX else f"has {empty} pages without any key"
            raise ArchiveError(f"{subject}: its listing {what}, and goes on; look at --source or ARCHIVE_URL")
        if time.monotonic() - begun > LISTING_MAX_SECONDS:
            raise ArchiveError(
                f"{subject}: its listing is not complete after {LISTING_MAX_SECONDS:g} s; try again later"
            )


def _check_order(page: dict[str, Any], last: dict[str, str], subject: str) -> int:
    """How many keys and folders a page has."""
    found = 0
    for part, name in (("Contents", "Key"), ("CommonPrefixes", "Prefix")):
        for listed in page.get(part, ()):
            if listed[name] <= last[part]:
                raise ArchiveError(
                    f"{subject}: its listing goes back from {shown(last[part])!r} to {shown(listed[name])!r}, as none "
                    "of S3 does; look at ARCHIVE_S3_ENDPOINT_URL"
                )
            last[part] = listed[name]
            found += 1
    return found


def size_of(listed: dict[str, Any]) -> int | None:
    """As the ledger holds it; None: none that can be."""
    size = listed.get("Size")
    return min(size, SIZE_MAX) if isinstance(size, int) and size >= 0 else None
