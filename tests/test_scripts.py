"""The scripts in bin/ and .ci/: POSIX sh, and nothing that shellcheck objects to."""

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

pytestmark = pytest.mark.no_database
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


def test_a_module_that_says_no_database_is_tested_without_one():
    done = subprocess.run(
        [ROOT / "bin" / "test", "--collect-only", "-q", "tests/test_scripts.py", "tests/test_architecture.py"],
        env={name: value for name, value in os.environ.items() if name != "DATABASE_URL"},
        text=True,
        capture_output=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "No database is needed" in done.stdout
    assert "MariaDB" not in done.stdout


def test_each_linter_of_bin_test_is_a_hook_before_a_commit():
    hooks = re.findall(r"^ +entry: (.+)$", (ROOT / ".pre-commit-config.yaml").read_text(), re.MULTILINE)
    linters = re.findall(
        r'"\$python" -m (ruff .+?|mypy.*?)(?: \.)?$', (ROOT / "bin" / "test").read_text(), re.MULTILINE
    )
    assert len(linters) >= 2
    for linter in linters:
        assert any(hook.endswith(f".venv/bin/python -m {linter}") for hook in hooks), linter
    for named in re.findall(r"(?<!\S)(?:\./|tests/)\S+", " ".join(hooks)):
        assert (ROOT / named).exists(), named
