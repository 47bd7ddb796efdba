"""A short torture as part of the suite: bin/torture with a seed of its own, and the faults that it has to tell.

The long one, with its figures: docs/reliability.md.
"""

import os
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.imports.parents import end_with_the_parent
from tests.torture import archive, oracle, reading, rules

pytestmark = pytest.mark.no_database  # of the suite's: it makes servers of its own
ROOT = Path(__file__).resolve().parents[2]
NOW = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.mark.skipif(sys.platform != "linux", reason="bin/torture needs /proc")
@pytest.mark.timeout(900)  # a minute and a half of CPU, beside other tests
def test_imports_under_fire_leave_what_the_files_say_and_planted_faults_are_told():
    process = subprocess.run(
        [sys.executable, "-m", "tests.torture", "--planted", "--cycles", "3", "--seed", "31", "--lanes", "2"],
        cwd=ROOT,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        preexec_fn=end_with_the_parent,
    )
    assert process.returncode == 0, process.stdout[-8000:]
    assert "| **rows lost** | **0** |" in process.stdout


def test_a_seed_gives_the_same_files_and_the_same_plan(tmp_path):
    from tests.torture.cycle import plan_of

    made = [archive.make(tmp_path / name, 5, 1, 4) for name in "ab"]
    assert made[0] == made[1]
    one, other = ([path.read_bytes() for path in sorted((tmp_path / name).rglob("*.gz"))] for name in "ab")
    assert one == other
    assert plan_of(5) == plan_of(5) != plan_of(6)


# --- the oracle ------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("text", "value"),
    [
        (b'[NaN, 1, "\\q", "a\nb"]', "\\q"),
        (b'[0, 1, "\\ud83c"]', "\ud83c"),
        (b'[0, 1, "\xed\xa0\xbc\xed\xbe\xa2"]', "\U0001f3a2"),
        (b'[0, 1, "caf\xe9"]', "caf�"),
        (b"[0, 1, " + b"9" * 5_000 + b"]", float("inf")),
        (b'{"events": [0, 1, {"a": 1, "a": 2}]}', {"a": 2}),
    ],
)
def test_the_oracle_reads_json_as_it_should_not_be(text, value):
    assert reading.values_of(text)[2] == value


@pytest.mark.parametrize("text", [b"", b" ", b"[1 2]", b"[01]", b"[nul]", b'["a]', b"{}", b"[1]]", b"x\x9c123"])
def test_the_oracle_knows_what_cannot_be_read(text):
    with pytest.raises(reading.Unreadable):
        reading.values_of(text)


def test_the_oracle_agrees_with_the_manifest_of_the_sample_archive(tmp_path):
    """Two that were written by themselves, of neither of which the importer knows."""
    import json

    from imports.sample import Plan, write_archive

    plan = Plan(datetime(2025, 1, 15).date(), 29, 100, seed=3, destinations=1, with_defects=True)
    write_archive(tmp_path, plan)
    manifest = json.loads((tmp_path / "sample-manifest.json").read_text())
    found = oracle.expected_of(tmp_path, NOW)
    assert len(found.snapshots) == manifest["totals"]["snapshots"]
    assert len(found.queues) == manifest["totals"]["queue_rows"]
    assert len(found.rides) == manifest["totals"]["rides"]
    assert len(found.parks) == manifest["totals"]["parks"]


def test_the_oracle_cuts_instants_and_believes_no_clock_that_is_ahead():
    def said(at: str) -> rules.FileSays:
        event = {"entityId": archive.uuid(3, 1, 1), "parkId": archive.uuid(2, 1, 1), "data": {"status": "DOWN"}}
        return rules.say([event | {"eventTime": at}], NOW)

    assert said("2025-12-31T23:59:59.999999Z").seen[0].ms == 1767225599999
    assert said("2026-01-01T00:05:00Z").seen
    assert said("2026-01-01T00:05:00.001Z").issues[archive.uuid(2, 1, 1), "future_time"] == 1
