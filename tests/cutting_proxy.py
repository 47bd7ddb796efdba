"""A proxy between a client and its database server that cuts the connection where a test says: before a packet, which
the server then never gets, or after it, when the server has done what it asks and the answer is lost.

    with cutting_proxy(connection) as proxy, proxy.between(connection):
        proxy.cut("after", "COMMIT", behind="LOAD DATA")    # the first COMMIT that follows a LOAD DATA
        proxy.cut("before", 7, session=1)                   # the 7th packet of the first connection opened from now on
        proxy.cut("after", 7, refuse=3)                     # of any connection; and the next 3 are refused
        proxy.cut("late", "COMMIT").deliver.set()           # the client is cut off; the server gets it when this is set
        proxy.misquote(b"10.11", b"10.04")                  # whatever the server says, as if it had said this

What is counted is what the client asks: its login, each command, and of a LOAD DATA LOCAL also the beginning and the
end of the file, however long it is, so that the numbers do not depend on how much is loaded. Its goodbye is not: nobody
waits for it. To cut at every place, let the work go through once and count `proxy.packets`.

It reads the protocol as it is: of both TLS and compression it makes the server say that it has none.
"""

import re
import select
import socket
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.waiting import HANG_SECONDS

LOGIN, FILE, END_OF_FILE = "<login>", "<file>", "<end of file>"

_HEADER_BYTES = 4  # three of the length, one of the number
_LONGEST_PAYLOAD_BYTES = 0xFFFFFF  # a packet of this length goes on in the next
_QUERY, _STMT_SEND_LONG_DATA, _STMT_CLOSE = 0x03, 0x18, 0x19
_QUIT = 0x01
_COMMANDS = {_QUIT: "", 0x02: "<init db>", 0x0E: "<ping>", 0x1B: "<set option>", 0x1F: "<reset connection>"}
_NEVER_ANSWERED = {_STMT_SEND_LONG_DATA, _STMT_CLOSE}
_SEND_A_FILE = 0xFB  # the server's answer to LOAD DATA LOCAL
_QUERY_ATTRIBUTES = b"\x00\x01"  # none of them: what a client of MySQL 8 sends before the statement
_TLS_AND_COMPRESSION = 0x0800 | 0x0020


@dataclass(frozen=True, slots=True)
class Packet:
    """What a client asked: `number` of all since the proxy began, `session` the connection it came on, both from 1;
    `text` the statement, or in <> what it is instead (<login>, <file>, <end of file>, <ping>)."""

    number: int
    session: int
    text: str


@dataclass(eq=False)
class Cut:
    """One cut that was asked for; `packet` is where it was made."""

    moment: str
    at: int | str
    behind: str
    session: int | None
    refuse: "int | threading.Event"
    packet: Packet | None = None
    happened: threading.Event = field(default_factory=threading.Event)
    deliver: threading.Event = field(default_factory=threading.Event)
    _counted: int = 0
    _behind_it: set[int] = field(default_factory=set)  # the sessions that have sent `behind`

    def meets(self, packet: Packet) -> bool:
        """Whether this packet is the one; to be asked of every packet, in order."""
        if self.session is not None and packet.session != self.session:
            return False
        if self.behind and packet.session not in self._behind_it:
            if re.search(self.behind, packet.text, re.IGNORECASE):
                self._behind_it.add(packet.session)
            return False
        self._counted += 1
        if isinstance(self.at, int):
            return self._counted == self.at
        return re.search(self.at, packet.text, re.IGNORECASE) is not None


class CuttingProxy:
    """Made by `cutting_proxy`. `packets`: all that came; `refused`: how many connections it did not let in."""

    def __init__(self, database: dict[str, Any], default_socket: str):
        self.packets: list[Packet] = []
        self.refused = 0
        self._cuts: list[Cut] = []
        self._refusing: int | threading.Event = 0
        self._sessions: list[_Session] = []
        self._opened = 0
        self.misquoted = b"", b""
        self._lock = threading.Lock()
        self._folder = tempfile.TemporaryDirectory(prefix="cut")  # a path of a socket has room for 103 bytes
        host, path = database["HOST"], database["OPTIONS"].get("unix_socket", "")
        if host.startswith("/"):
            path = path or host
        elif host in ("", "localhost"):
            path = path or default_socket
        if path:
            self._listener = socket.socket(socket.AF_UNIX)
            self._listener.bind(str(Path(self._folder.name) / "db.sock"))
            self._server: str | tuple[str, int] = path
        else:
            self._listener = socket.socket(socket.AF_INET)
            self._listener.bind(("127.0.0.1", 0))
            self._server = host, int(database["PORT"] or 3306)
        self._listener.listen(50)
        threading.Thread(target=self._accept, name="cutting proxy", daemon=True).start()

    # --- what a test asks for -------------------------------------------------------------------------------------
    def misquote(self, said: bytes, into: bytes) -> None:
        """Of the same length, since packets say theirs."""
        assert len(said) == len(into) > 0
        self.misquoted = said, into

    def cut(
        self,
        moment: str,
        at: int | str,
        *,
        behind: str = "",
        session: int | None = None,
        refuse: "int | threading.Event" = 0,
    ) -> Cut:
        """Cut once, "before" or "after" a packet, or "late", with the packet on its way still until `deliver` of what
        this gives is set: the at-th from now on, or the first whose text matches `at`.

        behind   only what follows a packet of the same connection that matches this counts
        session  only the packets of this connection count: the first, second, ... one opened from now on
        refuse   from the cut on, as in `refuse`. Then all connections are cut, as when a server goes away
        """
        if moment not in ("before", "after", "late"):
            raise ValueError(f"{moment!r} is neither before nor after, nor late")
        with self._lock:
            cut = Cut(moment, at, behind, None if session is None else self._opened + session, refuse)
            self._cuts.append(cut)
        return cut

    def refuse(self, how: "int | threading.Event") -> None:
        """Let in no new connection: so many times, or until an event is set. For ever: an event that nobody sets.

        A client is hung up on before the server's greeting. 0 lets all in again.
        """
        with self._lock:
            self._refusing = how

    def settings(self, database: dict[str, Any]) -> dict[str, Any]:
        """Django's settings of a database of the same server, pointed to the proxy."""
        address = self._listener.getsockname()
        options = {name: value for name, value in database["OPTIONS"].items() if name != "unix_socket"}
        if isinstance(address, str):
            return {**database, "HOST": "", "PORT": "", "OPTIONS": {**options, "unix_socket": address}}
        return {**database, "HOST": address[0], "PORT": str(address[1]), "OPTIONS": options}

    @contextmanager
    def between(self, connection) -> Iterator[None]:
        """Within it, every connection that this process opens to the database goes through the proxy, whatever thread
        opens it. The one of this thread is opened anew, before and afterwards."""
        known = dict(connection.settings_dict)
        connection.close()
        connection.settings_dict.update(self.settings(known))
        try:
            yield
        finally:
            connection.close()
            connection.settings_dict.update(known)

    def close(self) -> None:
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)  # wakes accept()
        self._listener.close()
        for session in self._living():
            session.hang_up()
            session.join(timeout=10)
        self._folder.cleanup()

    # --- what its threads do --------------------------------------------------------------------------------------
    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:  # closed
                return
            with self._lock:
                if self._is_refusing():
                    self.refused += 1
                    client.close()
                    continue
                self._opened += 1
                session = _Session(self, self._opened, client)
                self._sessions.append(session)
            session.start()

    def _is_refusing(self) -> bool:
        if isinstance(self._refusing, threading.Event):
            return not self._refusing.is_set()
        if self._refusing == 0:
            return False
        self._refusing -= 1
        return True

    def _living(self) -> list["_Session"]:
        with self._lock:
            return list(self._sessions)

    def connect(self) -> socket.socket:
        server = socket.socket(socket.AF_UNIX if isinstance(self._server, str) else socket.AF_INET)
        server.connect(self._server)
        return server

    def seen(self, session: int, text: str) -> Cut | None:
        """Count a packet; the cut that it meets."""
        with self._lock:
            packet = Packet(len(self.packets) + 1, session, text)
            self.packets.append(packet)
            met = [cut for cut in self._cuts if cut.meets(packet)]
            for cut in met[:1]:
                self._cuts.remove(cut)
                cut.packet = packet
            return met[0] if met else None

    def make(self, cut: Cut, hang_up: Callable[[], None]) -> None:
        """Whoever notices that the connection is gone finds all of it in place."""
        others: list[_Session] = []
        if cut.refuse:
            self.refuse(cut.refuse)
            others = self._living()
        cut.happened.set()
        for session in others:  # before the one that waits: it goes on at once, and may ask by another
            if session is not threading.current_thread():
                session.hang_up()
        hang_up()

    def ended(self, session: "_Session") -> None:
        with self._lock:
            self._sessions.remove(session)


class _Session(threading.Thread):
    """One client's connection, and the one to the server that it stands for."""

    def __init__(self, proxy: CuttingProxy, number: int, client: socket.socket):
        super().__init__(name=f"cutting proxy, session {number}", daemon=True)
        self._proxy, self._number, self._client = proxy, number, client
        self._server: socket.socket | None = None
        self._from_client = b""
        self._greeting: bytes | None = b""  # None: it has been passed on
        self._answer = b""  # the first bytes of the answer to the last command
        self._login_told = self._logged_in = False
        self._in_file = self._file_told = False
        self._goes_on = False
        self._cut_at_answer: Cut | None = None

    def run(self) -> None:
        try:
            self._server = self._proxy.connect()
            while self._pass_on():
                pass
        except OSError:
            pass  # one of the two has hung up
        finally:
            self._close()
            self._proxy.ended(self)

    def hang_up(self) -> None:
        """From any thread; the session's own notices and ends."""
        for end in (self._server, self._client):
            if end is not None:
                with suppress(OSError):
                    end.shutdown(socket.SHUT_RDWR)

    def _close(self) -> None:
        for end in (self._server, self._client):
            if end is not None:
                end.close()

    def _pass_on(self) -> bool:
        """What either of them has sent; whether there may be more."""
        assert self._server is not None
        for end in select.select([self._server, self._client], [], [])[0]:
            data = end.recv(1 << 16)
            if not (self._to_client(data) if end is self._server else self._to_server(data)):
                return False
        return True

    # --- from the server ------------------------------------------------------------------------------------------
    def _to_client(self, data: bytes) -> bool:
        if self._cut_at_answer is not None:
            self._proxy.make(self._cut_at_answer, self.hang_up)
            return False
        if not data:
            return False
        if self._greeting is not None:
            self._greeting += data
            if len(self._greeting) < _HEADER_BYTES + int.from_bytes(self._greeting[:3], "little"):
                return True
            data, self._greeting = _plain(self._greeting), None
        elif len(self._answer) <= _HEADER_BYTES:
            self._answer += data
            self._in_file = self._logged_in and self._answer[_HEADER_BYTES : _HEADER_BYTES + 1] == bytes([_SEND_A_FILE])
            self._file_told = False
        self._client.sendall(data.replace(*self._proxy.misquoted) if self._proxy.misquoted[0] else data)
        return True

    # --- from the client ------------------------------------------------------------------------------------------
    def _to_server(self, data: bytes) -> bool:
        if not data:
            return False
        self._from_client += data
        while len(self._from_client) >= _HEADER_BYTES:
            length = int.from_bytes(self._from_client[:3], "little")
            if len(self._from_client) < _HEADER_BYTES + length:
                break
            raw = self._from_client[: _HEADER_BYTES + length]
            self._from_client = self._from_client[_HEADER_BYTES + length :]
            if not self._packet(raw, length):
                return False
        return True

    def _packet(self, raw: bytes, length: int) -> bool:
        text, is_answered = self._read(raw[3], raw[_HEADER_BYTES:])
        self._goes_on = length == _LONGEST_PAYLOAD_BYTES
        cut = self._proxy.seen(self._number, text) if text else None
        if cut is not None and cut.moment == "before":
            self._proxy.make(cut, self.hang_up)
            return False
        if cut is not None and cut.moment == "late":
            self._client.shutdown(socket.SHUT_RDWR)
            cut.happened.set()
            cut.deliver.wait(HANG_SECONDS)
            self._server.sendall(raw)
            self._server.recv(1 << 16)
            return False
        if cut is not None and is_answered:
            self._cut_at_answer = cut
        self._server.sendall(raw)
        if cut is not None and not is_answered:
            self._proxy.make(cut, self.hang_up)
            return False
        return True

    def _read(self, number: int, payload: bytes) -> tuple[str, bool]:
        """The text of a packet ("": it is not counted), and whether the server answers to it."""
        if self._in_file:  # its packets are numbered too, and come round to 0
            if not payload:
                self._in_file = False
                self._answer = b""
                return END_OF_FILE, True
            told, self._file_told = self._file_told, True
            return "" if told else FILE, False
        if self._goes_on:
            return "", True
        if not self._logged_in and number:  # the first says who it is, the others what the server asks of it
            told, self._login_told = self._login_told, True
            return "" if told else LOGIN, True
        self._logged_in = True
        self._answer = b""
        command = payload[0]
        if command == _QUERY:
            return payload[1:].removeprefix(_QUERY_ATTRIBUTES).decode(errors="replace"), True
        return _COMMANDS.get(command, f"<command {command}>"), command not in _NEVER_ANSWERED


def _plain(greeting: bytes) -> bytes:
    """The greeting of a server that knows neither TLS nor compression: a client would use them."""
    flags_at = greeting.index(b"\0", _HEADER_BYTES + 1) + 1 + 4 + 8 + 1  # version, session id, salt, a zero
    if greeting[_HEADER_BYTES] != 10:  # an error: too many connections
        return greeting
    flags = int.from_bytes(greeting[flags_at : flags_at + 2], "little") & ~_TLS_AND_COMPRESSION
    return greeting[:flags_at] + flags.to_bytes(2, "little") + greeting[flags_at + 2 :]


@contextmanager
def cutting_proxy(connection) -> Iterator[CuttingProxy]:
    """A proxy before the server of a Django connection, on a socket of the same family."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT @@socket")
        (default_socket,) = cursor.fetchone()
    proxy = CuttingProxy(connection.settings_dict, default_socket)
    try:
        yield proxy
    finally:
        proxy.close()
