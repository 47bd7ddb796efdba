"""Text that came from outside, made fit to be shown: names, keys, statuses, error bodies, whatever somebody else wrote.

Storage keeps what came. Where it is shown (a terminal, a line of the log, a page, a mail), what a reader does not see
or what moves the text around it stands there as an escape: \\x1b, \\u202e. The rest stays as it is, in any script. Why
so: docs/decisions/text-from-outside.md. Nothing of Django.
"""

import re
import unicodedata
from typing import Any

LIMIT = 200  # characters of a name, a value, a key beside other text

#: What is no sign for the eye: controls and line ends of Unicode, marks of direction, spaces without width, fillers,
#: tags, halves of surrogate pairs, what never is a character. Spaces of other widths are spaces, and stay.
HIDDEN = (
    r"\x00-\x1f\x7f-\x9f\xad\u034f\u061c\u070f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u2028-\u202e"
    r"\u2060-\u206f\u3164\ud800-\udfff\ufdd0-\ufdef\ufe00-\ufe0d\ufeff\uffa0\ufff0-\ufffb\ufffe\uffff"
    r"\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff"
)
_HIDDEN = re.compile(f"[{HIDDEN}]")
_UNSTORABLE = re.compile(r"[\x00\ud800-\udfff]")
_JOINERS = "\u200c\u200d"  # Persian and Indic names are written with them, and families of emoji
_ASTRAL_SELECTORS = "\U000e0100", "\U000e01ef"  # choose among the shapes of a Chinese or Japanese character
_LETTERS_BEYOND = "\u0600"  # the first block of the scripts that join
_JOINED = {"Lo", "Mn", "Mc", "So", "Sk"}


def shown(text: Any, limit: int = LIMIT, *, lines: bool = False) -> str:
    """`text` on one line and without anything hidden; never longer than `limit` characters, so that a column of that
    length holds it, and with how much was left out: `Tour …(9,800 more characters)`.

    `lines`: line ends and tabs stay, for what has paragraphs. Bytes are read as UTF-8, and what is none is shown as
    \\xff. What fits and has nothing hidden comes back as it is; None is "".
    """
    if isinstance(text, bytes | bytearray | memoryview):
        return _of_bytes(bytes(text), limit, lines)
    text = "" if text is None else str(text)
    if len(text) <= limit:
        whole = visible(text, lines=lines)
        if len(whole) <= limit:
            return whole
    return _cut(text, limit, lines, len(text), "characters")


def visible(text: str, *, lines: bool = False) -> str:
    """All of `text`, hidden characters as escapes: of what has a limit of its own."""
    if text.isascii() and text.isprintable():
        return text
    return _HIDDEN.sub(_escaped_but_for_lines if lines else _escaped, text)


def fitting(text: str, limit: int) -> str:
    """For a column of `limit` characters: as it came where it fits, else its beginning and how much was left out.
    Halves of pairs and NUL, which the server refuses, stand there as escapes."""
    if len(text) <= limit and not _UNSTORABLE.search(text):
        return text
    text = _UNSTORABLE.sub(_escaped, text)
    if len(text) <= limit:
        return text
    note = f"…({len(text) - limit:,} more characters)"
    note = f"…({len(text) - limit + len(note):,} more characters)"
    return text[: limit - len(note)] + note if limit >= 2 * len(note) else f"{text[: limit - 1]}…"


def has_hidden(text: str) -> bool:
    """Whether `shown` would write anything of it as an escape."""
    return visible(text) != text


def width(text: str) -> int:
    """Columns of a terminal that it takes: two for each Chinese, Japanese or Korean character, none for an accent."""
    if text.isascii():
        return len(text)
    return sum(map(_columns, text))


def padded(text: str, columns: int, *, right: bool = False) -> str:
    """Filled with spaces to `columns` of a terminal; to the right: they stand before it."""
    spaces = " " * max(0, columns - width(text))
    return spaces + text if right else text + spaces


def _escaped(match: re.Match[str]) -> str:
    return match[0] if _belongs(match) else match[0].encode("unicode_escape").decode()


def _escaped_but_for_lines(match: re.Match[str]) -> str:
    return match[0] if match[0] in "\n\t" else _escaped(match)


def _belongs(match: re.Match[str]) -> bool:
    """Of what has no width: whether the script that it stands in is written so."""
    text, at = match.string, match.start()
    before = text[at - 1 : at]
    if match[0] in _JOINERS:
        return _joins(before) and _joins(text[at + 1 : at + 2])
    low, high = _ASTRAL_SELECTORS
    return low <= match[0] <= high and before >= "\u3400" and unicodedata.category(before) == "Lo"


def _joins(sign: str) -> bool:
    return sign >= _LETTERS_BEYOND and unicodedata.category(sign) in _JOINED and not _HIDDEN.match(sign)


def _cut(text: str, limit: int, lines: bool, length: int, unit: str) -> str:
    """As much of the beginning as fits with the word of what was left out; an escape is never cut in two."""
    note = f"…({length:,} more {unit})"
    room = limit - len(note) if limit >= 2 * len(note) else limit - 1
    kept, taken = [], 0
    for sign in _pieces(text[: max(0, room)], lines):
        if taken + len(sign) > room:
            break
        kept.append(sign)
        taken += len(sign)
    left = length - len(kept)
    note = f"…({left:,} more {unit})" if limit >= 2 * len(note) else "…"
    return "".join(kept) + note[: max(0, limit - taken)]


def _pieces(text: str, lines: bool) -> list[str]:
    """One of each character: itself or its escape."""
    replace = _escaped_but_for_lines if lines else _escaped
    pieces = list(text)
    for match in _HIDDEN.finditer(text):
        pieces[match.start()] = replace(match)
    return pieces


def _of_bytes(data: bytes, limit: int, lines: bool) -> str:
    if len(data) <= limit:
        return shown(data.decode("utf-8", "backslashreplace"), limit, lines=lines)
    text = data[:limit].decode("utf-8", "backslashreplace")  # each is a byte at least
    return _cut(text, limit, lines, len(data) - len(data[:limit]) + len(text), "characters")


def _columns(sign: str) -> int:
    if unicodedata.combining(sign) or unicodedata.category(sign) in ("Mn", "Me", "Cf"):
        return 0
    return 2 if unicodedata.east_asian_width(sign) in "WF" else 1
