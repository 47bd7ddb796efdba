"""A bucket whose owner means harm, or that is broken: what it lists and sends is read as far as it may, and told."""

import logging
from contextlib import contextmanager
from datetime import date

import pytest
import stamina

from imports.sources import bucket as bucket_module
from imports.sources import bucket_listing
from imports.sources.bucket import S3Source, _client
from imports.sources.source import ArchiveError, DayFile, FileUnreadable
from tests.imports.fault_server import Answer, Fault, fault_server
from tests.waiting import HANG_SECONDS

pytestmark = pytest.mark.no_database
RESORT = "e957da41-3552-4cf6-b636-5babc5cbc4e5"
TODAY = date(2025, 1, 4)
NASTY = "\x1b[31m\u202e" + "x" * 50_000


def listed(key: str, size: str = "5", etag: str = "e", modified: str = "2025-01-01T00:00:00.000Z") -> str:
    return (
        f"<Contents><Key>{key}</Key><LastModified>{modified}</LastModified><ETag>{etag}</ETag>"
        f"<Size>{size}</Size></Contents>"
    )


def page(*contents: str, token: str | None = None, truncated: bool = False) -> Answer:
    following = f"<NextContinuationToken>{token}</NextContinuationToken>" if token else ""
    more = str(bool(token) or truncated).lower()
    return Answer(
        f"<ListBucketResult><IsTruncated>{more}</IsTruncated>{following}{''.join(contents)}</ListBucketResult>".encode()
    )


def folder(name: str = RESORT) -> str:
    return f"<CommonPrefixes><Prefix>{name}/</Prefix></CommonPrefixes>"


def of_day(n: int) -> str:
    return f"{RESORT}/2024/01/{n:02}.json.gz"


@pytest.fixture(scope="module")
def server():
    with fault_server(lambda path, headers: Answer()) as found:
        yield found


@pytest.fixture(scope="module")
def client(server):
    from django.conf import settings

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(settings, "ARCHIVE_S3_ENDPOINT_URL", server.url)
        patch.setattr(settings, "ARCHIVE_S3_STALL_TIMEOUT_SECONDS", float(HANG_SECONDS))
        yield _client()


@pytest.fixture
def source(server, client, settings):
    """The bucket; `listing` gives the pages of the destination, by how many were asked for, `files` what else is."""
    settings.ARCHIVE_S3_FILE_TIMEOUT_SECONDS = float(HANG_SECONDS)
    server.requests.clear()
    server.faults = []
    server.listing = lambda n: page(listed(of_day(1)))
    server.file = lambda path: Answer(b"12345")

    def answers(path: str, headers: dict) -> Answer:
        if "delimiter" in path:
            return page(folder())
        if "list-type=2" in path:
            asked = [each for each in server.paths() if "list-type=2" in each and "delimiter" not in each]
            return server.listing(len(asked))
        return server.file(path)

    server.answers = answers
    with stamina.set_testing(True, attempts=2, cap=True):
        yield S3Source("bucket", "", client)


def days(source: S3Source) -> list[DayFile]:
    return source.list_days(RESORT, None, None, TODAY).files


def test_a_listing_of_many_pages_is_read_to_its_end(source, server):
    def listing(n: int) -> Answer:
        at = int(server.paths()[-1].partition("continuation-token=t")[2].partition("&")[0] or 0) + 1
        return page(listed(of_day(at)), token=f"t{at}" if at < 9 else None)

    server.listing = listing
    assert [file.day.day for file in days(source)] == list(range(1, 10))
    server.faults = [Fault("cut", "continuation-token=t3")]  # one page is asked for again, not all of them
    server.requests.clear()
    assert len(days(source)) == 9
    assert len(server.requests) == 10


@pytest.mark.parametrize(
    ("listing", "says"),
    [
        (lambda n: page(listed(of_day(1)), token="same"), "goes back from '.*01.json.gz' to '.*01.json.gz'"),
        (lambda n: page(listed(of_day(1 + n % 2)), token=f"t{n % 2}"), "goes back"),
        (lambda n: page(listed(of_day(2)), listed(of_day(1))), "goes back"),
        (lambda n: page(token=f"t{n}"), "has 5 pages without any key"),
        (lambda n: page(*(listed(f"{RESORT}/{n:04}/{m:04}") for m in range(50)), token=f"t{n}"), "more than 200 keys"),
        (lambda n: page(listed(of_day(1)), truncated=True), "does not say where"),
    ],
    ids=[
        "one token for ever",
        "two tokens in turn",
        "out of order",
        "empty pages for ever",
        "keys for ever",
        "no token",
    ],
)
def test_a_listing_that_is_none_or_does_not_end_is_given_up(source, server, monkeypatch, listing, says):
    monkeypatch.setattr(bucket_listing, "KEYS_MAX", 200)
    monkeypatch.setattr(bucket_listing, "EMPTY_PAGES_MAX", 5)
    server.listing = listing
    with pytest.raises(ArchiveError, match=f"{RESORT}: its listing .*{says}"):
        days(source)


def test_a_listing_that_takes_too_long_is_given_up_between_two_pages(source, server, monkeypatch):
    monkeypatch.setattr(bucket_listing, "LISTING_MAX_SECONDS", 0)
    server.listing = lambda n: page(listed(of_day(n)), token=f"t{n}")
    with pytest.raises(ArchiveError, match="not complete after 0 s"):
        days(source)


@pytest.mark.parametrize("kind", ["head", "trickle", "mute"])
def test_a_page_that_trickles_is_given_up(source, server, monkeypatch, kind):
    server.listing = lambda n: page(*(listed(of_day(m)) for m in range(1, 29)))
    monkeypatch.setattr(bucket_module, "PAGE_SECONDS", 0.2)
    fault = Fault(kind, "prefix=e957", times=9, seconds=0.01)
    source._spellings = {RESORT: [RESORT]}
    server.faults = [fault]
    with pytest.raises(ArchiveError, match=r"not complete after 0\.2 s; given up"):
        days(source)
    assert (fault.times, fault.finished) == (7, 0)


def test_all_tries_at_a_page_have_one_deadline(source, server, monkeypatch):
    monkeypatch.setattr(bucket_module, "GIVE_UP_SECONDS", 0.2)
    server.faults = [fault := Fault("head", times=9, seconds=0.01)]
    with pytest.raises(ArchiveError, match=r"not complete after 0\.2 s; given up"):
        source.list_destinations()
    assert (fault.times, fault.finished) == (8, 0)


def test_a_page_without_end_is_read_up_to_the_bound(source, server):
    server.faults = [Fault("endless", "prefix=e957")]
    with pytest.raises(ArchiveError, match="more than 4,194,304 bytes is not read"):
        days(source)


@pytest.mark.parametrize(
    "odd",
    [
        listed(of_day(1), size="many"),
        listed(of_day(1), size="9" * 5_000),
        listed(of_day(1), modified="yesterday"),
        listed(of_day(1), modified="9" * 5_000),
        "<Contents><Size>5</Size></Contents>",
        "<Contents><Key></Key></Contents>",
        f"<Contents><{'x' * 9_000}>",
        "<Contents>text</Contents>" * 50,
    ],
    ids=["size", "huge size", "time", "huge time", "no key", "empty key", "half XML", "text"],
)
def test_a_page_that_says_what_cannot_be_is_told_in_a_few_words(source, server, odd, caplog):
    server.listing = lambda n: page(odd)
    with pytest.raises(ArchiveError) as caught:
        days(source)
    assert str(caught.value).startswith(f"s3://bucket/{RESORT}: ")
    assert len(str(caught.value)) < 600
    assert all(len(record.getMessage()) < 600 for record in caplog.records if record.name.startswith("imports"))


def test_sizes_and_etags_are_what_the_ledger_holds(source, server):
    server.listing = lambda n: page(
        listed(of_day(1), size=str(2**70), etag="e" * 5_000),
        listed(of_day(2), size="-1", etag="e" * 5_001),
        listed(of_day(3), etag="\u202e"),
    )
    files = days(source)
    assert [file.size_bytes for file in files] == [2**63 - 1, None, 5]
    assert all(len(file.etag) <= 100 and file.etag.isprintable() for file in files)
    assert len({file.etag for file in files}) == 3


def one(n: int, size: int | None = 5) -> DayFile:
    return DayFile(of_day(n), date(2024, 1, n), size)


@contextmanager
def told(says: str):
    """An unreadable file: its import goes on."""
    with pytest.raises(FileUnreadable, match=says) as caught:
        yield
    assert type(caught.value) is FileUnreadable


def test_a_file_may_have_grown_since_it_was_listed_and_no_more_than_that(source, server, monkeypatch):
    monkeypatch.setattr(bucket_module, "GROWS_BYTES", 10)
    server.file = lambda path: Answer(b"x" * 15)
    assert len(source.read(one(1))) == 15
    server.file = lambda path: Answer(b"x" * 16)
    with told("comes with 16 bytes, and 5 were listed"):
        source.read(one(1))
    assert len(source.read(one(1, None))) == 16
    assert len(source.read(one(1, 8))) == 16


def test_a_file_is_bounded_whatever_was_listed(source, server, monkeypatch):
    monkeypatch.setattr(bucket_module, "FILE_MAX_BYTES", 10)
    for size in (11, 2**63 - 1):
        with told("is listed with"):
            source.read(one(1, size))
    assert server.requests == []
    server.file = lambda path: Answer(b"x" * 11)
    with told("comes with 11 bytes, and 10 may be"):
        source.read(one(1, None))


def test_a_body_without_end_is_read_no_further_than_it_may_reach(source, server):
    server.faults = [Fault("endless")]
    with told("has more than 1,048,581 bytes, and 5 were listed"):
        source.read(one(1))
    assert source.read(one(2)) == b"12345"
    assert len(server.requests) == 2  # it is not tried again


def test_a_file_that_trickles_is_told_and_after_three_of_them_the_bucket_is(source, server, settings):
    settings.ARCHIVE_S3_FILE_TIMEOUT_SECONDS = 0.1
    server.faults = [fault := Fault("head", times=99, seconds=0.01)]
    for n in (1, 2):
        with told(r"not complete after 0\.1 s; given up .*ARCHIVE_S3_FILE_TIMEOUT_SECONDS"):
            source.read(one(n))
    with pytest.raises(ArchiveError, match="3 files in a row") as caught:
        source.read(one(3))
    assert not isinstance(caught.value, FileUnreadable)
    assert fault.finished == 0
    server.faults = []
    settings.ARCHIVE_S3_FILE_TIMEOUT_SECONDS = float(HANG_SECONDS)
    assert source.read(one(3)) == b"12345"


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_no_redirect_to_another_host_is_followed(source, server, status):
    with fault_server(lambda path, headers: Answer(b"12345")) as other:
        moved = Answer(b"", status, {"Location": f"{other.url}/bucket/key"})
        server.faults = [Fault("status", times=99, answer=moved)]
        with pytest.raises(ArchiveError):
            source.read(one(1))
        with pytest.raises(ArchiveError):
            source.list_destinations()
        assert other.requests == []
        assert len(server.requests) < 30  # where the bucket lies is asked once a try


@pytest.mark.parametrize("status", [400, 403, 404, 500, 503])
def test_what_an_error_says_is_cut_and_shown_safely(source, server, caplog, status):
    caplog.set_level(logging.INFO, "imports")
    bodies = [
        f"<Error><Code>{NASTY[5:]}</Code><Message>{NASTY[5:]}</Message></Error>",
        NASTY,
        f"<Error><Code>SlowDown</Code><Message>\u202e{'x' * 9_000}</Message><Region>\u202e{'x' * 999}</Region></Error>",
    ]
    for body in bodies:
        server.faults = [Fault("status", times=99, answer=Answer(body.encode(), status))]
        with pytest.raises(ArchiveError) as caught:
            source.read(one(1))
        for said in (str(caught.value), *(record.getMessage() for record in caplog.records)):
            assert said.isprintable()
            assert len(said) < 1_000
