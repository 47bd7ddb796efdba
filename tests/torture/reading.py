"""The bytes of a day file -> the values in it, for the oracle: own code over zlib and json of the standard library.

What is read and what is not: docs/data-model.md, docs/sample-archive.md, docs/decisions/one-bad-value.md.
"""

import json
import zlib
from typing import Any

INFLATED_MAX = 256 * 1024 * 1024
SUSPICIOUS_FROM, SUSPICIOUS_TIMES = 16 * 1024 * 1024, 200  # no day of events inflates so far
DIGITS_MAX = 400
DEPTH_READ, DEPTH_KEPT = 900, 32  # levels
_ESCAPES = {'"': '"', "\\": "\\", "/": "/", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t"}
_WORDS = {"true": True, "false": False, "null": None, "NaN": float("nan"), "Infinity": float("inf")}
_HEX = set("0123456789abcdefABCDEF")


class Unreadable(Exception):
    """Nothing of the file can be used."""


def values_of(raw: bytes) -> list[Any]:
    """The list of events, whatever stands in it."""
    text = _unpacked(raw)
    if text.startswith(b"\xef\xbb\xbf"):
        text = text[3:]
    try:
        root = _quickly(text)
    except (ValueError, RecursionError):
        characters = _characters(text)
        try:
            root = _Slow(characters).document()
        except _TooDeep:
            root = _Slow(_without_what_is_too_deep(characters)).document()
    if isinstance(root, dict):
        root = root.get("events")
    if not isinstance(root, list):
        raise Unreadable("no list of events")
    return root


class _TooDeep(Exception):
    """It is nested deeper than it is read; only then is what lies too deep left out unread, whatever it holds."""


def _without_what_is_too_deep(text: str) -> str:
    kept, depth, begin, at = [], 0, 0, 0
    while at < len(text):
        sign = text[at]
        if sign == '"':
            end = at + 1
            while end < len(text) and text[end] != '"':
                end += 2 if text[end] == "\\" else 1
            at = end if end < len(text) else at
        elif sign in "[{":
            depth += 1
            if depth == DEPTH_KEPT + 1:
                kept += [text[begin:at], '"(nested too deeply)"']
        elif sign in "]}":
            if depth == DEPTH_KEPT + 1:
                begin = at + 1
            depth -= 1
        at += 1
    if depth > DEPTH_KEPT:
        raise Unreadable("nested without end")
    return "".join([*kept, text[begin:]])


# --- packing ---------------------------------------------------------------------------------------------------------
def _unpacked(raw: bytes) -> bytes:
    if not raw.strip():
        raise Unreadable("empty")
    if raw[:2] != b"\x1f\x8b" and raw[0] & 0x0F != 8:
        return _sane(raw, raw)
    text, rest = b"", raw
    while True:
        stream = zlib.decompressobj(47)
        try:
            text += stream.decompress(rest, INFLATED_MAX + 1 - len(text))
        except zlib.error as error:
            raise Unreadable(str(error)) from error
        if len(text) > INFLATED_MAX:
            raise Unreadable("too large")
        if not stream.eof:
            raise Unreadable("cut short")
        rest = stream.unused_data
        if rest[:2] == b"\x1f\x8b":
            continue
        if rest.strip(b"\0 \t\r\n"):
            raise Unreadable("something behind the stream")
        return _sane(text, raw)


def _sane(text: bytes, raw: bytes) -> bytes:
    if len(text) > INFLATED_MAX or (len(text) > SUSPICIOUS_FROM and len(text) > SUSPICIOUS_TIMES * len(raw)):
        raise Unreadable("too large")
    return text


# --- JSON ------------------------------------------------------------------------------------------------------------
def _quickly(text: bytes) -> Any:
    """What is JSON by the book, but for bare words and halves of surrogate pairs."""
    return json.loads(text.decode("utf-8"), parse_int=_number)


def _number(digits: str) -> int | float:
    return int(digits) if len(digits) <= DIGITS_MAX else float(digits)


def _characters(text: bytes) -> str:
    """UTF-8, with U+FFFD for what is none, and pairs of surrogates written each by itself (CESU-8) joined."""
    try:
        return text.decode("utf-8")
    except UnicodeDecodeError:
        pass
    out, at = bytearray(), 0
    while at < len(text):
        six = text[at : at + 6]
        if (
            len(six) == 6
            and six[0] == six[3] == 0xED
            and 0xA0 <= six[1] <= 0xAF
            and 0xB0 <= six[4] <= 0xBF
            and six[2] & 0xC0 == six[5] & 0xC0 == 0x80
        ):
            high = (six[1] & 0x3F) << 6 | six[2] & 0x3F | 0xD000
            low = (six[4] & 0x3F) << 6 | six[5] & 0x3F | 0xD000
            out += chr(0x10000 + ((high - 0xD800) << 10) + (low - 0xDC00)).encode()
            at += 6
        else:
            out.append(text[at])
            at += 1
    return out.decode("utf-8", "replace")


class _Slow:
    """JSON as it should not be: a parser of characters, without recursion, for the few files that need it."""

    def __init__(self, text: str):
        self._text, self._at = text, 0

    def document(self) -> Any:
        holders: list[Any] = []  # those that are open, the innermost last
        keys: list[Any] = []
        while True:
            value, opened = self._value_begins()
            if opened:
                if len(holders) == DEPTH_READ:
                    raise _TooDeep
                holders.append(value)
                keys.append(None)
                closing = "]" if isinstance(value, list) else "}"
                if self._peek() == closing:
                    self._at += 1
                    holders.pop()
                    keys.pop()
                else:
                    if isinstance(value, dict):
                        keys[-1] = self._key()
                    continue
            while True:  # a value is complete
                if not holders:
                    if self._peek():
                        raise Unreadable("not JSON: more behind it")
                    return value
                holder = holders[-1]
                if isinstance(holder, list):
                    holder.append(value)
                else:
                    holder[keys[-1]] = value
                sign = self._peek()
                self._at += 1
                if sign == ",":
                    if isinstance(holder, dict):
                        keys[-1] = self._key()
                    break
                if sign != ("]" if isinstance(holder, list) else "}"):
                    raise Unreadable("not JSON")
                value = holders.pop()
                keys.pop()

    def _peek(self) -> str:
        while self._at < len(self._text) and self._text[self._at] in " \t\n\r":
            self._at += 1
        return self._text[self._at : self._at + 1]

    def _key(self) -> str:
        if self._peek() != '"':
            raise Unreadable("not JSON: no key")
        key = self._string()
        if self._peek() != ":":
            raise Unreadable("not JSON: no colon")
        self._at += 1
        return key

    def _value_begins(self) -> tuple[Any, bool]:
        sign = self._peek()
        if sign == '"':
            return self._string(), False
        if sign and sign in "[{":
            self._at += 1
            return ([], True) if sign == "[" else ({}, True)
        begin = self._at
        while self._at < len(self._text) and self._text[self._at] not in ' \t\n\r,]}:"[{':
            self._at += 1
        word = self._text[begin : self._at]
        if word in _WORDS:
            return _WORDS[word], False
        if word == "-Infinity":
            return float("-inf"), False
        try:
            return json.loads(word, parse_int=_number), False
        except ValueError:
            raise Unreadable(f"not JSON: {word[:20]}") from None

    def _string(self) -> str:
        self._at += 1
        parts: list[str] = []
        while True:
            sign = self._text[self._at : self._at + 1]
            if not sign:
                raise Unreadable("not JSON: a string without end")
            self._at += 1
            if sign == '"':
                text = "".join(parts)
                return (
                    text.encode("utf-16", "surrogatepass").decode("utf-16", "surrogatepass") if _halves(text) else text
                )
            if sign != "\\":
                parts.append(sign)
                continue
            code = self._text[self._at : self._at + 1]
            digits = self._text[self._at + 1 : self._at + 5]
            if code in _ESCAPES and code:
                parts.append(_ESCAPES[code])
                self._at += 1
            elif code == "u" and len(digits) == 4 and set(digits) <= _HEX:
                parts.append(chr(int(digits, 16)))
                self._at += 5
            else:
                parts.append("\\")  # a backslash that means nothing is one


def _halves(text: str) -> bool:
    return any("\ud800" <= sign <= "\udfff" for sign in text)
