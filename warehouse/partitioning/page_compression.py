"""Page compression, which is of the whole fact table: partitions cannot differ in it, and an exchange wants month and
shadow table to be alike. So it comes with a copy of the table (warehouse.partitioning.online).

MariaDB writes a page compressed and punches a hole into the file where the rest of it would lie. That needs a file
system that knows holes, in blocks smaller than a page.
"""

import re

from django.db import connection

from warehouse.partitioning.partitions import TABLE
from warehouse.server import catalog
from warehouse.server.dialect import is_mariadb

PAGE_BYTES_A_BLOCK = 2  # with blocks of half a page at least half of a page can be saved


def is_on(table: str = TABLE) -> bool:
    """Whether the server compresses the pages that it writes of this table."""
    with connection.cursor() as cursor:
        cursor.execute(f"SHOW CREATE TABLE {table}")
        text = cursor.fetchone()[1]
    return re.search(r"`?PAGE_COMPRESSED`?='?(1|ON)\b", text, re.IGNORECASE) is not None


def switched(table: str, on: bool) -> str:
    """The ALTER of an empty table, as SQL."""
    return f"ALTER TABLE {table} PAGE_COMPRESSED={int(on)}"


def why_not() -> str:
    """Why there is none to be had here, and what to do; "" where there is."""
    if not is_mariadb():
        return "page compression has been tried on MariaDB alone, and this server is MySQL"
    ((per_table, page_size),) = catalog.ask("SELECT @@innodb_file_per_table, @@innodb_page_size")
    if not per_table:
        return "tables share one file: set innodb_file_per_table = 1 on the server"
    holes = dict(
        catalog.ask(
            "SELECT variable_name, variable_value FROM information_schema.global_status "
            "WHERE variable_name = 'INNODB_HAVE_PUNCH_HOLE'"
        )
    )
    if holes.get("INNODB_HAVE_PUNCH_HOLE") != "ON":
        return "the server cannot punch holes into its files here: it needs ext4, xfs or btrfs on Linux"
    block = catalog.file_system_block_bytes(TABLE)
    if block is not None and block * PAGE_BYTES_A_BLOCK > page_size:
        return f"the file system writes blocks of {block:,} bytes, and pages have {page_size:,}: nothing would be saved"
    return ""
