"""Names for comparing. No database."""

import pytest

from warehouse.names import normalised

pytestmark = pytest.mark.no_database


def test_names_are_compared_without_case_accents_marks_and_punctuation():
    assert normalised("  Pirates of the Caribbean®: Épée! ") == "pirates of the caribbean epee"


def test_a_trade_mark_is_no_letters():
    assert normalised("TRANSFORMERS™: The Ride-3D") == normalised("Transformers the ride 3d")


def test_a_name_of_marks_alone_is_none():
    assert normalised(" ®™ - ") == ""
