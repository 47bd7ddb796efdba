"""Figures as text. No database."""

from decimal import Decimal

import pytest

from warehouse.text import age_in_words, aligned, count_of, duration_in_words, size_in_words

pytestmark = pytest.mark.no_database


@pytest.mark.parametrize(("count", "text"), [(0, "0 files"), (1, "1 file"), (2, "2 files"), (1_234, "1,234 files")])
def test_one_is_one_and_all_others_are_many(count, text):
    assert count_of(count, "file") == text


def test_many_of_a_word_that_takes_more_than_an_s():
    assert (count_of(1, "entity", "entities"), count_of(2, "entity", "entities")) == ("1 entity", "2 entities")


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (-3, "0 s"),
        (8.9, "8 s"),
        (60, "1 min"),
        (200, "3 min 20 s"),
        (7_500, "2 h 5 min"),
        (86_400, "24 h"),
        (172_799, "47 h 59 min"),
        (172_800, "2 days"),
        (273_600, "3 days 4 h"),
    ],
)
def test_a_duration_has_two_units_at_most(seconds, text):
    assert duration_in_words(seconds) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(-60, "0 min"), (59, "0 min"), (7_199, "119 min"), (7_200, "2 h"), (172_799, "47 h"), (172_800, "2 days")],
)
def test_an_age_has_one_unit(seconds, text):
    assert age_in_words(seconds) == text


@pytest.mark.parametrize(
    ("megabytes", "text", "on_axis"),
    [
        (0, "0.00 MB", "0 MB"),
        (12.34, "12.3 MB", "12.34 MB"),
        (250, "250 MB", "250 MB"),
        (Decimal(1500), "1.50 GB", "1.5 GB"),
        (-2_000, "-2.00 GB", "-2 GB"),
        (1.2e6, "1.20 TB", "1.2 TB"),
        (5e9, "5,000 TB", "5,000 TB"),
    ],
)
def test_a_size_is_in_the_unit_that_suits(megabytes, text, on_axis):
    assert (size_in_words(megabytes), size_in_words(megabytes, on_axis=True)) == (text, on_axis)


def test_a_table_has_texts_to_the_left_and_figures_to_the_right():
    rows = [("Epic Universe", "2025-05-22", 1_234, Decimal("0.50")), ("Islands", "never", 7, None)]
    assert list(aligned(("park", "first day", "rows", "MB"), rows, texts=2)) == [
        "park           first day    rows    MB",
        "Epic Universe  2025-05-22  1,234  0.50",
        "Islands        never           7",
    ]


def test_a_table_without_rows_is_its_head():
    assert list(aligned(("park", "rows"), [])) == ["park  rows"]
