"""Whether what runs for long, the web server or the workers, may begin on this database."""

from django.db import connection
from django.db.migrations.executor import MigrationExecutor


class NotReady(Exception):
    """The database is not as this version wants it; the message says what to do."""


def ready() -> None:
    """The server is there and new enough, lets this account in, and has been brought up to this version by
    `manage.py deploy`. A database that is ahead of this version is no fault: another host may have been updated first.

    NotReady, DatabaseError: it is not so.
    """
    try:
        executor = MigrationExecutor(connection)
        to_come = executor.migration_plan(executor.loader.graph.leaf_nodes())
    finally:
        connection.close()  # what is forked from this process would share it
    if to_come and not executor.loader.applied_migrations:
        raise NotReady(
            "The database has no tables that this account may see. Run manage.py deploy; where accounts have rights of "
            "their own, deploy/grants.sql gives them"
        )
    if to_come:
        raise NotReady(
            f"The database is not that of this version: {len(to_come)} migrations to come. Run manage.py deploy"
        )
