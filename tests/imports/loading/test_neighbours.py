"""When two rows a moment apart are one change: the rule alone, over small sets of ids."""

import random

import pytest

from imports.loading.content import Content, agree, ends_lacking
from imports.loading.neighbours import choose, pairs
from warehouse.snapshot_id import recorded_ms_of, snapshot_id_of

pytestmark = pytest.mark.no_database
NOON = 1_735_128_000_000  # a whole second


def at(ms: int, ride: int = 1) -> int:
    return snapshot_id_of(ride, NOON + ms)


def one_change(incoming: dict[int, str], stored: dict[int, str]) -> dict[int, int]:
    """Contents by snapshot_id -> for each of `incoming` the row of `stored` that stands for it."""
    beside = stored.keys() - incoming.keys()
    found = pairs(incoming, stored.keys() & incoming.keys(), beside)
    return choose(found, lambda said, kept: incoming[said] == stored[kept])


@pytest.mark.parametrize("stored", [-1000, -356, 644, 1000])
def test_a_row_within_a_second_that_says_the_same_is_the_same_change(stored):
    assert one_change({at(0): "A"}, {at(stored): "A"}) == {at(0): at(stored)}
    assert one_change({at(stored): "A"}, {at(0): "A"}) == {at(stored): at(0)}


@pytest.mark.parametrize(
    ("incoming", "stored"),
    [
        ({at(0): "A"}, {at(1001): "A"}),
        ({at(0): "A"}, {at(-1001): "A"}),
        ({at(0): "A"}, {at(644): "B"}),
        ({at(0): "A"}, {at(644, ride=2): "A"}),
        ({at(100): "A"}, {at(644): "A"}),  # two instants with milliseconds: nobody blurred them
        ({at(0): "A", at(644): "A"}, {}),  # of one file
        ({at(0): "A"}, {at(300): "B", at(644): "A"}),  # something happened between
        ({at(0): "A", at(300): "B"}, {at(644): "A"}),
        ({at(0): "A", at(644): "A"}, {at(644): "A"}),  # the row is the other one's own
    ],
)
def test_other_rows_are_not(incoming, stored):
    assert one_change(incoming, stored) == {}


def test_a_row_stands_for_one_alone_the_nearest_and_then_the_earlier():
    assert one_change({at(300): "A", at(1200): "A"}, {at(1000): "A"}) == {at(1200): at(1000)}
    assert one_change({at(500): "A", at(1500): "A"}, {at(1000): "A"}) == {at(500): at(1000)}
    assert one_change({at(1000): "A"}, {at(300): "A", at(1200): "A"}) == {at(1000): at(1200)}
    assert one_change({at(1000): "A"}, {at(500): "A", at(1500): "A"}) == {at(1000): at(500)}
    said = {at(600): "A", at(1200): "A"}
    assert one_change(said, {at(0): "A", at(1000): "A"}) == {at(600): at(0), at(1200): at(1000)}


def test_a_row_that_says_something_else_leaves_the_place_to_the_one_behind_it():
    assert one_change({at(1000): "A"}, {at(800): "B", at(1500): "A"}) == {at(1000): at(1500)}


def test_who_was_first_does_not_matter():
    rnd = random.Random(12)
    for _ in range(2000):
        one, other = (
            {
                at(rnd.choice([0, 1000, 2000, rnd.randrange(2500)]), ride=rnd.choice([1, 2])): rnd.choice("AAB")
                for _ in range(rnd.randint(1, 5))
            }
            for _ in range(2)
        )
        there = one_change(one, other)
        assert {kept: said for said, kept in there.items()} == one_change(other, one), (one, other)
        assert len(set(there.values())) == len(there)
        for said, kept in there.items():
            assert one[said] == other[kept]
            assert 0 < abs(recorded_ms_of(said) - recorded_ms_of(kept)) <= 1000


# --- what agrees -----------------------------------------------------------------------------------------------------
def content(end: str = "\\N", *, wait="45", told="1", start="2026-04-14 23:20:00", more=()) -> Content:
    window = f"RETURN_TIME\t\\N\t{start}\t{end}\t\\N\t\\N\t\\N\t\\N\tAVAILABLE"
    return f"OPERATING\t{wait}\t1\t{told}", (window, *more)


def test_an_end_of_a_return_time_that_one_alone_has_is_no_contradiction():
    fuller, poorer = content("2026-04-14 23:35:00"), content()
    assert agree(fuller, poorer)
    assert agree(poorer, fuller)
    assert ends_lacking(poorer, fuller) == {"RETURN_TIME": "2026-04-14 23:35:00"}
    assert ends_lacking(fuller, poorer) == ends_lacking(fuller, fuller) == {}


def test_each_may_have_an_end_that_the_other_lacks():
    paid = "SINGLE_RIDER\t5" + "\t\\N" * 7
    one = content("2026-04-14 23:35:00", more=(paid,))
    other = content(more=(paid.replace("\t\\N\t\\N", "\t\\N\t2026-04-14 23:50:00", 1),))
    assert agree(one, other)
    assert ends_lacking(one, other) == {"SINGLE_RIDER": "2026-04-14 23:50:00"}
    assert ends_lacking(other, one) == {"RETURN_TIME": "2026-04-14 23:35:00"}


def test_whatever_else_differs_is_one():
    fuller = content("2026-04-14 23:35:00")
    assert not agree(fuller, content("2026-04-14 23:40:00"))
    assert not agree(fuller, content(start="2026-04-14 23:25:00"))
    assert not agree(fuller, content(wait="50"))
    assert not agree(fuller, content(told="0"))
    assert not agree(fuller, (fuller[0], ()))
    assert not agree(fuller, content(more=("SINGLE_RIDER\t5" + "\t\\N" * 7,)))


def test_a_row_that_does_not_know_whether_the_wait_was_told_agrees_with_either():
    old = content(wait="\\N", told="\\N")
    assert agree(old, content("2026-04-14 23:35:00", wait="\\N", told="0"))
    assert agree(content("2026-04-14 23:35:00", wait="\\N", told="1"), old)
