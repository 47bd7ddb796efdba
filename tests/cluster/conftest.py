"""A cluster for the tests of this folder: made once for each process of pytest, and stopped when it ends."""

import os
import shutil
import sys

import pytest

from tests.cluster.cluster import Cluster


@pytest.fixture(scope="session")
def cluster(worker_id):
    """Three nodes and HAProxy, all up; whoever kills one starts it again."""
    if sys.platform != "linux" or shutil.which("apt-get") is None:
        pytest.skip("bin/cluster takes galera-4 and HAProxy from Debian's packages: no apt-get here")
    made = Cluster(f"var/cluster-test-{worker_id}", quick=True)
    try:
        made.call("fetch")
    except RuntimeError as error:
        if os.environ.get("CI"):
            raise
        pytest.skip(f"galera-4 and HAProxy could not be fetched: {error}")
    made.end()  # of a run that was killed
    made.start()
    yield made
    made.end()
