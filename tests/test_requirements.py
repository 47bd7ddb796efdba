"""The locks: each version keeps within the ranges, each file has its hash. No registry is asked, and no database."""

import re
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name
from packaging.version import Version

pytestmark = pytest.mark.no_database
ROOT = Path(__file__).parent.parent
PYTHONS = ("3.11", "3.12", "3.13")
RANGES_OF = {
    "requirements.lock": ["requirements.txt"],
    "requirements-export.lock": ["pyproject.toml"],  # its extra: beside what runs already
    "requirements-dev.lock": ["requirements.txt", "requirements-dev.txt", "pyproject.toml"],
}


def ranges(name: str) -> list[Requirement]:
    """What a requirements file asks for itself, without what it includes (-r), or pyproject.toml by its extras."""
    if name == "pyproject.toml":
        extras = tomllib.loads((ROOT / name).read_text())["project"]["optional-dependencies"]
        return [Requirement(line) for lines in extras.values() for line in lines]
    lines = (line.split("#")[0].strip() for line in (ROOT / name).read_text().splitlines())
    return [Requirement(line) for line in lines if line and not line.startswith("-")]


def locked(name: str) -> list[tuple[Requirement, list[str]]]:
    """(name==version, its hashes) of every package in a lock; a package may stand there once for each Python."""
    text = re.sub(r"^\s*#.*\n", "", (ROOT / name).read_text(), flags=re.MULTILINE).replace("\\\n", " ")
    found = []
    for line in text.splitlines():
        pin, *hashes = re.split(r"\s+--hash=sha256:", line.strip())
        found.append((Requirement(pin), hashes))
    return found


def versions(lock: str, python: str) -> dict[str, Version]:
    """What the lock installs on Linux with this Python."""
    environment = {"python_version": python, "python_full_version": f"{python}.0", "sys_platform": "linux"}
    return {
        canonicalize_name(pin.name): Version(next(iter(pin.specifier)).version)
        for pin, _ in locked(lock)
        if pin.marker is None or pin.marker.evaluate(environment)
    }


@pytest.mark.parametrize("python", PYTHONS)
@pytest.mark.parametrize("lock", RANGES_OF)
def test_every_range_is_kept_by_the_version_in_the_lock(lock, python):
    installed = versions(lock, python)
    wrong = [
        f"{wanted} but {installed.get(canonicalize_name(wanted.name))}"
        for file in RANGES_OF[lock]
        for wanted in ranges(file)
        if canonicalize_name(wanted.name) not in installed
        or installed[canonicalize_name(wanted.name)] not in wanted.specifier
    ]
    assert not wrong, f"{lock} is not that of the ranges; CONTRIBUTING.md says how to make it anew: {wrong}"


@pytest.mark.parametrize("lock", RANGES_OF)
def test_every_line_of_a_lock_is_one_version_with_hashes(lock):
    pins = locked(lock)
    assert len(pins) > (0 if lock == "requirements-export.lock" else 20)
    for pin, hashes in pins:
        assert [specifier.operator for specifier in pin.specifier] == ["=="], pin
        assert hashes, f"{pin} has no hash"
        assert all(re.fullmatch("[0-9a-f]{64}", each) for each in hashes), pin


@pytest.mark.parametrize("python", PYTHONS)
def test_the_tests_run_on_the_versions_that_are_delivered(python):
    delivered = versions("requirements.lock", python) | versions("requirements-export.lock", python)
    assert delivered.items() <= versions("requirements-dev.lock", python).items()


@pytest.mark.parametrize("lock", RANGES_OF)
def test_a_lock_names_no_place_to_download_from(lock):
    assert not re.search(
        r"^\s*(-i|-f|--index-url|--extra-index-url|--find-links)\b|://", (ROOT / lock).read_text(), re.M
    )


def test_the_pythons_that_are_supported_are_said_alike():
    supported = SpecifierSet(tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["requires-python"])
    assert [f"3.{minor}" for minor in range(8, 20) if f"3.{minor}.0" in supported] == list(PYTHONS)
    pattern = r"\((\d+), (\d+)\) <= sys.version_info\[:2\] <= \((\d+), (\d+)\)"
    (taken,) = re.findall(pattern, (ROOT / "bin" / "setup").read_text())
    assert (".".join(taken[:2]), ".".join(taken[2:])) == (PYTHONS[0], PYTHONS[-1])
