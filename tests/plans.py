"""How the server goes about a statement, as EXPLAIN says it, which the two servers are asked in words of their own."""

from typing import Any

from django.db import connection

from warehouse.server.dialect import is_mariadb


def plan_of(sql: str) -> list[dict[str, Any]]:
    """A step for each table that is read: `table`, `type`, `key`, `key_len`, `rows`, `Extra`, `partitions` and more."""
    with connection.cursor() as cursor:
        # MySQL shows a tree unless it is asked for a table
        cursor.execute(f"EXPLAIN {'PARTITIONS' if is_mariadb() else 'FORMAT=TRADITIONAL'} {sql}")
        names = [column[0] for column in cursor.description]
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
