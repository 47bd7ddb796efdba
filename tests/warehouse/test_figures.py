"""Figures as people read them."""

import pytest

from warehouse.templatetags.figures import horizon, megabytes, minutes, percent, signed

pytestmark = pytest.mark.no_database


@pytest.mark.parametrize(
    ("days", "text"),
    [
        (0.2, "0 days"),
        (1.4, "1 day"),
        (3_000.4, "3,000 days"),
        (10_000, "27 years"),
        (268_844, "over 100 years"),
        (float("inf"), "over 100 years"),
    ],
)
def test_a_day_far_off_is_told_no_finer_than_it_can_be_known(days, text):
    assert horizon(days) == text


@pytest.mark.parametrize(("mb", "text"), [(0.02, "0.02 MB"), (117.4, "117 MB"), (4_560, "4.56 GB"), (1.2e6, "1.20 TB")])
def test_megabytes_grow_with_their_figure(mb, text):
    assert megabytes(mb) == text


def test_what_is_not_known_is_a_dash_and_not_nought():
    assert (minutes(None), minutes(0.4), percent(None), percent(0.0315)) == ("-", "0 min", "-", "3.1 %")
    assert (signed(-0.3), signed(-12.4), signed(1_234)) == ("+0", "-12", "+1,234")
