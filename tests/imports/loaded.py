"""What tests.imports.forks begin with: all that manage.py loads before, and while, it runs a command. No connection."""

import gc
import os

import django

from tests.imports.parents import end_with_the_parent

gc.disable()
end_with_the_parent()  # by itself the fork server stays as long as any of its forks, and they as long as it does
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
django.setup()

from django.core.management import load_command_class  # noqa: E402
from django.urls import get_resolver  # noqa: E402

for command in ("import_archive", "collect_live"):
    load_command_class("imports", command)
load_command_class("quality", "check_quality")
assert get_resolver().url_patterns  # the checks look at them

# As in tests/conftest.py: a fork goes through nothing that it has from here, which would copy it page by page.
gc.collect()
gc.freeze()
gc.set_threshold(50_000, 10, 50)
gc.enable()
