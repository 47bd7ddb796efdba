"""migrate, without what the command does beside: it renders all models twice more and sends signals, 0.3 s of CPU."""

from django.db import connection
from django.db.migrations.executor import MigrationExecutor


def migrate(app: str | None = None, prefix: str | None = None) -> None:
    """As `manage.py migrate app prefix`; what is left out stands for all that there are."""
    executor = MigrationExecutor(connection)
    if prefix is not None:
        targets = [(app, executor.loader.get_migration_by_prefix(app, prefix).name)]
    else:
        targets = executor.loader.graph.leaf_nodes(app)
    executor.migrate(targets)
