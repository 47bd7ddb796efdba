"""Tasks for clusters that are killed."""

import os
import signal
import time
from pathlib import Path


def wait_for(file: str) -> str:
    with open(f"{file}.runs", "a") as runs:
        runs.write("once\n")
    while not Path(file).exists():
        time.sleep(0.05)
    return "it came"


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def run_a_cluster_whose_scheduler_fails() -> None:
    from django.core.management import call_command

    from imports.workers.sentinel import WatchfulSentinel

    def fails(self) -> None:
        raise OSError("no process can be started")

    WatchfulSentinel._round = fails
    call_command("qcluster")
