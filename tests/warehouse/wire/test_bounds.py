"""Answers of servers on loopback that never end, each in a way of its own: none is waited for longer than said."""

import socket
import threading
from contextlib import contextmanager

import boto3
import pytest
import requests
from botocore import UNSIGNED
from botocore.config import Config

from tests.imports.fault_server import Answer, Fault, fault_server
from tests.waiting import HANG_SECONDS
from warehouse.wire.bounds import OutOfBounds, TooLarge, TooSlow, within
from warehouse.wire.sessions import bound_session
from warehouse.wire.sockets import bind_boto3

pytestmark = pytest.mark.no_database
A_MOMENT = 0.3  # seconds; what trickles has a hundred times that to send
LONG = b"x" * 4_000


@pytest.fixture(scope="module")
def server():
    with fault_server(lambda path, headers: Answer(LONG)) as found:
        yield found


@pytest.fixture(scope="module")
def session():
    with bound_session() as found:
        yield found


@pytest.fixture(scope="module")
def s3(server):
    config = Config(signature_version=UNSIGNED, retries={"total_max_attempts": 1}, read_timeout=HANG_SECONDS)
    client = boto3.client("s3", endpoint_url=server.url, region_name="eu-west-2", config=config)
    bind_boto3(client)
    return client


def get(session, url: str) -> bytes:
    return session.get(url, timeout=HANG_SECONDS).content


@pytest.mark.parametrize("kind", ["mute", "head", "trickle", "stall"])
def test_an_answer_that_does_not_come_in_time_is_given_up_at_whatever_it_stalls(server, session, kind):
    fault = Fault(kind, seconds=0.01)
    server.faults = [fault]
    with pytest.raises(TooSlow, match=r"not complete after 0\.3 s"), within(A_MOMENT):
        get(session, server.url)
    assert (fault.times, fault.finished) == (0, 0)
    with within(HANG_SECONDS):  # and the session is as good as before
        assert get(session, server.url) == LONG


@pytest.mark.parametrize("kind", ["mute", "head", "trickle"])
@pytest.mark.parametrize("ask", ["get_object", "list_objects_v2"])
def test_boto3_gives_it_up_as_well(server, s3, kind, ask):
    fault = Fault(kind, seconds=0.01)
    server.faults = [fault]
    with pytest.raises(TooSlow), within(A_MOMENT):
        answer = getattr(s3, ask)(Bucket="bucket", **({"Key": "key"} if ask == "get_object" else {}))
        answer["Body"].read()
    assert (fault.times, fault.finished) == (0, 0)


def test_a_body_without_end_is_read_up_to_the_bound_and_no_further(server, session, s3):
    server.faults = [Fault("endless", times=2)]
    with pytest.raises(TooLarge, match="more than 1,000,000 bytes"), within(HANG_SECONDS, 1_000_000):
        get(session, server.url)
    with pytest.raises(TooLarge, match="more than 1,000,000 bytes"), within(HANG_SECONDS, 1_000_000):
        s3.list_objects_v2(Bucket="bucket")


def test_one_deadline_is_of_all_that_is_asked_inside(server, session):
    server.faults = [Fault("trickle", seconds=0.01, times=99)]
    asked = len(server.requests)
    with pytest.raises(TooSlow, match=r"after 0\.3 s"), within(A_MOMENT):
        for _ in range(5):
            with pytest.raises(OutOfBounds), within(HANG_SECONDS):
                get(session, server.url)
        get(session, server.url)
    assert len(server.requests) <= asked + 1


def test_what_we_wait_by_our_own_choice_is_not_the_answers_time():
    with within(100, sleeps_count=True) as run, within(10) as answer:
        left, of_run = answer.left_seconds, run.left_seconds
        answer.waited(50)
        assert answer.left_seconds > left + 40
        answer.waited(500)  # and the run ends when it ends
        assert answer.left_seconds <= of_run


def test_without_bounds_the_timeouts_of_old_hold(server, session):
    server.faults = [Fault("stall")]
    with pytest.raises(requests.ConnectionError, match=r"[Rr]ead timed out"):
        assert session.get(server.url, timeout=A_MOMENT).content


def test_a_name_that_is_not_resolved_is_not_waited_for(session, monkeypatch):
    asked, answered = threading.Event(), threading.Event()

    def never(*args, **kwargs):
        asked.set()
        answered.wait(HANG_SECONDS)
        raise socket.gaierror(socket.EAI_AGAIN, "no answer")

    monkeypatch.setattr(socket, "getaddrinfo", never)
    try:
        with pytest.raises(TooSlow), within(A_MOMENT):
            get(session, "http://nobody.example.org/")
        assert asked.is_set()
    finally:
        answered.set()


@contextmanager
def listening(answer):
    """A server that does with each connection what `answer` does."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=lambda: answer(listener.accept()[0]), daemon=True).start()
        yield listener.getsockname()[1]


def test_a_handshake_that_trickles_is_given_up(session):
    given_up = threading.Event()

    def trickle(connection: socket.socket) -> None:
        try:
            connection.sendall(b"\x16\x03\x03\x40\x00")  # a record of 16 KB
            while not given_up.wait(0.01):
                connection.sendall(b"\x02")
        except OSError:
            pass

    with listening(trickle) as port:
        with pytest.raises(TooSlow), within(A_MOMENT):
            get(session, f"https://127.0.0.1:{port}/")
        assert not given_up.is_set()
        given_up.set()


def test_a_connection_that_comes_too_late_is_closed(server, session, monkeypatch):
    """Its thread goes on when nobody waits any more."""
    go_on, ours = threading.Event(), []
    connect = socket.socket.connect

    def late(self, address):
        go_on.wait(HANG_SECONDS)
        connect(self, address)
        ours.append(self)

    monkeypatch.setattr(socket.socket, "connect", late)
    with pytest.raises(TooSlow), within(A_MOMENT), bound_session() as fresh:
        get(fresh, server.url)
    (thread,) = [each for each in threading.enumerate() if each.name == "connect"]
    go_on.set()
    thread.join(HANG_SECONDS)
    assert [each.fileno() for each in ours] == [-1]
