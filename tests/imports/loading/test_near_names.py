"""Which two names may be one ride spelled in two ways, and which are two rides that look alike."""

import pytest

from imports.loading.near_names import are_near
from warehouse.names import normalised

pytestmark = pytest.mark.no_database


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Space Mountain", "Space Mountains"),
        ("Pirates of the Caribbean", "Pirates of the Carribean"),
        ("Theater 2", "Theatre 2"),
        ("Big Thunder Mt.", "Big Thunder Mtn"),
        ("Star Tours 2", "Star Tours II"),
    ],
)
def test_a_letter_or_two_may_differ(one, other):
    assert are_near(normalised(one), normalised(other))
    assert are_near(normalised(other), normalised(one))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Boat", "Goat"),  # up to four letters
        ("Boat", "Boats"),
        ("Racer 1", "Racer 2"),
        ("Racer", "Racer 2"),
        ("Racer I", "Racer II"),
        ("Racer One", "Racer Two"),
        ("Track1", "Track2"),
        ("Theater A", "Theater B"),
        ("Tram East", "Tram West"),
        ("Station Left", "Station"),
        ("Lift Ost", "Lift West"),
        ("Coaster Red", "Coaster"),
        ("Autopia", "Autopolis"),  # three letters
        ("スペース・マウンテン", "スペース・マウンタイ"),
    ],
)
def test_what_tells_two_rides_apart_may_not(one, other):
    assert not are_near(normalised(one), normalised(other))
    assert not are_near(normalised(other), normalised(one))
