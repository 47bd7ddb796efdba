"""What tests.imports.forks begin with: all that manage.py loads before, and while, it runs a command. No connection."""

import os

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
django.setup()

from django.core.management import load_command_class  # noqa: E402
from django.urls import get_resolver  # noqa: E402

for command in ("import_archive", "collect_live"):
    load_command_class("imports", command)
load_command_class("quality", "check_quality")
assert get_resolver().url_patterns  # the checks look at them
