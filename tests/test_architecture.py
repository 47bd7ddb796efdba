"""The import arrow: warehouse knows nobody, quality knows warehouse, imports knows both, config wires them."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
MAY_IMPORT = {
    "warehouse": set(),
    "quality": {"warehouse"},
    "imports": {"warehouse", "quality"},
}
FORBIDDEN_NAMES = {"utils", "helpers", "services", "managers", "signals", "constants", "exceptions"}


def _imported_packages(file: Path) -> set[str]:
    found = set()
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module.split(".")[0])
    return found


@pytest.mark.parametrize("app", MAY_IMPORT)
def test_an_app_imports_only_what_lies_below_it(app):
    files = list((ROOT / app).rglob("*.py"))
    assert files
    ours = {"warehouse", "quality", "imports", "config", "tests"}
    for file in files:
        upward = _imported_packages(file) & ours - MAY_IMPORT[app] - {app}
        assert not upward, f"{file.relative_to(ROOT)} imports {upward}"


@pytest.mark.parametrize("app", MAY_IMPORT)
def test_a_module_is_named_after_its_subject(app):
    assert not {file.stem for file in (ROOT / app).rglob("*.py")} & FORBIDDEN_NAMES
