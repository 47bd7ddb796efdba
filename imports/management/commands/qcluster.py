"""Django-q2's command of this name, with a cluster that does not stand still."""

from django.core.management.base import CommandError

from imports.workers.cluster import ClusterEnded, WatchedCluster
from warehouse.management.terminal import TerminalCommand


class Command(TerminalCommand):
    help = (
        "Run the workers, until SIGTERM or Ctrl-C: what is in hand is finished first. WORKERS says how many. "
        "bin/serve runs them beside the admin."
    )

    def handle(self, *args, **options):
        cluster = WatchedCluster()
        try:
            cluster.start()
            cluster.watch(self.stderr.write)
        except ClusterEnded as error:
            raise CommandError(f"{error}. What stands above says why") from error
