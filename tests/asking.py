"""A question to a server over a connection of a test's own, with nothing of ours or Django's between."""

import MySQLdb


def ask(connection: MySQLdb.Connection, sql: str) -> list[tuple]:
    """The rows of the answer; of a statement that has none, an empty list."""
    cursor = connection.cursor()
    cursor.execute(sql)
    rows = list(cursor.fetchall())
    cursor.close()
    return rows
