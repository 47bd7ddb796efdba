"""Whatever lies on the desk is explained there, and in docs/quality.md."""

from pathlib import Path

import pytest

from imports.events import validation
from imports.metadata import parsing
from quality.check import run
from quality.reasons import REASONS, title_of

OTHERS = {"unreadable_file", "ambiguous_ride", "missing_days"}  # said by the importer on its own
MANUAL = Path(__file__).parents[2] / "docs" / "quality.md"


def test_every_word_that_is_used_is_explained_and_no_other():
    assert {*run.REASONS, *validation.REASONS, *parsing.REASONS, *OTHERS} == set(REASONS)


def test_no_detector_is_written_twice():
    assert len(run.REASONS) == len(set(run.REASONS))


@pytest.mark.parametrize("word", REASONS)
def test_a_reason_says_what_it_means_and_what_to_do_in_sentences(word):
    reason = REASONS[word]
    assert reason.title[0].isupper()
    assert reason.meaning.endswith(".")
    assert reason.advice[-1] in ".?"


@pytest.mark.parametrize("word", REASONS)
def test_the_manual_says_the_same_as_the_desk(word):
    reason = REASONS[word]
    assert f"| {word} | {reason.title} | {reason.meaning} | {reason.advice} |" in MANUAL.read_text()


def test_a_word_that_is_not_known_is_shown_as_it_is():
    assert title_of("rotten_egg") == "Rotten egg"
