"""Django-q2's command of this name, with a cluster that does not stand still."""

import logging

from django.core.management.base import CommandError

from imports.workers.cluster import ClusterEnded, WatchedCluster
from warehouse.management.terminal import TerminalCommand
from warehouse.server.readiness import ready

logger = logging.getLogger(__name__)


class Command(TerminalCommand):
    help = (
        "Run the workers, until SIGTERM or Ctrl-C: what is in hand is finished first. WORKERS says how many. "
        "bin/serve runs them beside the admin."
    )

    def handle(self, *args, **options):
        ready()
        cluster = WatchedCluster()
        try:
            cluster.start()
            cluster.watch(logger.error)
        except ClusterEnded as error:
            raise CommandError(f"{error}. What stands above says why") from error
