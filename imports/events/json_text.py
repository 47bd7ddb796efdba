"""JSON as it should not be, read all the same: one bad value costs that value, not the file or answer around it.

For what msgspec refuses, which is quick and strict. Day files and answers of the API are read by the same rules.
"""

import json
import re
from typing import Any

import msgspec

NESTED_MAX = 32  # levels; what is known of files and answers has eight at most
NESTED_TOO_DEEPLY = "(nested too deeply)"  # what stands in place of such a value
# Python turns no text of more than 4,300 digits into a whole number, and nothing that is counted here has 20.
DIGITS_MAX = 400
# A value takes up to 100 bytes of memory, an object with one key 230. The largest answer that is known has 160,000.
VALUES_MAX = 2_000_000
# As text it may take four bytes a character, and twice that while it is mended.
LENIENT_MAX_BYTES = 32 * 1024 * 1024

# UTF-8 as Java and MySQL's utf8mb3 write what lies beyond U+FFFF: both halves of a surrogate pair by themselves.
_SURROGATE_PAIR = re.compile(rb"\xed[\xa0-\xaf][\x80-\xbf]\xed[\xb0-\xbf][\x80-\xbf]")
_ESCAPE = re.compile(r'\\(u[0-9a-fA-F]{4}|["\\/bfnrt])|\\')
_STRING_OR_BRACKET = re.compile(r'"(?:[^"\\]++|\\.)*+"|[\[\]{}]', re.DOTALL)


def decode_json(text: bytes) -> Any:
    """What `text` (UTF-8) says. ValueError: it is no JSON even when it is read leniently, or of too many values."""
    values = values_in(text, VALUES_MAX)
    if values > VALUES_MAX:
        raise ValueError(f"it has {values:,} values; more than {VALUES_MAX:,} are not read")
    try:
        return msgspec.json.decode(text)
    except (ValueError, RecursionError):  # its own errors are ValueErrors, but not all (msgspec#714)
        return decode_leniently(text)


def values_in(text: bytes, most: int) -> int:
    """How many values JSON has, or more: commas in texts are counted too. 0 where it is too short for `most`."""
    if len(text) <= 2 * most:  # each has a sign of its own and one before it
        return 0
    return text.count(b",") + text.count(b"[") + text.count(b"{")


def decode_leniently(text: bytes) -> Any:
    """The standard library's reading: slower, but it takes NaN and numbers of any size, lone surrogates, control
    characters and backslashes in strings, bytes that are no UTF-8 (U+FFFD stands for them), and nesting of any depth.

    ValueError: no JSON, or so large that it has to be read strictly.
    """
    if len(text) > LENIENT_MAX_BYTES:
        raise ValueError(f"an error in {len(text):,} bytes; from {LENIENT_MAX_BYTES:,} on none is passed over")
    readable = _SURROGATE_PAIR.sub(_joined, text).decode("utf-8", errors="replace")
    readable = _ESCAPE.sub(lambda match: match[0] if match[1] else r"\\", readable)
    try:
        return _loads(readable)
    except RecursionError:
        return _loads(_without_deep_nesting(readable))


def _loads(text: str) -> Any:
    return json.loads(text, strict=False, parse_int=_number)


def _number(digits: str) -> int | float:
    return int(digits) if len(digits) <= DIGITS_MAX else float(digits)


def _joined(pair: re.Match[bytes]) -> bytes:
    return pair[0].decode("utf-8", "surrogatepass").encode("utf-16", "surrogatepass").decode("utf-16").encode()


def _without_deep_nesting(text: str) -> str:
    kept = []
    depth = begin = 0
    for match in _STRING_OR_BRACKET.finditer(text):
        if match[0] in "[{":
            depth += 1
            if depth == NESTED_MAX + 1:
                kept += [text[begin : match.start()], json.dumps(NESTED_TOO_DEEPLY)]
        elif match[0] in "]}":
            if depth == NESTED_MAX + 1:
                begin = match.end()
            depth -= 1
    if depth > NESTED_MAX:
        raise ValueError("nested too deeply, and never closed")
    return "".join([*kept, text[begin:]])
