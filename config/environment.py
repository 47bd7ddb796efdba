"""What the environment and .env say, read strictly: a value that cannot be read is one sentence that names its
variable, and none is taken for another. django-environ alone passes over a file that it may not read, takes every word
that it does not know for false, and tells of a number that it cannot read without saying whose.
"""

import os
import pwd
import re
import warnings
from pathlib import Path
from typing import Any

import environ
from django.core.exceptions import ImproperlyConfigured

FALSE_STRINGS = ("false", "off", "n", "no", "0", "")
LINE = r"\s*(#.*)?|(export )?[A-Za-z_0-9]+=.*"  # as django-environ reads one; other lines it passes over
DATABASE_URL_FORM = "mysql://user:password@host:3306/name"


class Environment(environ.Env):
    """Raises ImproperlyConfigured, in words for operators, where django-environ raises ValueError or goes on."""

    def read_file(self, path: Path, *, must_exist: bool = False) -> None:
        """Variables of `path` that are not in the environment already. No file is none, unless it `must_exist`."""
        try:
            lines = path.read_text(encoding="utf-8").splitlines()
        except FileNotFoundError as error:
            if must_exist:
                raise ImproperlyConfigured(f"There is no {path}, which ENV_FILE names") from error
            return
        except PermissionError as error:
            raise ImproperlyConfigured(
                f"{path} is there, and may not be read by {_user()}. Give it to the group that this runs as: "
                f"chgrp GROUP {path}; chmod 640 {path}"
            ) from error
        except OSError as error:
            raise ImproperlyConfigured(f"{path} cannot be read: {error.strerror}") from error
        except UnicodeDecodeError as error:
            raise ImproperlyConfigured(f"{path} is no text in UTF-8: write it anew from .env.example") from error
        for number, line in enumerate(lines, start=1):
            if not re.fullmatch(LINE, line):  # what stands there may be a secret
                raise ImproperlyConfigured(f"Line {number} of {path} is not of the form NAME=value")
        self.read_env(path)

    def get_value(self, var: str, cast: Any = None, default: Any = environ.Env.NOTSET, parse_default: bool = False):
        try:
            return super().get_value(var, cast, default, parse_default)
        except (ValueError, TypeError, OverflowError) as error:
            kind = {bool: "true or false", int: "a whole number", float: "a number"}.get(cast, "of another form")
            said = repr(self.ENVIRON.get(var, ""))[:80]
            raise ImproperlyConfigured(f"{var} must be {kind}, and not {said}") from error
        except RecursionError as error:  # a value that begins with $ is the name of another variable
            raise ImproperlyConfigured(f"{var} names itself by a value that begins with $") from error

    @classmethod
    def parse_value(cls, value: Any, cast: Any) -> Any:
        known = (*cls.BOOLEAN_TRUE_STRINGS, *FALSE_STRINGS)
        if cast is bool and isinstance(value, str) and value.strip().lower() not in known:
            raise ValueError(value)
        if cast is float and isinstance(value, str):
            return float(value)  # django-environ leaves out what is no figure: of "2 TB" it makes 2
        return super().parse_value(value, cast)

    def database(self, url: str, name: str = "DATABASE_URL") -> dict[str, Any]:
        """Django's settings of a MySQL or MariaDB server; `name` says where the url stands. No message shows of it what
        may be a password."""
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # of an engine that is not recognised: it shows the password
                found = self.db_url_config(url)
        except (ValueError, ImproperlyConfigured, KeyError) as error:
            raise ImproperlyConfigured(
                f"{name} cannot be read as {DATABASE_URL_FORM}. In user and password write "
                "%25 for %, %2F for /, %3F for ?, %23 for #, %40 for @, %3A for :"
            ) from error
        if found.get("ENGINE") != "django.db.backends.mysql":
            raise ImproperlyConfigured(
                f"{name} must name a MySQL or MariaDB server ({DATABASE_URL_FORM}): the fact table "
                "lives on native month partitions and LOAD DATA"
            )
        if not found.get("NAME"):
            raise ImproperlyConfigured(f"{name} names no database: {DATABASE_URL_FORM}")
        return found


def _user() -> str:
    try:
        return f"user {pwd.getpwuid(os.geteuid()).pw_name}"
    except KeyError:  # a number without a name, as in containers
        return f"user {os.geteuid()}"
