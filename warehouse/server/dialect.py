"""Which of the two servers this is. They share protocol, SQL and Django's backend, and differ in what they tell."""

from typing import Any, cast

import MySQLdb
from django.db import connection
from django.db.backends.mysql.base import DatabaseWrapper

_UNKNOWN_VARIABLE = 1193


def is_mariadb() -> bool:
    """True for MariaDB, False for MySQL; asks the server once a connection."""
    return cast(DatabaseWrapper, connection).mysql_is_mariadb


def is_galera() -> bool:
    """Whether it is a node of a Galera cluster, on whose other nodes others write: locks are this node's alone, what is
    written is held to what they wrote at its COMMIT, and whoever comes second is told 1213. Asks MariaDB, once a
    session."""
    if not is_mariadb():
        return False
    connection.ensure_connection()
    kept = vars(connection)  # of this thread; a session that is opened anew may be another node's, or another server's
    session, known = kept.get("_is_galera", (None, False))
    if session is not connection.connection:
        known = _has_wsrep(connection.connection)
        kept["_is_galera"] = connection.connection, known
    return known


def _has_wsrep(session: Any) -> bool:
    with cast(DatabaseWrapper, connection).wrap_database_errors:
        cursor = session.cursor()
        try:
            cursor.execute("SELECT @@SESSION.wsrep_on")
            return bool(cursor.fetchone()[0])
        except MySQLdb.OperationalError as error:  # a MariaDB that was built without
            if error.args[0] != _UNKNOWN_VARIABLE:
                raise
            return False
        finally:
            cursor.close()


def version() -> tuple[int, ...]:
    """Of the server, for instance (10, 11, 19)."""
    return cast(DatabaseWrapper, connection).mysql_version


def exchanges_without_validation() -> bool:
    """Whether a partition can be exchanged without that each row is looked at: MySQL 5.7, MariaDB 11.4 on."""
    return version() >= ((11, 4) if is_mariadb() else (5, 7, 5))
