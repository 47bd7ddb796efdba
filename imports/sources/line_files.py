"""Files of lines, plain or packed by gzip, in bounded memory whatever their size: where each line lies, and its bytes.

What lies before damage is read: a collector that was killed leaves half a line or half a gzip stream at the end.
"""

import gzip
import os
import zlib
from array import array
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from imports.events.captures import strip_line
from imports.events.foreign import name_of_bytes
from imports.sources.regular_files import NotRegular, open_regular
from imports.sources.source import ArchiveError, Why

LINE_MAX_BYTES = 64 * 1024 * 1024  # an answer about the largest destination has 0.5 MB
GZIP_BEGIN = b"\x1f\x8b"
# Answers inflate 10 to 30 times, and many that are alike 200 times; what does more is made to.
INFLATED_TIMES_MAX = 500
INFLATED_TIMES_FROM_BYTES = 256 * 1024 * 1024
DAMAGE = (EOFError, gzip.BadGzipFile, zlib.error)

#: what tells a file of before from one that was written to: device, inode, size, time of change (ns)
Signature = tuple[int, int, int, int]


@dataclass(slots=True)
class Lines:
    """Where lines lie, in no order: the number of the file, offset and size of each; and a sum over their content."""

    files: array = field(default_factory=lambda: array("L"))
    offsets: array = field(default_factory=lambda: array("q"))  # in the inflated content
    sizes: array = field(default_factory=lambda: array("q"))
    checksum: int = 0

    def add(self, file: int, offset: int, line: bytes) -> None:
        """One more."""
        self.files.append(file)
        self.offsets.append(offset)
        self.sizes.append(len(line))
        self.checksum += zlib.crc32(line)

    def add_all(self, other: "Lines", file: int | None = None) -> None:
        """All of another's; `file`: of whom they are in this numbering."""
        self.files.extend(other.files if file is None else array("L", [file]) * len(other.files))
        self.offsets.extend(other.offsets)
        self.sizes.extend(other.sizes)
        self.checksum += other.checksum

    def __len__(self) -> int:
        return len(self.sizes)

    @property
    def joined_bytes(self) -> int:
        """What they weigh with a line end between two."""
        return sum(self.sizes) + max(len(self) - 1, 0)

    def in_order(self) -> list[tuple[int, int, int]]:
        """As they lie: by file and offset."""
        return sorted(zip(self.files, self.offsets, self.sizes, strict=True))


@dataclass(slots=True)
class Look:
    """What a look at one file met beside its lines."""

    troubles: Counter[Why] = field(default_factory=Counter)
    open_end: bool = False  # the last line that was given has no line end: it may be cut short
    begin: bytes = b""


def signature_of(path: Path) -> Signature:
    """ArchiveError: it is gone, or may not be looked at."""
    try:
        info = path.stat()
    except OSError as error:
        raise _unreadable(path, error) from error
    return info.st_dev, info.st_ino, info.st_size, info.st_mtime_ns


def lines_of(path: Path, look: Look) -> Iterator[tuple[int, bytes]]:
    """Each line that is not empty, without its end, with its offset in the inflated content; `look` is filled on the
    way. A file that grows meanwhile is read as far as it reached at the start."""
    with _open(path) as raw:
        size = os.fstat(raw.fileno()).st_size
        look.begin = raw.read(4096)
        raw.seek(0)
        packed = look.begin.startswith(GZIP_BEGIN)
        content = gzip.GzipFile(fileobj=raw) if packed else raw
        offset = 0
        end = max(INFLATED_TIMES_MAX * size, INFLATED_TIMES_FROM_BYTES) if packed else size
        try:
            while offset < end:
                line = content.readline(LINE_MAX_BYTES)
                if not line:
                    break
                begin, offset = offset, offset + len(line)
                look.open_end = not line.endswith(b"\n")
                if look.open_end and len(line) == LINE_MAX_BYTES:
                    look.troubles[Why.LONG_LINE] += 1
                    offset += _skip_line(content, end - offset)
                    look.open_end = False
                    continue
                shift, line = strip_line(line)
                if line:
                    yield begin + shift, line
            if packed and offset >= end:
                look.troubles[Why.BOMB] += 1
        except DAMAGE:
            look.troubles[Why.DAMAGED] += 1
        except OSError as error:
            raise _unreadable(path, error) from error


def _skip_line(content: IO[bytes] | gzip.GzipFile, most: int) -> int:
    skipped = 0
    while skipped < most and (line := content.readline(1 << 20)):
        skipped += len(line)
        if line.endswith(b"\n"):
            break
    return skipped


class LineReader:
    """Lines by where they lie. Keeps the last file open: lines of one day after the other lie one behind the other,
    and a gzip stream that is gone back in is inflated from its begin."""

    def __init__(self, paths: Sequence[Path]):
        self._paths = paths
        self._open: tuple[int, IO[bytes], gzip.GzipFile | None] | None = None

    def read(self, file: int, offset: int, size: int) -> bytes:
        """Fewer bytes than asked for: the file is shorter than it was, or damaged. ArchiveError: it is gone."""
        try:
            content = self._content(file)
            content.seek(offset)
            return content.read(size)
        except DAMAGE:
            return b""
        except OSError as error:
            raise _unreadable(self._paths[file], error) from error

    def close(self) -> None:
        """Until the next read."""
        if self._open is not None:
            _, raw, inflating = self._open
            if inflating is not None:
                inflating.close()
            raw.close()
            self._open = None

    def _content(self, file: int) -> IO[bytes] | gzip.GzipFile:
        if self._open is None or self._open[0] != file:
            self.close()
            raw = _open(self._paths[file])
            packed = raw.peek(2).startswith(GZIP_BEGIN)
            self._open = file, raw, gzip.GzipFile(fileobj=raw) if packed else None
        return self._open[2] or self._open[1]


def what_it_is(look: Look) -> str:
    """What a file is that has no line to use, where it begins as something known; else ""."""
    return name_of_bytes(look.begin)


def _open(path: Path):
    """Only a regular file, and without waiting for whoever would write into a FIFO."""
    try:
        descriptor = open_regular(path)
    except OSError as error:
        raise _unreadable(path, error) from error
    except NotRegular as error:
        raise ArchiveError(f"{path}: no regular file; give a file of captures, or a folder of them") from error
    return os.fdopen(descriptor, "rb", buffering=1 << 20)


def _unreadable(path: Path, error: OSError) -> ArchiveError:
    return ArchiveError(f"{path}: {error.strerror or error}; it must be readable to import from it")
