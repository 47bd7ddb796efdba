"""Which of the two servers this is. They share protocol, SQL and Django's backend, and differ in what they tell."""

from typing import cast

from django.db import connection
from django.db.backends.mysql.base import DatabaseWrapper


def is_mariadb() -> bool:
    """True for MariaDB, False for MySQL; asks the server once a connection."""
    return cast(DatabaseWrapper, connection).mysql_is_mariadb


def version() -> tuple[int, ...]:
    """Of the server, for instance (10, 11, 19)."""
    return cast(DatabaseWrapper, connection).mysql_version
