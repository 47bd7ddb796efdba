"""What an export says instead of a traceback."""


class ExportError(Exception):
    """The export cannot go on; the message is one line that says what to do. What was exported stays valid."""


class AlreadyRunning(ExportError):
    """Another export into the same target is at it."""
