"""A process that decodes and validates files while this one loads them: Python has one interpreter lock a process.

Not a pool of multiprocessing or concurrent.futures: a worker of the queue is daemonic and may start no such process,
and beside threads nothing may be forked. What is started is a small program (imports.events.decoder_process).
"""

import logging
import pickle
import socket
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Iterable
from multiprocessing.connection import Connection
from pathlib import Path

from imports.events.decoded import Decoded
from imports.events.decoding import Job, do, open_answer
from imports.events.validation import Validated
from imports.sources.source import DayFile
from warehouse.cores import cores

logger = logging.getLogger(__name__)

PROJECT = Path(__file__).resolve().parents[2]
ENDS_WITHIN_SECONDS = 10  # once its end of the connection is closed
TRIES = 3  # of one file, each by a new process
# Some 100,000 events, two seconds of work. A decoder takes 0.1 s of CPU to start and saves 3 us an event of what the
# import waits for; with less, a job's process (imports.archive.how_many_jobs) takes as long to begin as it saves.
WORTH_ITS_START_BYTES = 4 * 1024 * 1024


def decoders_for(files: Iterable[DayFile], jobs: int = 1) -> int:
    """How many decoders an import of these files is given: 1, or 0 where a thread does as well, since there is little
    to decode, or no core for it beside the `jobs` imports that run side by side."""
    listed_bytes = sum(file.size_bytes or 0 for file in files)
    return int(cores() > jobs and listed_bytes >= WORTH_ITS_START_BYTES and bool(sys.executable))


class DecoderLost(Exception):
    """A file ended every decoder that was given it; the message says what to do."""


class Decoder:
    """Decodes in a process of its own, in the order of the jobs. One thread gives jobs and takes answers; `close` may
    be called from any.

    A process that ends before its answer (killed, out of memory) is followed by another one, which is given the same
    file again. Where none can be started the jobs are done here.
    """

    def __init__(self) -> None:
        self._jobs: deque[Job] = deque()  # that were given and not answered
        self._ended = 0  # decoders, by the job that is answered next
        self._process: subprocess.Popen | None = None
        self._connection: Connection | None = None
        self._is_sound = False  # this process has answered
        self._here = False
        self._closed = False
        self._starting = threading.Lock()

    def give(self, job: Job) -> None:
        """Have it done; what is done already may wait to be taken meanwhile."""
        self._jobs.append(job)
        if self._connection is not None:
            self._send(job)

    def take(self) -> tuple[Decoded, Validated]:
        """What `do` gives for the oldest job. It raises what that raises; DecoderLost; OSError: it was closed."""
        while not self._here:
            if self._connection is None:
                self._start()
                continue
            try:
                answer = self._connection.recv_bytes()
            except (EOFError, OSError):
                self._bury()
                continue
            self._is_sound, self._ended = True, 0
            self._jobs.popleft()
            found = pickle.loads(answer)  # from our own child
            if isinstance(found, BaseException):
                raise found
            return open_answer(found)
        return do(self._jobs.popleft())

    def close(self) -> None:
        """End the process, whatever it does; `take` raises then."""
        with self._starting:
            self._closed = True
            if self._process is not None:
                self._process.kill()
                self._process.wait()

    def drop(self) -> None:
        """Let go of the connection; for the thread that uses it."""
        self.close()
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _start(self) -> None:
        try:
            with self._starting:
                if self._closed:
                    raise ConnectionAbortedError("the decoder is closed")
                ours, its = socket.socketpair()
                with its:
                    self._connection = Connection(ours.detach())
                    self._process = subprocess.Popen(
                        [sys.executable, "-m", "imports.events.decoder_process", str(its.fileno())],
                        cwd=PROJECT,
                        stdin=subprocess.DEVNULL,
                        stdout=subprocess.DEVNULL,
                        stderr=subprocess.DEVNULL,
                        pass_fds=[its.fileno()],
                        process_group=0,  # Ctrl-C is for the command, which ends it
                    )
        except ConnectionAbortedError:
            raise
        except OSError as error:  # no memory, too many processes or descriptors
            self._give_up(error.strerror or str(error))
            return
        self._is_sound = False
        for job in list(self._jobs):
            self._send(job)

    def _send(self, job: Job) -> None:
        assert self._connection is not None
        try:
            self._connection.send((job.decode, job.now, job.wait_max_minutes))
            self._connection.send_bytes(job.raw)
        except OSError:
            pass  # it has ended, as is noticed when its answer is to be taken

    def _bury(self) -> None:
        """It has ended, and the oldest job is to be given to another one."""
        assert self._process is not None and self._connection is not None
        try:
            status = self._process.wait(ENDS_WITHIN_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            status = self._process.wait()
        self._connection.close()
        self._connection = None
        if self._closed:
            raise ConnectionAbortedError("the decoder is closed")
        how = f"by signal {-status}" if status < 0 else f"with exit status {status}"
        if status > 0 and not self._is_sound:
            self._give_up(f"it ended {how}")
            return
        self._ended += 1
        logger.warning("a decoder ended %s, for the %d. time with one file", how, self._ended)
        if self._ended == TRIES:
            raise DecoderLost(
                f"{TRIES} decoders in a row ended while they read it, the last {how}; mostly memory is short: make "
                "room and resume the import"
            )

    def _give_up(self, why: str) -> None:
        logger.warning("no decoder can be started (%s): files are decoded in the import itself", why)
        self._here = True
        if self._connection is not None:
            self._connection.close()
            self._connection = None
