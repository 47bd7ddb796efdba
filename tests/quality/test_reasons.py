"""The one table of reasons: whatever is found is explained by it, in the admin and, word for word, in the manual."""

import ast
import re
from pathlib import Path

import pytest

from imports.events.queues import FURTHER_WAIT_MAX_MINUTES
from imports.events.validation import EARLIEST_PLAUSIBLE
from imports.metadata.parsing import HEIGHT_MAX_CM
from quality.check.run import DETECTORS
from quality.findings import Finding
from quality.models import IssueType
from quality.reasons import REASONS, title_of

pytestmark = pytest.mark.no_database
ROOT = Path(__file__).parents[2]
MANUAL = ROOT / "docs" / "quality.md"


def words_of_the_code() -> set[str]:
    """Every text in the code of quality and imports, but of the table itself and of the generator of samples."""
    files = [file for app in ("quality", "imports") for file in (ROOT / app).rglob("*.py")]
    code = [file for file in files if file.name != "reasons.py" and not {"sample", "migrations"} & set(file.parts)]
    nodes = [node for file in code for node in ast.walk(ast.parse(file.read_text()))]
    return {node.value for node in nodes if isinstance(node, ast.Constant) and isinstance(node.value, str)}


def manual() -> str:
    """The tables of docs/quality.md as the table of reasons has them."""
    lines = []
    for kind in IssueType:
        lines += [f"### {kind}", "", "| reason | shown as | what it means | what to do |", "|---|---|---|---|"]
        lines += [
            f"| {word} | {reason.title} | {reason.meaning} | {reason.advice} |"
            for word, reason in REASONS.items()
            if reason.kind == kind
        ]
        lines.append("")
    return "\n".join(lines)


def test_every_reason_is_found_by_somebody():
    assert set(REASONS) <= words_of_the_code()


def test_each_detector_finds_a_reason_of_the_table_and_none_is_written_twice():
    found = [detector.reason for detector in DETECTORS]
    assert set(found) <= set(REASONS)
    assert len(found) == len(set(found))


def test_every_reason_of_which_many_are_reported_as_one_has_a_sentence_for_it():
    assert {
        detector.reason for detector in DETECTORS if detector.group_of and not REASONS[detector.reason].grouped
    } == (set())


def test_a_finding_takes_its_kind_from_the_table_and_none_is_made_of_an_unknown_reason():
    finding = Finding("missing_days", "park", "p", "", "No file")
    assert finding.kind == IssueType.GAP
    with pytest.raises(KeyError, match="rotten_egg"):
        _ = Finding("rotten_egg", "park", "p", "", "It stinks").fingerprint


@pytest.mark.parametrize("word", REASONS)
def test_a_reason_says_what_it_means_and_what_to_do_in_sentences(word):
    reason = REASONS[word]
    assert reason.title[0].isupper()
    assert reason.sentence[-1] not in ".?"
    assert reason.meaning.endswith(".")
    assert reason.advice[-1] in ".?"


@pytest.mark.parametrize("word", REASONS)
def test_an_advice_names_what_is_done_and_does_not_only_say_where_to_look(word):
    done = r"won't fix|resolve|[Ii]mport (the|its|it|only)|manage\.py|[Ss]et |[Gg]et a sound copy|[Ss]tart a new import"
    assert re.search(done, REASONS[word].advice)


def test_a_sentence_is_of_one_and_of_several():
    reason = REASONS["unknown_status"]
    assert reason.say(1) == "1 event carries a status that is not known"
    assert reason.say(1234) == "1,234 events carry a status that is not known"
    assert REASONS["malformed_event"].say(2) == "2 records are no event at all (not an object)"


def test_what_was_measured_is_taken_as_it_is():
    said = REASONS["duplicate_name"].say(2, name="{Comet} (one|two)")
    assert said == "2 rides are called {Comet} (one|two)"


def test_the_bounds_that_the_sentences_name_are_those_of_the_importer():
    assert f"(300; {FURTHER_WAIT_MAX_MINUTES:,} beside the standby line)" in REASONS["wait_out_of_range"].meaning
    assert f"from 1 to {HEIGHT_MAX_CM} cm" in REASONS["invalid_height"].say(1)
    assert f"before {EARLIEST_PLAUSIBLE.year}" in REASONS["malformed_time"].say(1)


def test_the_manual_says_the_same_as_the_admin():
    assert manual() in MANUAL.read_text()


def test_a_word_that_is_not_known_is_shown_as_it_is():
    assert title_of("rotten_egg") == "Rotten egg"
