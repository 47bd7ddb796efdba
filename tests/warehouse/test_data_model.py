"""docs/data-model.md is held against the models: every table and every column of ours is spoken of."""

import re
from pathlib import Path

import pytest
from django.apps import apps

pytestmark = pytest.mark.no_database
ROOT = Path(__file__).parent.parent.parent
MODELS = [
    model for app in ("warehouse", "imports", "quality", "desk") for model in apps.get_app_config(app).get_models()
]  # fmt: skip


def sections() -> dict[str, str]:
    """Text by table: what stands under the heading that names it."""
    found = {}
    for heading, text in re.findall(r"^### (.*)\n((?:(?!^##).*\n?)*)", (ROOT / "docs/data-model.md").read_text(), re.M):
        for table in re.findall(r"\w+", heading):
            found[table] = text
    return found


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model._meta.db_table)
def test_a_table_and_its_columns_are_described(model):
    text = sections()[model._meta.db_table]
    words = set(re.findall(r"\w+", text))
    assert {field.column for field in model._meta.fields if field.column} <= words  # a composite key has none


def test_no_table_is_described_that_is_not_there():
    assert set(sections()) == {model._meta.db_table for model in MODELS}
