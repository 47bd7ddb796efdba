"""Column types that no library gives: DATETIME(3), and texts from outside, which always fit. Native ENUM and CHAR(n)
come from django-mysql."""

from typing import Any

from django.db import models

from warehouse.outside import fitting, shown

TEXT_MAX = 10_000  # characters
ODD = "?"  # in the place of what is not there


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


class _ReadAsField(models.JSONField):
    """JSON that pages and imports rely on the shape of. Whatever SQL wrote there is read as that shape, and as odd as
    it is; to migrations and the server it is a JSONField."""

    def from_db_value(self, value: Any, expression: Any, connection: Any) -> Any:
        """Of what is stored; None stays."""
        if value is None:
            return None
        try:
            found = super().from_db_value(value, expression, connection)
        except (ValueError, RecursionError):  # nested too deep for Python, or no JSON where nothing checks it
            found = shown(value)
        return None if found is None and self.null else self.read(found)

    def read(self, found: Any) -> Any:
        """`found`, in the shape of the field."""
        raise NotImplementedError

    def deconstruct(self) -> tuple:
        name, _, args, options = super().deconstruct()
        return name, "django.db.models.JSONField", args, options


class NamesField(_ReadAsField):
    """A list of names. Of what is no list there are none; of one they are texts, all of them."""

    def read(self, found: Any) -> list[str]:
        return [str(name) for name in found] if isinstance(found, list) else []


class ObjectField(_ReadAsField):
    """Names with values. What is none is one value, under ODD."""

    def read(self, found: Any) -> dict[str, Any]:
        return found if isinstance(found, dict) else {ODD: found}


class RecordsField(_ReadAsField):
    """A list of objects that have `keys`; those that lack one have ODD there, and what is none has itself in all."""

    def __init__(self, *args: Any, keys: tuple[str, ...] = (), **options: Any):
        self.keys = keys
        super().__init__(*args, **options)

    def read(self, found: Any) -> list[dict[str, Any]]:
        rows = found if isinstance(found, list) else [found]
        return [
            dict.fromkeys(self.keys, ODD) | row if isinstance(row, dict) else dict.fromkeys(self.keys, str(row))
            for row in rows
        ]

    def clone(self) -> "RecordsField":
        _, _, args, options = self.deconstruct()
        return type(self)(*args, keys=self.keys, **options)
