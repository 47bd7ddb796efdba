"""migrate, without what the command does beside: it renders all models twice more and sends signals, 0.3 s of CPU.

What the models were before and after each operation is rendered once a process, along the way from nothing to now, as
a new warehouse goes it, and not for each test anew: that took four fifths of the CPU of the tests of migrations.
"""

from functools import cache

from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.db.migrations.operations.base import Operation
from django.db.migrations.state import ProjectState


def migrate(app: str | None = None, prefix: str | None = None) -> None:
    """As `manage.py migrate app prefix`; what is left out stands for all that there are."""
    executor = MigrationExecutor(connection)
    if prefix is not None:
        targets = [(app, executor.loader.get_migration_by_prefix(app, prefix).name)]
    else:
        targets = executor.loader.graph.leaf_nodes(app)
    plan = executor.migration_plan(targets)
    assert len({backwards for _, backwards in plan}) <= 1, f"to and fro at once: {plan}"
    for migration, backwards in plan:
        migration.operations = _rendered()[migration.app_label, migration.name]
        step = executor.unapply_migration if backwards else executor.apply_migration
        step(ProjectState(), migration)


class _Rendered(Operation):
    """An operation that brings with it what the models are before and after it."""

    def __init__(self, operation: Operation, before: ProjectState, after: ProjectState):
        self.operation, self.before, self.after = operation, before, after
        self.atomic, self.reversible = operation.atomic, operation.reversible

    def state_forwards(self, app_label, state):
        pass

    def database_forwards(self, app_label, schema_editor, from_state, to_state):
        self.operation.database_forwards(app_label, schema_editor, self.before, self.after)

    def database_backwards(self, app_label, schema_editor, from_state, to_state):
        self.operation.database_backwards(app_label, schema_editor, self.after, self.before)


@cache
def _rendered() -> dict[tuple[str, str], list[Operation]]:
    executor = MigrationExecutor(connection)
    state = ProjectState(real_apps=executor.loader.unmigrated_apps)
    assert state.apps  # rendered from here on
    found = {}
    for migration, _ in executor.migration_plan(executor.loader.graph.leaf_nodes(), clean_start=True):
        operations = found[migration.app_label, migration.name] = []
        for operation in migration.operations:
            before = state
            state = before.clone()
            operation.state_forwards(migration.app_label, state)
            operations.append(_Rendered(operation, before, state))
    return found
