"""Column types that no library gives: DATETIME(3), and texts from outside, which always fit. Native ENUM and CHAR(n)
come from django-mysql."""

from typing import Any

from django.db import models

from warehouse.outside import fitting

TEXT_MAX = 10_000  # characters


class MillisecondDateTimeField(models.DateTimeField):
    """A UTC instant kept in DATETIME(3).

    Callers truncate to milliseconds before they write: MariaDB truncates .9996 to .999, MySQL rounds it to the next
    second, and a snapshot's identity is its instant.
    """

    def db_type(self, connection) -> str:
        """What the migrations write: three digits of a second, on either server."""
        return "datetime(3)"


class OutsideCharField(models.CharField):
    """A text that somebody else wrote. What is longer than the column is cut as it is written, and says by how much:
    the server would refuse the statement, and an import would end by it. In a form it is refused, as any other.
    """

    def get_prep_value(self, value: Any) -> Any:
        """Of what is written, and of what is looked for."""
        value = super().get_prep_value(value)
        return fitting(value, self.max_length) if isinstance(value, str) else value

    def deconstruct(self) -> tuple:
        """To migrations and the server it is a CharField."""
        name, _, args, options = super().deconstruct()
        return name, "django.db.models.CharField", args, options


class OutsideTextField(models.TextField):
    """The same of a TEXT, which would hold it, and which pages show: at most TEXT_MAX characters are kept."""

    def get_prep_value(self, value: Any) -> Any:
        """Of what is written, and of what is looked for."""
        value = super().get_prep_value(value)
        return fitting(value, TEXT_MAX) if isinstance(value, str) else value

    def deconstruct(self) -> tuple:
        """To migrations and the server it is a TextField."""
        name, _, args, options = super().deconstruct()
        return name, "django.db.models.TextField", args, options


class NamesField(models.JSONField):
    """A list of names as JSON. Whatever SQL wrote there is read as one: of no list there are none, and of a list all,
    as texts; everybody who asks whether a name is in it may."""

    def from_db_value(self, value: Any, expression: Any, connection: Any) -> list[str]:
        """Of what is stored."""
        found = super().from_db_value(value, expression, connection)
        return [str(name) for name in found] if isinstance(found, list) else []

    def deconstruct(self) -> tuple:
        """To migrations and the server it is a JSONField."""
        name, _, args, options = super().deconstruct()
        return name, "django.db.models.JSONField", args, options
