"""How many cores there are for this process; settings ask it, too."""

import os


def cores() -> int:
    """That this process may use: of a container or a service that is confined to some, those."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
