"""Days as operators type them. No database."""

from argparse import ArgumentParser
from datetime import date

import pytest

from warehouse.days import day_from, month_from, range_trouble
from warehouse.management import arguments

pytestmark = pytest.mark.no_database
TODAY = date(2025, 7, 1)


def test_a_day_is_read():
    assert day_from("2024-02-29") == date(2024, 2, 29)


@pytest.mark.parametrize("text", ["2025-02-30", "July", "", "2024-1-1", "01.02.2024"])
def test_what_is_no_day_is_told_the_form(text):
    with pytest.raises(ValueError, match=f"^{text} is no date: use YYYY-MM-DD$"):
        day_from(text)


@pytest.mark.parametrize("text", ["0025-01-01", "1899-12-31", "2200-01-01", "9999-12-31"])
def test_a_day_beyond_all_sense_is_told_the_years(text):
    with pytest.raises(ValueError, match=f"^{text}: give a day of the years 1900 to 2199$"):
        day_from(text)


def test_a_month_beyond_all_sense_is_told_the_years():
    with pytest.raises(ValueError, match=r"^0025-07: give a day of the years 1900 to 2199$"):
        month_from("0025-07")


@pytest.mark.parametrize("text", ["2025-07", "202507"])
def test_a_month_is_its_first_day(text):
    assert month_from(text) == date(2025, 7, 1)


@pytest.mark.parametrize("text", ["2025-13", "2025-00", "0000-01", "2025-7", "202", "2025-07-01", "٢٠٢٥-07"])
def test_what_is_no_month_is_told_the_form(text):
    with pytest.raises(ValueError, match="is not a month; give YYYY-MM"):
        month_from(text)


@pytest.mark.parametrize(
    ("first", "last", "trouble"),
    [
        (None, None, None),
        (TODAY, TODAY, None),
        (date(2025, 6, 2), date(2025, 6, 1), "--from 2025-06-02 lies after --to 2025-06-01; swap them"),
        (date(2025, 7, 2), None, "--from 2025-07-02 lies in the future (today is 2025-07-01)"),
        (TODAY, date(2025, 7, 2), "--to 2025-07-02 lies in the future (today is 2025-07-01)"),
    ],
)
def test_what_is_wrong_with_a_range_is_said(first, last, trouble):
    assert range_trouble(first, last, TODAY) == trouble


def test_without_a_today_the_future_may_be_asked_for():
    assert range_trouble(None, date(2026, 1, 1)) is None


@pytest.mark.parametrize(("kind", "text"), [("day", "2025-02-30"), ("day", "0025-01-01"), ("month", "2025-13")])
def test_a_command_line_shows_the_message_and_ends_with_2(capsys, kind, text):
    parser = ArgumentParser()
    parser.add_argument("--from", type=getattr(arguments, kind))
    with pytest.raises(SystemExit) as ended:
        parser.parse_args(["--from", text])
    assert ended.value.code == 2
    reads = {"day": day_from, "month": month_from}
    with pytest.raises(ValueError) as said:
        reads[kind](text)
    assert f"argument --from: {said.value}" in capsys.readouterr().err
