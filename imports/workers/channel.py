"""What the processes of a cluster share, made so that none of them can keep it from the others.

django-q2 shares queues and events of multiprocessing, whose locks are semaphores: a worker that is killed while it
waits for a task holds that of the queue, and no other worker gets a task ever again. Here a message is a datagram,
which the kernel gives whole to one reader, and a flag or a pulse is a byte or a number in shared memory. All of it is
made before the fork of those who use it.
"""

import mmap
import multiprocessing
import pickle
import select
import socket
import time
from collections.abc import Callable
from contextlib import suppress

#: of a message; a datagram is at most what the kernel's buffer holds, 208 kB where nobody set it otherwise
MESSAGE_BYTES_MAX = 150_000
ROUND_SECONDS = 1.0
STOP = "STOP"  # by which django-q2's loops know the end


class TooLarge(Exception):
    """A message of more than MESSAGE_BYTES_MAX."""


class Flag:
    """Down until `set`, which whoever shares it sees."""

    def __init__(self) -> None:
        self._memory = mmap.mmap(-1, 1)

    def set(self) -> None:
        self._memory[0] = 1

    def is_set(self) -> bool:
        return self._memory[0] == 1

    def wait(self, seconds: float) -> bool:
        """Of a multiprocessing.Event what is used; that waits for those who were killed while they waited for it."""
        until = time.monotonic() + seconds
        while not self.is_set() and (left := until - time.monotonic()) > 0:
            time.sleep(min(left, 0.1))
        return self.is_set()


class Pulse:
    """What one process says while it makes its rounds, and another watches."""

    def __init__(self) -> None:
        self._memory = mmap.mmap(-1, 8)
        self._numbers = memoryview(self._memory).cast("Q")

    def beat(self) -> None:
        self._numbers[0] += 1

    @property
    def beats(self) -> int:
        return self._numbers[0]


class Watch:
    """For how long a pulse has not come, in seconds of the watcher's own rounds: what has stood still together, in a
    container that was paused, is not taken for one that stands still alone."""

    LONGEST_ROUND_SECONDS = 2.0

    def __init__(self, pulse: Pulse, clock: Callable[[], float] = time.monotonic):
        self._pulse, self._clock = pulse, clock
        self._beats, self._looked_at, self._silent = pulse.beats, clock(), 0.0

    def silent_for(self) -> float:
        """To be called each round."""
        beats, now = self._pulse.beats, self._clock()
        if beats != self._beats:
            self._beats, self._silent = beats, 0.0
        else:
            self._silent += min(now - self._looked_at, self.LONGEST_ROUND_SECONDS)
        self._looked_at = now
        return self._silent


class Channel:
    """Messages of some processes to one of some others: of a multiprocessing.Queue what django-q2 uses.

    `empty`: nothing lies there that nobody has taken. `close`: who reads finds STOP when it is empty.
    """

    def __init__(self) -> None:
        self._reader, self._writer = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
        for option in (socket.SO_SNDBUF, socket.SO_RCVBUF):
            for end in (self._reader, self._writer):
                end.setsockopt(socket.SOL_SOCKET, option, 4 * MESSAGE_BYTES_MAX)
        self._reader.setblocking(False)
        self._closed = Flag()

    def put(self, message: object) -> None:
        """TooLarge. Waits where ten lie there."""
        packed = pickle.dumps(message)
        if len(packed) > MESSAGE_BYTES_MAX:
            raise TooLarge(f"{len(packed):,} bytes are more than the {MESSAGE_BYTES_MAX:,} of a message")
        self._writer.sendall(packed)

    def get(self, each_round: Callable[[], None] | None = None) -> object:
        """The next message, or STOP. `each_round` is called while there is none, every ROUND_SECONDS."""
        while True:
            if each_round is not None:
                each_round()
            if self._lies_there(ROUND_SECONDS):
                try:
                    return pickle.loads(self._reader.recv(2 * MESSAGE_BYTES_MAX))
                except BlockingIOError:  # another was faster
                    continue
            elif self._closed.is_set():
                return STOP

    def empty(self) -> bool:
        return not self._lies_there(0)

    def close(self) -> None:
        self._closed.set()

    def _lies_there(self, seconds: float) -> bool:
        poll = select.poll()
        poll.register(self._reader, select.POLLIN)
        return bool(poll.poll(seconds * 1000))


class PatientLock:
    """The lock of a worker's timer, which the sentinel waits for: for a moment alone, since the worker may have died
    with it, or hang. What it guards is one number."""

    SECONDS = 0.5  # thrice a worker and round, of which the sentinel is to make one in 120 s

    def __init__(self) -> None:
        self._lock = multiprocessing.RLock()

    def acquire(self) -> bool:
        return self._lock.acquire(timeout=self.SECONDS)

    def release(self) -> None:
        with suppress(AssertionError):  # it was not had
            self._lock.release()

    def __enter__(self) -> bool:
        return self.acquire()

    def __exit__(self, *exc: object) -> None:
        self.release()
