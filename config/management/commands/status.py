"""How the warehouse stands: what the home page says, in a terminal or for a script."""

import sys

from django.conf import settings
from django.core.serializers.json import DjangoJSONEncoder
from django.db import DatabaseError
from django.utils import timezone

from config.home import PARTS, home
from config.home.told import as_json, as_text
from config.night import night, told
from warehouse.history.answers.written import json_text
from warehouse.management.terminal import TerminalCommand
from warehouse.server import errors
from warehouse.server.impatient import impatient
from warehouse.zones import zone_or_utc

DATABASE_ANSWERS_WITHIN_SECONDS = 20  # of each question


class Command(TerminalCommand):
    help = "How the warehouse stands, as the home page says it; exit 1 when something needs attention."
    requires_system_checks = []

    def add_arguments(self, parser):
        parser.add_argument("--json", action="store_true", help="for scripts: keys and values that stay what they are")

        parser.add_argument("--night", action="store_true", help="and what came of last night")

    def handle(self, **options):
        now, facts = timezone.now(), None
        try:
            with impatient(DATABASE_ANSWERS_WITHIN_SECONDS):
                found = home(lambda permission: True, now, only={kind.key for kind in PARTS} - {"night"})
                if options["night"]:
                    facts = night(now, zone_or_utc(settings.REPORT_TIME_ZONE))
        except DatabaseError as error:
            if not options["json"]:
                raise  # manage.py says it in a line
            said = errors.in_words(error)
            away = {"as_of": now, "well": False, "attention": [{"key": "database.away", "said": said, "url": ""}]}
            self._write_json(away)
            sys.exit(1)
        if options["json"]:
            self._write_json(as_json(found) | ({"night": told.as_json(facts)} if facts else {}))
        else:
            for line in [*as_text(found), *(["", "Last night", *told.as_text(facts)] if facts else [])]:
                self.stdout.write(line)
        if found.attention:
            sys.exit(1)

    def _write_json(self, what: dict) -> None:
        self.stdout.write(json_text(what, cls=DjangoJSONEncoder, indent=1))
