"""Page compression, which is of the whole fact table: an exchange wants month and shadow table to be alike."""

import re

from django.db import connection

from warehouse.partitioning.partitions import TABLE
from warehouse.server.dialect import is_mariadb


def is_on(table: str = TABLE) -> bool:
    """Whether the server compresses the pages that it writes of this table."""
    with connection.cursor() as cursor:
        cursor.execute(f"SHOW CREATE TABLE {table}")
        text = cursor.fetchone()[1]
    option = r"`?PAGE_COMPRESSED`?='?(1|ON)'?" if is_mariadb() else r"COMPRESSION='(?!NONE)\w+'"
    return re.search(option, text, re.IGNORECASE) is not None
