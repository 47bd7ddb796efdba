"""What lies on disk beside the database: folders of the settings (KEPT_FOLDERS) that grow with what is imported."""

import os
import shutil
import time
from dataclasses import dataclass

from django.conf import settings

# 275,000 answers, the whole record of the world, take 1.5 s; whoever looks at a page is not to wait for a slow disk.
LOOK_AT_MOST_SECONDS = 2.0


@dataclass(frozen=True, slots=True)
class KeptFolder:
    """A folder with what it takes, in MB (1,000,000 bytes)."""

    name: str
    path: str
    files: int
    megabytes: float
    free_mb: float | None  # of the disk that it lies on; None: not known
    whole: bool = True  # False: there is more, and counting it took too long


def kept_folders() -> list[KeptFolder]:
    """Those of the settings that there are. One that cannot be read has what could be read of it."""
    found = []
    deadline = time.monotonic() + LOOK_AT_MOST_SECONDS
    for name, path, leaving_out in settings.KEPT_FOLDERS:
        if not path or not os.path.isdir(path):
            continue
        files = size = 0
        whole = True
        for folder, folders, names in os.walk(path):
            if folder == path:
                folders[:] = [each for each in folders if each not in leaving_out]
            for each in names:
                try:
                    size += os.lstat(os.path.join(folder, each)).st_blocks * 512  # a small answer takes a block
                except OSError:
                    continue  # gone since
                files += 1
            if time.monotonic() > deadline:
                whole = False
                break
        if files or not whole:
            found.append(KeptFolder(name, path, files, size / 1e6, _free_mb(path), whole))
    return found


def _free_mb(path: str) -> float | None:
    try:
        return shutil.disk_usage(path).free / 1e6
    except OSError:
        return None
