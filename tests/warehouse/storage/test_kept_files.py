"""What folders beside the database take on disk."""

import os

import pytest

from warehouse.storage import kept_files
from warehouse.storage.kept_files import kept_folders

pytestmark = pytest.mark.no_database


@pytest.fixture
def folders(settings, tmp_path):
    for name, size in (("history/a/1.json.gz", 4096), ("history/b/2.json.gz", 4096), ("2024/3.json.gz", 100_000)):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(os.urandom(size))
    settings.KEPT_FOLDERS = [
        ("answers", str(tmp_path / "history"), ()),
        ("files", str(tmp_path), ("history",)),
        ("none", str(tmp_path / "none"), ()),
        ("unset", "", ()),
    ]
    return tmp_path


def test_each_folder_counts_its_own_files(folders):
    found = {each.name: each for each in kept_folders()}
    assert {name: each.files for name, each in found.items()} == {"answers": 2, "files": 1}
    assert 0.1 <= found["files"].megabytes < 0.2 and found["files"].whole
    assert found["answers"].free_mb > 0


def test_a_folder_too_large_to_be_counted_is_said_to_hold_more(folders, monkeypatch):
    monkeypatch.setattr(kept_files, "LOOK_AT_MOST_SECONDS", 0.0)
    assert [each.whole for each in kept_folders()] == [False, False]
