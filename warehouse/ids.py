"""How themeparks.wiki names destinations, parks and rides (UUIDs), and how an operator names a park."""

import functools
import re
from typing import Any

_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", re.IGNORECASE)

#: How command lines and their help call the name of a park: see `park_lookup`.
ID_OR_UUID = "ID_OR_UUID"


@functools.lru_cache(maxsize=65536)  # a day file says the ids of its 300 rides a hundred thousand times
def _uuid_of_text(text: str) -> str | None:
    return text.lower() if _UUID.fullmatch(text) else None


def uuid_of(value: Any) -> str | None:
    """A UUID in lower case, as it is stored, or None for whatever is none (also a UUID without its dashes)."""
    return _uuid_of_text(value) if type(value) is str else None


#: The largest key of a row, a BIGINT.
KEY_MAX = 2**63 - 1


def key_of(text: Any) -> int | None:
    """The number of a row that somebody sent as text; None for whatever is none: other digits than ASCII's (Python
    takes those of all scripts for numbers, and ² for a digit), a sign, what no BIGINT holds (and 5,000 digits, of
    which Python makes no number)."""
    if type(text) is not str or not (text.isascii() and text.isdigit() and len(text) <= 19):
        return None
    return number if (number := int(text)) <= KEY_MAX else None


def park_lookup(name: str) -> dict[str, int | str]:
    """What to look the park up by in `parks`, for its park_id or its UUID: `{"park_id": 7}`.

    ValueError: it is neither; the message says so.
    """
    if (park_id := key_of(name)) is not None:
        return {"park_id": park_id}
    if (uuid := uuid_of(name)) is not None:
        return {"themeparks_wiki_id": uuid}
    raise ValueError(f"{name!r} is neither a park_id nor a UUID")
