"""What came from outside is shown as text: nothing hidden, nothing that moves what stands beside it, bounded."""

import json

import pytest

from warehouse.outside import has_hidden, padded, shown, visible, width

pytestmark = pytest.mark.no_database


@pytest.mark.parametrize(
    ("came", "told"),
    [
        ("Tour\x1b[2J", r"Tour\x1b[2J"),
        ("Tour\x9b31m", r"Tour\x9b31m"),
        ("a\nb\r\tc", r"a\nb\r\tc"),
        ("a\x00b\x7f", r"a\x00b\x7f"),
        ("a\x85b\u2028c\u2029d", r"a\x85b\u2028c\u2029d"),
        ("\u202etxt.exe\u202c", r"\u202etxt.exe\u202c"),
        ("\u2066a\u2069\u200e\u200f\u061c", r"\u2066a\u2069\u200e\u200f\u061c"),
        ("\ufeffa\u200bb\u2060c\xad", r"\ufeffa\u200bb\u2060c\xad"),
        ("\ud83c", r"\ud83c"),
        ("a\U000e0041", r"a\U000e0041"),
        ("\u3164\u115f", r"\u3164\u115f"),
        ("a\u200db", r"a\u200db"),
        ("\uffff", r"\uffff"),
        (b"caf\xc3\xa9 \xff\x00", r"café \xff\x00"),
        (None, ""),
        (12, "12"),
    ],
)
def test_what_is_hidden_is_shown_as_an_escape(came, told):
    assert shown(came) == told
    told.encode()  # no half of a pair is left


@pytest.mark.parametrize(
    "name",
    [
        "Pirates™ \N{ROLLER COASTER}",
        "Le Pays des Contes de Fées\xa0!",
        "ジャングルクルーズ\u3000ワイルドライフ",
        "葛\U000e0100城",
        "מערת הקסמים",
        "קטאר",
        "\u0645\u06cc\u200c\u062e\u0648\u0631\u062f",  # Persian is written with a joiner that has no width
        "क्\u200dष",
        "\N{MAN}\u200d\N{WOMAN}\u200d\N{GIRL}",
        "\N{BLACK HEART SUIT}\ufe0f",
        r"C:\new\x1b",
    ],
)
def test_names_of_any_script_stay_as_they_are(name):
    assert shown(name) == name
    assert not has_hidden(name)


def test_paragraphs_keep_their_lines_and_nothing_else():
    assert shown("a\n\tb\r\x1b", lines=True) == "a\n\tb\\r\\x1b"


@pytest.mark.parametrize("came", ["x" * 10_000, "\u202e" * 10_000, b"\xff" * 10_000, "\ud83c" * 500, b"\n" * 201])
@pytest.mark.parametrize("limit", [1, 5, 36, 200, 255])
def test_it_is_never_longer_than_the_limit(came, limit):
    assert len(shown(came, limit)) <= limit


def test_what_was_left_out_is_said():
    assert shown("x" * 10_000, 100) == "x" * 75 + "…(9,925 more characters)"
    assert shown("x" * 200, 200) == "x" * 200
    assert shown("\x00" * 100, 50) == r"\x00" * 7 + "…(93 more characters)"
    assert shown("x" * 300, 10) == "x" * 9 + "…"


def test_json_of_what_is_shown_can_be_read_by_a_database():
    assert json.loads(json.dumps(visible("\ud83c\x00"))) == r"\ud83c\x00"


def test_columns_of_a_terminal():
    assert width("東京") == 4
    assert width("e\u0301") == 1
    assert padded("東京", 6) == "東京  "
    assert padded("a", 3, right=True) == "  a"
