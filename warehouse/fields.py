"""The one column type no library gives: DATETIME(3). Native ENUM and CHAR(n) come from django-mysql."""

from django.db import models


class MillisecondDateTimeField(models.DateTimeField):
    """A UTC instant kept in DATETIME(3).

    Callers truncate to milliseconds before they write: MariaDB truncates .9996 to .999, MySQL rounds it to the next
    second, and a snapshot's identity is its instant.
    """

    def db_type(self, connection) -> str:
        """What the migrations write: three digits of a second, on either server."""
        return "datetime(3)"
