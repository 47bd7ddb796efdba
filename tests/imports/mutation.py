"""Seeded damage to day files and answers: bits, cuts, the structure of JSON, compression. One seed, the same bytes.

A mutated thing is bytes again, whatever it was: what reads them must say so, and lose nothing but what is damaged.
"""

import copy
import gzip
import json
import random
import zlib
from collections.abc import Callable, Mapping
from typing import Any

_MARK = "\ue000odd{}\ue000"  # stands in the text where json.dumps can write no such value
_RAW = [
    b"NaN", b"-Infinity", b"1e999", b"-1e-999", b"9" * 30, b"9" * 5_000, b"-" + b"1" * 400, b"0.1" + b"1" * 3_000,
    b"-0", b"45.0", b'"caf\xe9"', b'"\xed\xa0\xbc\xed\xbe\xa2"', b'"\xff"', b'"\\ud83c"', b'"\\udfa2\\ud83c"',
    b'"\x01\x02"', b'"a\nb"', b'"\\u0000"', b'"\\q"', b"[" * 3_000 + b"]" * 3_000,
    b'{"a":' * 3_000 + b"1" + b"}" * 3_000,
    b'"' + b"x" * 70_000 + b'"', b'{"a": 1, "a": 2}',
]  # fmt: skip
_BROKEN = [b"1 2", b"01", b"nul", b"", b"}", b'"']  # no JSON: these cost a whole file
_VALUES: list[Any] = [
    None, True, False, 0, 1, -1, -999, 301, 32_768, 2**31, 2**63, 2**64, 1.5, 1e300, "", " ", "\\N", "\t", "0", "null",
    "\0", "2024-W52-3T17:05:10Z", "20241225T170510.644Z", "2024-12-25T17:05Z", "2024-360T00:00:00Z",
    "9999-12-31T23:59:59-12:00", "0001-01-01T00:00:00+12:00", "1970-01-01T00:00:00Z", "2024-12-25T24:00:00Z",
    "2016-03-01T00:00:00Z", "2024-12-25", "44444444-4444-4444-8444-444444444444", "OPERATING", "DOWN", "operating",
    "USD", "Unknown",
    "\U0001f3a2" * 300, "x" * 300,
    [], {}, [[]], [None], {"": {}}, {"waitTime": 5}, {"STANDBY": {"waitTime": 5}}, {"amount": 0, "currency": "USD"},
]  # fmt: skip


def mutated_file(text: dict, chance: random.Random, instead: Mapping[str, str] = {}) -> bytes:
    """A day file as it may come: its JSON or its compression damaged, or both, or neither.

    `instead`: texts that stand in it in place of others, an id of one's own for one that all files would share.
    """
    body = mutated_json(text, chance) if chance.random() < 0.8 else json.dumps(text).encode()
    for usual, wanted in instead.items():
        body = body.replace(usual.encode(), wanted.encode())
    raw = chance.choices(_PACKERS, _PACKER_WEIGHTS)[0](body)
    return _damaged(raw, chance) if chance.random() < 0.12 else raw


def mutated_json(document: Any, chance: random.Random) -> bytes:
    """JSON of which up to four values or keys are odd, and whose bytes may be damaged beside."""
    document = copy.deepcopy(document)
    raw: list[bytes] = []
    for _ in range(chance.randint(0, 4)):
        _change(document, chance, raw)
    text = json.dumps(document, ensure_ascii=chance.random() < 0.5).encode("utf-8", "surrogatepass")
    for number, value in enumerate(raw):
        mark = json.dumps(_MARK.format(number))
        for written in (mark.encode(), json.dumps(_MARK.format(number), ensure_ascii=False).encode()):
            text = text.replace(written, value)
    return _damaged(text, chance) if chance.random() < 0.12 else text


def _change(document: Any, chance: random.Random, raw: list[bytes]) -> None:
    holder: Any = document
    key: Any = None
    while isinstance(holder, dict | list) and holder:  # down to some value, the deeper the more of them there are
        key = chance.choice(list(holder) if isinstance(holder, dict) else range(len(holder)))
        if (
            not isinstance(holder[key], dict | list)
            or not holder[key]
            or chance.random() < (0.02 if holder is document else 0.15)
        ):
            break
        holder = holder[key]
    if not isinstance(holder, dict | list) or not holder:
        return
    kind = chance.random()
    if kind < 0.4:
        holder[key] = copy.deepcopy(chance.choice(_VALUES))
    elif kind < 0.7:
        holder[key] = _MARK.format(len(raw))
        raw.append(chance.choice(_RAW if chance.random() < 0.97 else _BROKEN))
    elif kind < 0.8:
        del holder[key]
    elif isinstance(holder, dict):
        holder[chance.choice(["", "STANDBY", "waitTime", "id", "\ud83c", "\0", f"{key}"[::-1]])] = holder.pop(key)
    elif kind < 0.9:
        holder += copy.deepcopy(holder[: chance.randint(0, 5)])
    else:
        chance.shuffle(holder)


def _damaged(raw: bytes, chance: random.Random) -> bytes:
    damaged = bytearray(raw)
    for _ in range(chance.randint(1, 3)):
        at = chance.randrange(len(damaged) or 1)
        kind = chance.random()
        if not damaged:
            break
        if kind < 0.5:
            damaged[at] ^= 1 << chance.randrange(8)
        elif kind < 0.65:
            del damaged[at:]
        elif kind < 0.75:
            del damaged[at : at + chance.randint(1, 40)]
        elif kind < 0.9:
            damaged[at:at] = chance.randbytes(chance.randint(1, 10))
        else:
            damaged[at:at] = damaged[: chance.randint(0, 200)]
    return bytes(damaged)


def _raw_deflate(text: bytes) -> bytes:
    packer = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return packer.compress(text) + packer.flush()


def bomb(filling: bytes, inflated_bytes: int) -> bytes:
    """A few hundred kilobytes that inflate to `inflated_bytes` of a list of events which are `filling`, repeated."""
    packer = zlib.compressobj(9)
    block = filling * (1_000_000 // len(filling))
    parts = [packer.compress(b'{"events": [')]
    parts += [packer.compress(block) for _ in range(inflated_bytes // len(block))]
    parts.append(packer.compress(filling.rstrip(b",") + b"]}"))
    return b"".join([*parts, packer.flush()])


_PACKERS: list[Callable[[bytes], bytes]] = [
    zlib.compress,
    gzip.compress,
    lambda text: text,
    lambda text: zlib.compress(text) + b"\n",
    lambda text: zlib.compress(text) + b"more",
    lambda text: zlib.compress(zlib.compress(text)),
    lambda text: gzip.compress(text[:100]) + gzip.compress(text[100:]),
    lambda text: zlib.compress(text)[:-4] + b"\0\0\0\0",
    _raw_deflate,
    lambda text: b"",
]
_PACKER_WEIGHTS = [80, 10, 10, 6, 3, 2, 3, 2, 2, 1]
