#!/usr/bin/env python
"""The door to every command: `python manage.py help`."""

import os
import sys


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    try:
        from django.core.management import execute_from_command_line

        execute_from_command_line(sys.argv)
    except Exception as error:
        from config.starting import in_one_line, say

        said = None if "--traceback" in sys.argv else in_one_line(error)
        if said is None:
            raise
        if sys.argv[1:2] == ["qcluster"]:  # its output is a log
            say(said)
            sys.exit(1)
        sys.exit(said)


if __name__ == "__main__":
    main()
