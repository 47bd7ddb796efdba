"""By which rules files are read. What was read by the present ones, and gave nothing to tell, need not be read again to
know what it gives (imports.archive.read_before)."""

from imports.events.validation import standby_wait_max_minutes

# Raise it whenever the same bytes would be stored otherwise, or told of otherwise, than before: an import of files that
# were read already then reads them anew. A test holds it beside the code of the rules.
VERSION = 2


def current() -> str:
    """The rules with the settings that they ask."""
    return f"{VERSION}/{standby_wait_max_minutes()}"
