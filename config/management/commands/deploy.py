"""manage.py deploy: all that a database needs to be that of this version. After each update; as often as one likes."""

from django.conf import settings
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
        "Brings the database to this version: migrations, groups, recurring jobs; then checks settings and server. To be "
        "called after each update, before web server and workers are started again. Safe to repeat, and on several hosts "
        "at once: they take turns."
    )
    requires_system_checks = []  # before anything is changed, and after it

    def handle(self, **options):
        with one_host_at_a_time(self.stdout.write):
            self.check(databases=["default"])
            applied = self._migrate()
            for line in (*groups.sync(), *schedules.sync()):
                self.stdout.write(line)
        call_command(
            "check",
            databases=["default"],
            deploy=not (settings.PRIVATE_DATABASE or settings.DEBUG),
            stdout=self.stdout,
            stderr=self.stderr,
        )
        if applied and not settings.PRIVATE_DATABASE:
            self.stdout.write(
                "Where web and workers have accounts of their own: deploy/grants.sql gives them their rights on what is new"
            )
        self.stdout.write("Done. Web server and workers of this version may be started.")

    def _migrate(self) -> int:
        """How many migrations were applied."""
        to_come = _to_come()
        if not to_come:
            self.stdout.write("Migrations: none to come")
            return 0
        try:
            call_command("migrate", interactive=False, skip_checks=True, stdout=self.stdout, stderr=self.stderr)
        except DatabaseError as error:
            if errors.code(error) not in _DONE_BEFORE:
                raise
            raise CommandError(
                f"{_to_come()[0]} was begun before, and broken off: {errors.text(error)}. How to end it: "
                "docs/running.md, A migration that was broken off"
            ) from error
        return len(to_come)


def _to_come() -> list[str]:
    executor = MigrationExecutor(connection)
    plan = executor.migration_plan(executor.loader.graph.leaf_nodes())
    return [f"{migration.app_label}.{migration.name}" for migration, _ in plan]
