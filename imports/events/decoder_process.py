"""The process that decodes files while an import loads them: `python -m imports.events.decoder_process FD`.

Jobs come and answers go over one connection, FD (imports.archive.decoder holds the other end). It starts without
Django, so that it takes 0.1 s of CPU and 20 MB. It ends with its parent, whatever ends that: at the end of what comes,
in the middle of a file too, or where another process keeps the connection open, when its parent is another one. No
signal that is meant for the import ends it before.
"""

import gc
import os
import pickle
import queue
import signal
import sys
import threading
import traceback
from multiprocessing.connection import Connection
from typing import NoReturn

from imports.events.decoding import Job, answer_of, do

PARENT_LOOKED_AT_SECONDS = 1
JOBS_PER_COLLECTION = 50


#: how to decode, pickled, and the bytes of the file
_Jobs = queue.SimpleQueue[tuple[bytes, bytes]]


def main(descriptor: int) -> NoReturn:
    """Answer one job after the other, in their order, until nobody asks any more."""
    for number in (signal.SIGINT, signal.SIGTERM):  # of a terminal, of whoever ends all of a service at once
        signal.signal(number, signal.SIG_IGN)
    parent = os.getppid()
    connection = Connection(descriptor)
    jobs: _Jobs = queue.SimpleQueue()  # the import sends two at most
    threading.Thread(target=_listen, args=(connection, jobs), daemon=True).start()
    gc.disable()  # events hold no cycle, and there are hundred thousands of them
    gc.freeze()
    done = 0
    while True:
        try:
            job = jobs.get(timeout=PARENT_LOOKED_AT_SECONDS)
        except queue.Empty:
            if os.getppid() != parent:
                _end()
            continue
        answer = _answer(*job)
        del job
        try:
            connection.send_bytes(answer)
        except OSError:
            _end()
        del answer
        done += 1
        if done % JOBS_PER_COLLECTION == 0:
            gc.collect()


def _listen(connection: Connection, jobs: _Jobs) -> NoReturn:
    """On a thread of its own, so that whoever sends a job never waits for an answer that waits to be taken."""
    try:
        while True:
            how = connection.recv_bytes()
            jobs.put((how, connection.recv_bytes()))
    except (EOFError, OSError):
        _end()
    except BaseException:
        _end(1)


def _answer(how: bytes, raw: bytes) -> bytes:
    """The Answer or the exception, pickled; the import raises it."""
    try:
        decode, now, wait_max_minutes = pickle.loads(how)
        return pickle.dumps(answer_of(*do(Job(decode, raw, now, wait_max_minutes))), pickle.HIGHEST_PROTOCOL)
    except Exception as error:
        error.add_note(f"in the decoder:\n{traceback.format_exc()}")
        try:
            return pickle.dumps(error, pickle.HIGHEST_PROTOCOL)
        except Exception:
            return pickle.dumps(RuntimeError(f"{type(error).__name__}: {error}"), pickle.HIGHEST_PROTOCOL)


def _end(status: int = 0) -> NoReturn:
    os._exit(status)  # from any thread, whatever the others do


if __name__ == "__main__":
    main(int(sys.argv[1]))
