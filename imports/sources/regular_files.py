"""Reading files of a folder that others write into: regular ones alone, without waiting, and never more than expected.

A FIFO would wait for a writer until the end of days, a device would give for ever, and so would a file that somebody
goes on writing to.
"""

import os
import stat
from pathlib import Path


class NotRegular(Exception):
    """It is a FIFO, a device, a socket or a folder; nothing was read."""


class TooManyBytes(Exception):
    """It is larger than may be read, or grew while it was read; the message says which."""


def open_regular(path: Path) -> int:
    """A descriptor to read from, its own to close. NotRegular; OSError."""
    try:
        # without waiting, where a FIFO has taken the place of the file since it was listed
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    except BlockingIOError:  # a regular file, on which a file server has a lease that it is asked to give back
        descriptor = os.open(path, os.O_RDONLY)
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise NotRegular("it is no regular file")
    return descriptor


def read_regular(path: Path, max_bytes: int) -> bytes:
    """All of a file. NotRegular; TooManyBytes; OSError."""
    with open(open_regular(path), "rb") as opened:
        size = os.fstat(opened.fileno()).st_size
        if size > max_bytes:
            raise TooManyBytes(f"it has {size:,} bytes; more than {max_bytes:,} are not read")
        content = opened.read(size + 1)
    if len(content) > size:
        raise TooManyBytes("it grew while it was read; read it again when it is whole")
    return content
