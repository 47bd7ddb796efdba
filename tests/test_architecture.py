"""The import arrow between the apps and inside them, and no circles: a newcomer reads downwards."""

import ast
import graphlib
from pathlib import Path

import pytest

pytestmark = pytest.mark.no_database
ROOT = Path(__file__).parent.parent
MAY_IMPORT = {
    "warehouse": set(),
    "quality": {"warehouse"},
    "imports": {"warehouse", "quality"},
}
#: the rooms of an app from the ground up: a room imports only from those before it. What is named beside another in
#: one row stands apart from it.
ROOMS = {
    "warehouse": [
        "outside",
        "cores fields instants days ids log_lines names replica_settings ride_status text wire zones",
        "snapshot_id stay_models opening_models day_models compaction_models turn_models",
        "models",
        "server rides",
        "partitioning",
        "storage history export templatetags",  # what is exported are tables: it asks no question of history
        "admin checks replica_check tasks",
        "apps",
    ],
    "quality": [
        "states owed_models evidence",
        "move_models",
        "models",
        "reasons owed_checks taking_back acts",
        "findings",
        "grouping import_ledger named_rides",
        "covered_hours",
        "log",
        "check",
        "tasks",
        "admin",
        "apps",
    ],
    "imports": [
        "events",
        "api",
        "sources",
        "loading",
        "archive",
        "live",
        "metadata",
        "workers",
        "models tasks sample",
        "admin checks",
        "apps",
    ],
}
FORBIDDEN_NAMES = {"utils", "helpers", "services", "managers", "signals", "constants", "exceptions"}
OURS = {"warehouse", "quality", "imports", "config", "tests"}


def _module(file: Path) -> str:
    parts = file.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def _files(app: str) -> dict[str, Path]:
    return {_module(file): file for file in (ROOT / app).rglob("*.py") if "migrations" not in file.parts}


MODULES = {module: file for app in MAY_IMPORT for module, file in _files(app).items()}


def _imported(file: Path) -> set[str]:
    """Every module of ours that a file names in an import, wherever in the file that stands."""
    found = set()
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            inside = {f"{node.module}.{alias.name}" for alias in node.names}
            found |= {name for name in inside if name in MODULES} or {node.module}
    return {name for name in found if name.split(".")[0] in OURS}


def _room(module: str) -> str:
    return module.split(".")[1] if "." in module else ""


@pytest.mark.parametrize("app", MAY_IMPORT)
def test_an_app_imports_only_what_lies_below_it(app):
    files = _files(app)
    assert files
    for module, file in files.items():
        upward = {name.split(".")[0] for name in _imported(file)} - MAY_IMPORT[app] - {app}
        assert not upward, f"{module} imports {upward}"


@pytest.mark.parametrize("app", ROOMS)
def test_a_room_imports_only_from_the_rooms_below_it(app):
    height = {room: n for n, row in enumerate(ROOMS[app]) for room in row.split()}
    upward = []
    for module, file in _files(app).items():
        if _room(module) in ("", "management"):
            continue
        assert _room(module) in height, f"{module} stands in no room that is named here"
        for name in _imported(file):
            inside = name.startswith(f"{app}.") and _room(name) != _room(module)
            if inside and height[_room(name)] >= height[_room(module)]:
                upward.append(f"{module} imports {name}")
    assert not upward, "\n".join(upward)


def test_no_module_imports_itself_in_a_circle():
    # a package's __init__ that only gathers its pages imports them, and they never import it
    graph = {module: _imported(file) & MODULES.keys() - {module} for module, file in MODULES.items()}
    list(graphlib.TopologicalSorter(graph).static_order())  # CycleError names the circle


@pytest.mark.parametrize("app", MAY_IMPORT)
def test_a_module_is_named_after_its_subject(app):
    assert not {file.stem for file in (ROOT / app).rglob("*.py")} & FORBIDDEN_NAMES
