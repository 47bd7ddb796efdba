"""What is written for people is held against the code: commands, options, scripts, files, and environment names."""

import ast
import functools
import re
import tomllib
from collections.abc import Callable
from pathlib import Path

import environ
import pytest
from django.conf import settings
from django.core.management import get_commands, load_command_class

pytestmark = pytest.mark.no_database
ROOT = Path(__file__).parent.parent
FOLDERS = (".ci", "bin", "config", "docs", "imports", "quality", "warehouse")
FILES = sorted(
    path
    for found in [ROOT.glob("*"), *((ROOT / folder).rglob("*") for folder in FOLDERS)]
    for path in found
    if path.is_file()
)
DOCUMENTS = [path for path in FILES if path.suffix == ".md"]
SCRIPTS = [path for path in FILES if path.parent.name in ("bin", ".ci")]
PYTHON = [path for path in FILES if path.suffix == ".py"]
NAMING_COMMANDS = [*DOCUMENTS, *SCRIPTS, *PYTHON, ROOT / ".env.example"]
LINK = r"\]\((?!\w+:)([^)#\s]+)(?:#[^)]*)?\)"
#: shown with a value to follow: without one they are empty, or follow from other settings or from the machine
EXAMPLES_ONLY = {
    *(
        "DATABASE_URL",
        "DATABASE_REPLICA_URL",
        "ALLOWED_HOSTS",
        "CSRF_TRUSTED_ORIGINS",
        "THEMEPARKS_CACHE_DIR",
        "WORKERS",
    ),
    *("SECURE_COOKIES", "SECURE_SSL_REDIRECT", "SECURE_HSTS_SECONDS"),
}


# --- commands, scripts and files ----------------------------------------------------------------------------------
def test_every_command_and_option_that_is_named_exists():
    wrong = []
    for path in NAMING_COMMANDS:
        for command, rest in _commands_named_in(path.read_text()):
            if command not in get_commands():
                wrong.append(f"{path.relative_to(ROOT)}: there is no manage.py {command}")
                continue
            named = set(re.findall(r"(?<![\w-])--[a-z][a-z-]*", rest))
            wrong += [
                f"{path.relative_to(ROOT)}: manage.py {command} has no {option}"
                for option in named - _options_of(command)
            ]
    assert not wrong


def test_every_script_that_is_named_exists():
    assert not _missing(NAMING_COMMANDS, r"(?<![\w/.])(?:\./)?(bin/[a-z]+(?:\.sh)?)\b(?!/)", lambda path: ROOT)


def test_every_test_that_is_named_exists():
    named = {
        (document, path, test)
        for document in DOCUMENTS
        for path, test in re.findall(r"(?<![\w/.])(tests/[\w/]*\w(?:\.py)?)(?:::(\w+))?", document.read_text())
    }
    assert named
    missing = [
        f"{document.relative_to(ROOT)} names {path}{test and f'::{test}'}"
        for document, path, test in named
        if not (ROOT / path).exists() or (test and f"def {test}(" not in (ROOT / path).read_text())
    ]
    assert not missing


def test_every_file_that_is_linked_exists():
    assert not _missing(DOCUMENTS, LINK, lambda path: path.parent)


def test_every_document_can_be_reached_from_the_readme():
    reached, to_read = set(), {ROOT / "README.md"}
    while to_read:
        path = to_read.pop()
        reached.add(path)
        linked = {(path.parent / target).resolve() for target in re.findall(LINK, path.read_text())}
        to_read |= {target for target in linked if target.suffix == ".md"} - reached
    assert set(DOCUMENTS) <= reached


def _commands_named_in(text: str) -> set[tuple[str, str]]:
    """(command, the rest of its line) of every `manage.py command ...`; a line that goes on behind a \\ is one."""
    text = re.sub(r"\\\n\s*", " ", text)
    return {(match[1], match[2]) for match in re.finditer(r"manage(?:\.py)? ([a-z]+_[a-z_]+)\b([^`\n\"&|]*)", text)}


@functools.cache
def _options_of(command: str) -> set[str]:
    app = get_commands()[command]
    parser = (load_command_class(app, command) if isinstance(app, str) else app).create_parser("manage.py", command)
    options, parsers = set(), [parser]
    while parsers:
        parser = parsers.pop()
        options |= set(parser._option_string_actions)
        for action in parser._actions:
            if isinstance(action.choices, dict):  # sub-commands
                parsers += action.choices.values()
    return options


def _missing(paths: list[Path], pattern: str, base: Callable[[Path], Path]) -> list[str]:
    """What `pattern` finds in `paths` and is no file of ours."""
    return [
        f"{path.relative_to(ROOT)} names {target}"
        for path in paths
        for target in re.findall(pattern, path.read_text())
        if not (base(path) / target).exists()
    ]


# --- version ------------------------------------------------------------------------------------------------------
def test_the_version_is_that_of_pyproject_wherever_it_is_said():
    version = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    released = re.findall(r"^## \[([\d.]+)\] - \d{4}-\d\d-\d\d$", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)
    assert released[0] == version
    assert settings.USER_AGENT.split(" ")[0] == f"themepark-warehouse/{version}"


# --- environment --------------------------------------------------------------------------------------------------
def test_every_environment_name_stands_in_the_example_and_the_reverse():
    assert set(_example()) == set(_defaults_in_settings()) | set(_defaults_in_scripts())


def test_the_example_gives_the_defaults():
    defaults = {**_defaults_in_settings(), **_defaults_in_scripts()}
    for name, text in _example().items():
        if name not in EXAMPLES_ONLY:
            cast, default = defaults[name]
            value = getattr(environ.Env, cast)(_EnvOf({name: text}), name)
            assert value == default, f"{name} is {text!r} in .env.example and {default!r} in the code"


def test_the_example_can_be_used_as_it_is():
    for line in (ROOT / ".env.example").read_text().splitlines():
        assert re.fullmatch(r"|# .*|#?[A-Z][A-Z0-9_]*=\S*", line), line


class _EnvOf(environ.Env):
    """Reads from a dict, as config/settings.py reads from the environment."""

    def __init__(self, variables: dict[str, str]):
        super().__init__()
        self.ENVIRON = variables


def _defaults_in_settings() -> dict[str, tuple[str, object]]:
    """name -> (cast, default) of every env.cast("NAME", default=...); None where the default is no literal."""
    found = {}
    for node in ast.walk(ast.parse((ROOT / "config" / "settings.py").read_text())):
        if isinstance(node, ast.Call) and ast.unparse(node.func).startswith("env.") and node.args:
            if not isinstance(node.args[0], ast.Constant):
                continue
            default = next((keyword.value for keyword in node.keywords if keyword.arg == "default"), None)
            try:
                value = ast.literal_eval(default) if default is not None else None
            except ValueError:
                value = None
            if value is not None or node.args[0].value not in found:
                found[node.args[0].value] = (node.func.attr, value)
    return found


def _defaults_in_scripts() -> dict[str, tuple[str, object]]:
    """name -> ("str", default) of every `setting NAME default` in bin/."""
    return {
        match[1]: ("str", match[2])
        for path in SCRIPTS
        for match in re.finditer(r"\$\(setting ([A-Z][A-Z_]+) ([^)]+)\)", path.read_text())
    }


def _example() -> dict[str, str]:
    return dict(re.findall(r"^#?([A-Z][A-Z0-9_]*)=(.*)$", (ROOT / ".env.example").read_text(), flags=re.MULTILINE))
