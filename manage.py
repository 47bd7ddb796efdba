#!/usr/bin/env python
"""The door to every command: `python manage.py help`."""

import os
import sys


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    from django.core.management import execute_from_command_line
    from django.db import DatabaseError

    try:
        execute_from_command_line(sys.argv)
    except DatabaseError as error:
        from warehouse.server import errors

        if "--traceback" in sys.argv or errors.is_ours(error):
            raise
        sys.exit(errors.in_words(error))


if __name__ == "__main__":
    main()
