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
