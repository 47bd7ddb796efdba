"""What bytes are that are no day file, in a few words: an operator mends a web page otherwise than a damaged disk.

Known by how they begin, as they came and once inflated; never read any further.
"""

import re
import zlib

_BEGIN_BYTES = 4096
_PACKED_BYTES = 1 << 16  # in which they lie; of what is given beyond, zlib makes a copy

_PACKED = {
    b"\x28\xb5\x2f\xfd": "zstd",
    b"\xfd7zXZ\x00": "xz",
    b"BZh": "bzip2",
    b"PK\x03\x04": "zip",
    b"7z\xbc\xaf\x27\x1c": "7z",
    b"\x04\x22\x4d\x18": "lz4",
}
_ZLIB_BEGINS = (b"\x78\x01", b"\x78\x5e", b"\x78\x9c", b"\x78\xda")
_GZIP_BEGIN = b"\x1f\x8b"


def name_of_bytes(raw: bytes) -> str:
    """`packed by zstd; unpack it`, `an HTML page, ...`; "" for what begins as nothing known."""
    begin = raw[:_BEGIN_BYTES]
    if found := _name_of_begin(begin):
        return found
    inflated = _inflated_begin(raw)
    if not inflated:
        return ""
    if inflated.startswith((_GZIP_BEGIN, *_ZLIB_BEGINS)):
        return "compressed twice; unpack it once"
    return _name_of_begin(inflated)


def _name_of_begin(begin: bytes) -> str:
    for magic, packer in _PACKED.items():
        if begin.startswith(magic):
            return f"packed by {packer}, which is not read; unpack it, or pack it by gzip"
    if begin and not begin.strip(b"\0"):
        return "nothing but zero bytes, as a disk leaves them that was full or switched off"
    if begin.startswith((b"\xff\xfe", b"\xfe\xff")):
        return "a text in UTF-16; JSON is UTF-8"
    text = begin.removeprefix(b"\xef\xbb\xbf").lstrip()
    if text.startswith(b"version https://git-lfs.github.com/spec/"):
        return "a pointer of Git LFS, not the file itself; run git lfs pull"
    if re.match(rb"(\.\./)*(\.git/annex/objects/|/annex/objects/)", text):
        return "a pointer of git-annex, not the file itself; run git annex get"
    if re.match(rb"<!doctype html|<html", text, re.IGNORECASE):
        return "an HTML page, perhaps an error or a login in the file's place; get the file again"
    if text.startswith((b"<?xml", b"<Error>")):
        code = re.search(rb"<Error>.*?<Code>([A-Za-z]{1,50})</Code>", text, re.DOTALL)
        what = f"S3's answer {code[1].decode()}" if code else "an XML document"
        return f"{what} in the file's place; get the file again"
    return ""


def _inflated_begin(raw: bytes) -> bytes:
    """The first bytes of what a zlib or gzip stream holds; b"" where it is none."""
    try:
        return zlib.decompressobj(wbits=zlib.MAX_WBITS | 32).decompress(raw[:_PACKED_BYTES], _BEGIN_BYTES)
    except zlib.error:
        return b""
