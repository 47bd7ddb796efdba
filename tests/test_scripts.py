"""The scripts in bin/ and .ci/: POSIX sh, and nothing that shellcheck objects to."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
SCRIPTS = sorted(path.relative_to(ROOT) for path in [*(ROOT / "bin").iterdir(), ROOT / ".ci" / "run"])


@pytest.mark.parametrize("script", SCRIPTS, ids=str)
def test_a_script_is_valid_sh(script):
    subprocess.run(["sh", "-n", script], cwd=ROOT, check=True)


@pytest.mark.parametrize("script", [path for path in SCRIPTS if path.suffix != ".sh"], ids=str)
def test_a_script_can_be_executed(script):
    assert os.access(ROOT / script, os.X_OK)
    assert (ROOT / script).read_text().startswith("#!/bin/sh\n")


def test_shellcheck_has_nothing_to_say():
    if shutil.which("shellcheck") is None:
        message = "no shellcheck: install it (apt-get install shellcheck)"
        if os.environ.get("CI"):
            pytest.fail(message)
        pytest.skip(message)
    done = subprocess.run(["shellcheck", "-x", *SCRIPTS], cwd=ROOT, text=True, capture_output=True)
    assert done.returncode == 0, done.stdout
