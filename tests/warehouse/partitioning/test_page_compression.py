"""partition_snapshots apply --page-compression, and compacting what it made."""

from datetime import date
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from tests.waiting import HANG_SECONDS
from warehouse.partitioning import page_compression
from warehouse.partitioning.compacting import months, procedure
from warehouse.partitioning.online.comparison import digest_of
from warehouse.partitioning.partitions import TABLE
from warehouse.server import catalog, dialect


def apply(*arguments: str) -> str:
    out = StringIO()
    call_command("partition_snapshots", "apply", "--patience", str(HANG_SECONDS), *arguments, stdout=out)
    return out.getvalue()


def digest() -> tuple:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {digest_of(list(catalog.columns(TABLE)))} FROM {TABLE}")
        return cursor.fetchone()


def test_all_months_are_compressed_and_can_be_compacted_then(snapshots, settings, monkeypatch):
    if page_compression.why_not():
        pytest.skip(page_compression.why_not())
    settings.PARTITIONS_AHEAD_MONTHS = 0
    monkeypatch.setattr(months, "COMPACT_BYTES_A_ROW", {True: 1.0})
    monkeypatch.setattr(months, "LEAST_SAVED_BYTES", 1)
    snapshots.fill(3_000, "2025-01-01 00:00:00", 900)
    before = digest()
    assert "PAGE_COMPRESSED=1" in apply("--page-compression", "--dry-run")
    assert not page_compression.is_on()
    assert "The old table is" in apply("--page-compression")
    assert page_compression.is_on()
    assert "Nothing to do" in apply("--page-compression")
    assert "Nothing to do" in apply()
    call_command("partition_snapshots", "cleanup", stdout=StringIO())
    done = procedure.run(
        date(2025, 3, 1), lambda *_: None, patience_seconds=HANG_SECONDS, longest_wait_seconds=HANG_SECONDS
    )
    assert set(done.months) | set(done.left) == {"p202501"}
    assert "exchange" not in str(done.left)
    assert (digest(), page_compression.is_on()) == (before, True)
    assert "The old table is" in apply("--no-page-compression")
    assert (digest(), page_compression.is_on()) == (before, False)


def test_where_there_is_none_to_be_had_it_says_why(snapshots, monkeypatch):
    monkeypatch.setattr(catalog, "file_system_block_bytes", lambda table: 16_384)
    if dialect.is_mariadb():
        with pytest.raises(CommandError, match="blocks of 16,384 bytes, and pages have 16,384: nothing would be saved"):
            apply("--page-compression")
    monkeypatch.setattr(page_compression, "is_mariadb", lambda: False)
    with pytest.raises(CommandError, match="tried on MariaDB alone"):
        apply("--page-compression")
    with pytest.raises(CommandError, match="goes with apply"):
        call_command("partition_snapshots", "rollback", "--page-compression")
    assert not catalog.table_exists(f"{TABLE}_copy")
