"""no database"""

import ast
import hashlib
from pathlib import Path

from imports import events
from imports.events import rules

# What stands beside the rules and decides nothing: how work is handed over.
ELSEWHERE = {"__init__.py", "rules.py", "decoder_process.py", "decoding.py"}
OF_VERSION = (2, "17815050278c")


def test_the_version_of_the_rules_is_that_of_their_code():
    """Where this fails, the code of the rules is another one. If the same bytes are stored or told of otherwise now,
    raise imports.events.rules.VERSION, so that files which were read before are read anew when they are imported
    again. Either way, write down here what the failure shows."""
    code = hashlib.sha256()
    for path in sorted(Path(events.__file__).parent.glob("*.py")):
        if path.name not in ELSEWHERE:
            code.update(ast.dump(_without_docstrings(ast.parse(path.read_text()))).encode())
    assert (rules.VERSION, code.hexdigest()[:12]) == OF_VERSION


def _without_docstrings(tree: ast.Module) -> ast.Module:
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef) and ast.get_docstring(node) is not None:
            node.body = node.body[1:] or [ast.Pass()]
    return tree
