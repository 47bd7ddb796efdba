"""What a decoder process may be told to do instead of decoding, and parents of such a one; light, since it is loaded
there. `raw` and `fifo` are the path of a FIFO that a test reads."""

import os
import signal
from datetime import UTC, datetime
from pathlib import Path

from imports.archive.decoder import Decoder
from imports.events.decoded import Decoded, of_day_file
from imports.events.decoding import Decode, Job


def tell_and_wait(raw: bytes) -> Decoded:
    """In the middle of a file, for as long as it takes: it says who does."""
    Path(raw.decode()).write_text(str(os.getpid()))
    while True:
        signal.pause()


def tell_of_both_and_wait(raw: bytes) -> Decoded:
    Path(raw.decode()).write_text(f"{os.getppid()} {os.getpid()}")
    while True:
        signal.pause()


def tell_and_wait_once(raw: bytes) -> Decoded:
    fifo = Path(raw.decode())
    mark = fifo.with_suffix(".done")
    if mark.exists():
        return Decoded([])
    mark.touch()
    return tell_and_wait(raw)


def end(raw: bytes) -> Decoded:
    os.kill(os.getpid(), signal.SIGKILL)
    return tell_and_wait(raw)


def leave(raw: bytes) -> Decoded:
    os._exit(3)


def raise_what_cannot_be_sent(raw: bytes) -> Decoded:
    raise Unsendable(lambda: None)


class Unsendable(Exception):
    def __str__(self) -> str:
        return "not to be sent"


# --- parents ----------------------------------------------------------------------------------------------------------
def decode_and_tell_of_both(fifo: str) -> None:
    """Never comes back."""
    _decoded(Decoder(), fifo, tell_of_both_and_wait)


def decode_and_fork(fifo: str) -> None:
    """A file, and then nothing: with a child that holds all that is open here, and outlives this."""
    process = Decoder()
    _decoded(process, "[]", of_day_file)
    other = os.fork()
    if other:
        Path(fifo).write_text(f"{os.getpid()} {process._process.pid} {other}")
    signal.pause()


def _decoded(process: Decoder, raw: str, decode: Decode) -> None:
    process.give(Job(decode, raw.encode(), datetime.now(UTC), 300))
    process.take()
