"""What of a folder is a day file, what lies beside the layout, and what is never opened or followed."""

import os
import socket
import zlib
from collections import Counter
from datetime import date
from pathlib import Path

import pytest

from imports.events.validation import EARLIEST_PLAUSIBLE
from imports.sources.folder import FolderSource
from imports.sources.kept_answers import KeptAnswers
from imports.sources.layout import Found, printable, sort_out
from imports.sources.regular_files import NotRegular, TooManyBytes, read_regular
from imports.sources.source import EARLIEST_DAY, ArchiveError, DayFile, FileUnreadable, FileVanished, Why

pytestmark = pytest.mark.no_database
RESORT = "77777777-0000-4000-8000-00000000000a"
TODAY = date(2025, 3, 20)


def put(root, path, content=b"x"):
    file = root / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(content)
    return file


def listing(root, first=None, last=None, today=TODAY):
    return FolderSource(root).list_days(RESORT, first, last, today)


def days(root, *args):
    return [file.day.isoformat() for file in listing(root, *args).files]


def test_a_destination_in_upper_case_is_found_read_and_spoken_of_in_lower_case(tmp_path):
    put(tmp_path, f"{RESORT.upper()}/2025/03/01.json.gz", b"upper")
    source = FolderSource(tmp_path)
    assert source.list_destinations() == [RESORT]
    (file,) = source.list_days(RESORT, None, None, TODAY).files
    assert file.key == f"{RESORT}/2025/03/01.json.gz"
    assert file.place == f"{RESORT.upper()}/2025/03/01.json.gz"
    assert source.read(file) == b"upper"


def test_both_spellings_are_one_destination_and_a_day_in_both_is_told(tmp_path):
    put(tmp_path, f"{RESORT.upper()}/2025/03/01.json.gz", b"upper")
    put(tmp_path, f"{RESORT.upper()}/2025/03/02.json.gz", b"upper")
    put(tmp_path, f"{RESORT}/2025/03/02.json.gz", b"lower")
    put(tmp_path, f"{RESORT}/2025/03/03.json.gz", b"lower")
    source = FolderSource(tmp_path)
    assert source.list_destinations() == [RESORT]
    found = source.list_days(RESORT, None, None, TODAY)
    assert [(file.day.day, source.read(file)) for file in found.files] == [(1, b"upper"), (2, b"lower"), (3, b"lower")]
    assert found.beside.examples == [(f"{RESORT.upper()}/2025/03/02.json.gz", Why.SECOND)]


BESIDE = [
    "2025/3/2.json.gz",
    "2025/03/03.json",
    "2025/03/04.json.zst",
    "2025/03/05.JSON.GZ",
    "2025/03/2025-03-06.json.gz",
    "2025-03-07.json.gz",
    "2025/03/08.json.gz.part",
    "2025/02/30.json.gz",
    "2025/03/٠٩.json.gz",  # digits, but not those of the layout
    "2025/03/old/09.json.gz",
]


def test_files_beside_the_layout_are_counted_and_some_of_them_named(tmp_path):
    for name in ["2025/03/01.json.gz", *BESIDE]:
        put(tmp_path, f"{RESORT}/{name}")
    found = listing(tmp_path)
    assert [file.day.day for file in found.files] == [1]
    assert found.beside.counts == {Why.NAME: len(BESIDE)}
    assert found.beside.examples == [(f"{RESORT}/{name}", Why.NAME) for name in sorted(BESIDE)[:5]]
    said = found.beside.in_words()
    assert said.startswith("10 not named YYYY/MM/DD.json.gz: ")
    assert said.endswith(" and 5 more")


def test_a_range_tells_what_lies_beside_the_layout_in_its_years(tmp_path):
    for name in ["2024/1/2.json.gz", "2026/01/01.json", "README", *BESIDE]:
        put(tmp_path, f"{RESORT}/{name}")
    found = listing(tmp_path, date(2025, 3, 2), date(2025, 3, 2))
    assert (found.beside.total, found.beside.whole) == (len(BESIDE), False)
    assert listing(tmp_path).beside.total == len(BESIDE) + 3


@pytest.mark.parametrize(("year", "month", "day"), [("0001", "01", "01"), ("2014", "12", "31"), ("9999", "12", "31")])
def test_a_day_before_2015_or_after_tomorrow_is_no_day_file(tmp_path, year, month, day):
    put(tmp_path, f"{RESORT}/{year}/{month}/{day}.json.gz")
    assert listing(tmp_path).files == []
    assert listing(tmp_path).beside.counts == {Why.LATE if year == "9999" else Why.EARLY: 1}


def test_tomorrow_is_a_day_and_the_day_after_is_none(tmp_path):
    for day in (20, 21, 22):
        put(tmp_path, f"{RESORT}/2025/03/{day}.json.gz")
    put(tmp_path, f"{RESORT}/2015/01/01.json.gz")
    assert days(tmp_path) == ["2015-01-01", "2025-03-20", "2025-03-21"]
    assert listing(tmp_path).beside.examples == [(f"{RESORT}/2025/03/22.json.gz", Why.LATE)]
    assert EARLIEST_PLAUSIBLE.date() == EARLIEST_DAY


def test_links_are_followed_where_the_layout_has_a_folder_or_a_file(tmp_path):
    elsewhere = tmp_path / "disk2"
    put(elsewhere, "month/01.json.gz", b"of a linked month")
    put(elsewhere, "day", b"of a linked file")
    archive = tmp_path / "archive" / RESORT / "2025"
    archive.mkdir(parents=True)
    (archive / "02").mkdir()
    (archive / "03").symlink_to(elsewhere / "month")
    (archive / "02" / "01.json.gz").symlink_to(elsewhere / "day")
    source = FolderSource(tmp_path / "archive")
    files = source.list_days(RESORT, None, None, TODAY).files
    assert [source.read(file) for file in files] == [b"of a linked file", b"of a linked month"]


def test_links_to_nowhere_and_loops_are_told_and_stop_nothing(tmp_path):
    put(tmp_path, f"{RESORT}/2025/03/01.json.gz")
    month = tmp_path / RESORT / "2025" / "03"
    (month / "02.json.gz").symlink_to("nowhere")
    (month / "03.json.gz").symlink_to("03.json.gz")
    (month / "round").symlink_to(tmp_path)
    (tmp_path / RESORT / "2025" / "04").symlink_to("..")
    (tmp_path / RESORT / "2025" / "05").symlink_to("05")
    found = listing(tmp_path)
    assert [file.day for file in found.files] == [date(2025, 3, 1)]
    assert found.beside.examples[:3] == [
        (f"{RESORT}/2025/03/02.json.gz", Why.LINK),
        (f"{RESORT}/2025/03/03.json.gz", Why.LINK),
        (f"{RESORT}/2025/03/round", Why.KIND),
    ]
    # 04 shows the whole destination once more: its file under a name of no layout, its links, and itself
    assert found.beside.counts == {Why.LINK: 6, Why.KIND: 3, Why.NAME: 1}


def test_a_destination_that_is_a_link_to_nowhere_is_listed_and_told(tmp_path):
    (tmp_path / RESORT).symlink_to("unmounted")
    assert FolderSource(tmp_path).list_destinations() == [RESORT]
    for first in (None, date(2025, 3, 1)):
        assert listing(tmp_path, first, first).beside.examples == [(RESORT, Why.LINK)]


def test_what_is_no_regular_file_is_told_and_never_opened(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)  # a socket's path may have 107 characters
    put(tmp_path, f"{RESORT}/2025/03/01.json.gz")
    month = tmp_path / RESORT / "2025" / "03"
    os.mkfifo(month / "02.json.gz")
    (month / "03.json.gz").mkdir()
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(f"{RESORT}/2025/03/04.json.gz")
        found = listing(tmp_path)
    assert [file.day.day for file in found.files] == [1]
    assert found.beside.counts == {Why.KIND: 3}


@pytest.mark.parametrize("make", [os.mkfifo, os.mkdir])
def test_a_file_that_became_a_fifo_or_a_folder_since_it_was_listed_cannot_be_read(tmp_path, make):
    path = put(tmp_path, f"{RESORT}/2025/03/01.json.gz")
    (file,) = listing(tmp_path).files
    path.unlink()
    make(path)
    with pytest.raises(FileUnreadable, match=r"no regular file|Is a directory"):
        FolderSource(tmp_path).read(file)


def test_a_file_that_went_since_it_was_listed_has_vanished_and_an_unmounted_destination_is_an_error(tmp_path):
    path = put(tmp_path, f"{RESORT.upper()}/2025/03/01.json.gz")
    source = FolderSource(tmp_path)
    (file,) = source.list_days(RESORT, None, None, TODAY).files
    path.unlink()
    with pytest.raises(FileVanished):
        source.read(file)
    (tmp_path / RESORT.upper()).rename(tmp_path / "away")
    with pytest.raises(ArchiveError, match="the folder is gone") as failure:
        source.read(file)
    assert not isinstance(failure.value, FileVanished)


def test_a_file_that_goes_while_the_folder_is_walked_is_no_file(tmp_path):
    for day in (1, 2):
        put(tmp_path, f"{RESORT}/2025/03/{day:02}.json.gz")

    class Going(FolderSource):
        """One of its files goes between the look at the folder and the look at the file."""

        def _files(self, destination):
            found = super()._files(destination)
            yield next(found)
            (self.root / RESORT / "2025/03/01.json.gz").unlink()
            yield from found

    (file,) = Going(tmp_path).list_days(RESORT, None, None, TODAY).files[-1:]
    assert file.day == date(2025, 3, 2)


def test_an_etag_that_its_column_cannot_hold_is_known_by_its_sum():
    def etag_of(etag: str) -> str:
        found = Found(f"{RESORT}/2025/03/01.json.gz", 1, etag)
        (file,) = sort_out(RESORT, [found], None, None, TODAY).files
        return file.etag

    assert etag_of("0123abcd-7") == "0123abcd-7"
    assert etag_of("x" * 5_000) == etag_of("x" * 5_000) != etag_of("x" * 5_001)
    assert len(etag_of("x" * 5_000)) == len(etag_of("\x1b")) == 71


def test_names_that_are_no_text_are_shown_as_escapes(tmp_path):
    path = os.fsencode(tmp_path / RESORT) + b"/caf\xe9\n.json.gz"
    (tmp_path / RESORT).mkdir()
    with open(path, "wb"):
        pass
    assert listing(tmp_path).beside.examples == [(f"{RESORT}/caf\\udce9\\n.json.gz", Why.NAME)]
    assert printable("x" * 500) == "x" * 178 + "…(322 more characters)"


def test_folders_in_folders_are_looked_into_to_an_end(tmp_path):
    deep = tmp_path / RESORT
    for _ in range(40):
        deep /= "d"
    deep.mkdir(parents=True)
    assert listing(tmp_path).beside.counts == {Why.KIND: 1}


def test_many_files_beside_the_layout_are_counted_in_little_memory():
    found = (Found(f"{RESORT}/x{n}") for n in range(20_000))
    beside = sort_out(RESORT, found, None, None, TODAY).beside
    assert beside.counts == Counter({Why.NAME: 20_000})
    assert beside.examples[0] == (f"{RESORT}/x0", Why.NAME)
    assert beside.examples[4] == (f"{RESORT}/x1000", Why.NAME)


def test_a_day_file_says_where_it_lies():
    assert DayFile("a/2025/03/01.json.gz", TODAY).place == "a/2025/03/01.json.gz"


def test_a_file_without_measure_is_not_read(tmp_path):
    with open(put(tmp_path, f"{RESORT}/2025/03/01.json.gz"), "wb") as sparse:
        sparse.truncate(1 << 40)
    put(tmp_path, f"{RESORT}/2025/03/02.json.gz")
    source = FolderSource(tmp_path)
    first, second = listing(tmp_path).files
    with pytest.raises(FileUnreadable, match=r"1,099,511,627,776 bytes; more than 268,435,456 are not read"):
        source.read(first)
    assert source.read(second) == b"x"


def test_a_file_that_grows_while_it_is_read_is_told(monkeypatch, tmp_path):
    path = put(tmp_path, "growing")
    look = os.fstat

    def and_then_grow(descriptor):
        info = look(descriptor)
        with open(path, "ab") as more:
            more.write(b"more")
        return info

    monkeypatch.setattr(os, "fstat", and_then_grow)
    with pytest.raises(TooManyBytes, match="it grew while it was read"):
        read_regular(path, 1000)


@pytest.mark.parametrize("path", ["/dev/zero", "/dev/full", "/proc/self/environ"])
def test_what_gives_without_end_or_without_saying_how_much_is_not_read(path):
    with pytest.raises((NotRegular, TooManyBytes)):
        read_regular(Path(path), 1000)


def test_what_was_kept_of_the_history_api_is_bounded(tmp_path, monkeypatch):
    kept = KeptAnswers(tmp_path)
    kept.put("a.json.gz", b"{}")
    assert kept.get("a.json.gz") == b"{}"
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    bomb = b"".join(packer.compress(b" " * (1 << 20)) for _ in range(17)) + packer.flush()
    put(tmp_path, "a.json.gz", bomb)
    assert kept.get("a.json.gz") is None
    (tmp_path / "a.json.gz").unlink()
    os.mkfifo(tmp_path / "a.json.gz")
    assert kept.get("a.json.gz") is None
