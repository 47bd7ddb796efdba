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


def exchanges_without_validation() -> bool:
    """Whether a partition can be exchanged without that each row is looked at: MySQL 5.7, MariaDB 11.4 on."""
    return version() >= ((11, 4) if is_mariadb() else (5, 7, 5))
