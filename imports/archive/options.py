"""What an import does beside reading days that lack: the options of a request, kept with its checkpoints."""

from dataclasses import asdict, dataclass


@dataclass(frozen=True, slots=True)
class Options:
    """As an operator asks for them, and as an import goes on with them."""

    missing_only: bool = False  # days that were not read, or whose file has changed since
    changed_only: bool = False  # of the days that were read, those whose file has changed since
    replace_live: bool = False  # LIVE rows of a day give way to its ARCHIVE rows
    replace_archive: bool = False  # a file is the truth for its park days: what it lacks now goes
    force: bool = False  # what is held back as out of all proportion is done all the same

    @property
    def is_selective(self) -> bool:
        """Whether files that were read before, and are the same as then, are passed over."""
        return self.missing_only or self.changed_only

    def columns(self) -> dict[str, bool]:
        """As columns of import_checkpoints."""
        return asdict(self)

    def of_the_request(self) -> dict[str, bool]:
        """Those of them that make another request: `force` does not, what was stopped goes on, forced."""
        return {name: value for name, value in asdict(self).items() if name != "force"}
