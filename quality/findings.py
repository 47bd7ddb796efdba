"""A finding: something doubtful, said once with its count and a few raw examples. No database here."""

import hashlib
from dataclasses import dataclass, field
from datetime import datetime

EXAMPLES_MAX = 5


@dataclass(slots=True)
class Finding:
    """One doubt about one subject.

    kind        GAP, DUPLICATE, INVALID or MISSING_FIELD
    reason      what is wrong, as a word (unknown_status); part of the identity
    entity_type park, ride, destination or table
    entity_key  the subject's stable name: its themeparks_wiki_id (surrogate ids differ between two imports)
    entity_id   park_id or ride_id where there is one
    scope       what the finding is about beside its subject: a day file's key, or the period's start
    description one sentence for an operator
    start, end  UTC; the period concerned
    count       records concerned
    examples    at most EXAMPLES_MAX raw values (JSON-able)
    """

    kind: str
    reason: str
    entity_type: str
    entity_key: str
    scope: str
    description: str
    start: datetime
    end: datetime | None = None
    entity_id: int | None = None
    source_file: str = ""
    count: int = 1
    examples: list = field(default_factory=list)

    @property
    def fingerprint(self) -> str:
        """64 hex digits; equal for the same doubt however often, and by whomever, it is seen."""
        parts = (self.kind, self.reason, self.entity_type, self.entity_key, self.scope)
        return hashlib.sha256("\x1f".join(parts).encode()).hexdigest()
