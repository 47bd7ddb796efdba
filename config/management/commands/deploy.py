"""manage.py deploy: all that a database needs to be that of this version. After each update; as often as one likes."""

from django.conf import settings
from django.core import checks
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor

from imports.admin import groups
from imports.workers import schedules
from warehouse.management.terminal import TerminalCommand
from warehouse.server import errors
from warehouse.server.updating import one_host_at_a_time

# Table, column, key or constraint that is there already, or is not there to be taken away.
_DONE_BEFORE = {1050, 1051, 1060, 1061, 1091, 1826, 3822}


class Command(TerminalCommand):
    help = (
        "Brings the database to this version: migrations, groups, recurring jobs, months ahead; then checks settings "
        "and server. To be called after each update, before web server and workers are started again. Safe to repeat, "
        "and on several hosts at once: they take turns."
    )
    requires_system_checks = []  # errors before anything is changed, all of it at the end

    def handle(self, **options):
        with one_host_at_a_time(self._say):
            if any(found.is_serious() for found in checks.run_checks(databases=["default"])):
                self.check(databases=["default"])
            applied = self._migrate()
            for line in (*groups.sync(), *schedules.sync()):
                self._say(line)
            self._make_months()
        self.check(databases=["default"], include_deployment_checks=not (settings.PRIVATE_DATABASE or settings.DEBUG))
        if applied and not settings.PRIVATE_DATABASE:
            self._say("Where web and workers have accounts of their own: deploy/grants.sql gives them what is new")
        self._say("Done: web server and workers of this version may be started")

    def _say(self, line: str) -> None:
        self.stdout.write(line)
        self.stdout.flush()  # into a pipe or a journal, too

    def _migrate(self) -> int:
        """How many migrations were applied."""
        to_come = _to_come()
        if not to_come:
            self._say("Migrations: none to come")
            return 0
        try:
            call_command("migrate", interactive=False, skip_checks=True, stdout=self.stdout._out)
        except DatabaseError as error:
            if errors.code(error) not in _DONE_BEFORE:
                raise
            self._say("")  # migrate leaves its line open
            raise CommandError(
                f"{_to_come()[0]} was begun before, and broken off: {errors.text(error)}. How to end it: "
                "docs/running.md, A migration that was broken off"
            ) from error
        return len(to_come)

    def _make_months(self) -> None:
        try:
            call_command("maintain_partitions", stdout=self.stdout._out)
        except CommandError as error:  # the table is in use: the workers try again every day
            self.stderr.write(f"Months ahead could not be made now: {error}")


def _to_come() -> list[str]:
    executor = MigrationExecutor(connection)
    plan = executor.migration_plan(executor.loader.graph.leaf_nodes())
    return [f"{migration.app_label}.{migration.name}" for migration, _ in plan]
