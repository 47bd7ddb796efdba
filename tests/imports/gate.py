"""A day file that does not arrive before the test says so: however fast or slow the machine, the import waits there."""

import os
from contextlib import suppress
from pathlib import Path


class Gate:
    """In the place of the file at `path`. Only one import at a time may come to it: two would share what it gives."""

    def __init__(self, path: Path):
        self.path, self.kept, self.pipe = path, path.with_suffix(".kept"), path.with_suffix(".pipe")
        path.rename(self.kept)
        os.mkfifo(self.pipe)
        os.link(self.pipe, path)

    def open(self) -> None:
        """Give the file to every reader from now on, and to one that waits for it already."""
        if not self.kept.exists():
            return  # it is open
        content = self.kept.read_bytes()
        self.kept.replace(self.path)
        with suppress(OSError):  # nobody waits
            pipe = os.open(self.pipe, os.O_WRONLY | os.O_NONBLOCK)
            os.set_blocking(pipe, True)
            with os.fdopen(pipe, "wb") as waiting:
                waiting.write(content)
        self.pipe.unlink()
