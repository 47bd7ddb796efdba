"""A finding: something that is wrong, said once with its count and a few raw examples. No database here."""

import hashlib
from dataclasses import dataclass, field
from datetime import datetime

from quality.evidence import DESCRIPTION_MAX, examples_within, values_within
from quality.models import IssueType
from quality.reasons import REASONS
from warehouse.outside import fitting

ENTITY_KEY_MAX = 100  # the column's length


@dataclass(slots=True)
class Finding:
    """One issue of one subject.

    reason      what is wrong, as a word (unknown_status): one of quality.reasons, which says its kind; both are part
                of the identity
    entity_type park, ride, destination, import or table
    entity_key  the subject's stable name: its themeparks_wiki_id (surrogate ids differ between two imports)
    entity_id   park_id or ride_id where there is one
    scope       what the finding is about beside its subject: a day file's key, or the period's start
    description one sentence for an operator
    start, end  UTC; the period concerned. No start: from when it was first seen
    source_file the day file it was seen in; seen in many files of a month, it is grouped (quality.grouping)
    count       records concerned: events, rows, days, hours or rides, whatever the description counts
    examples    at most EXAMPLES_MAX raw values (JSON-able), of a bounded length (quality.evidence), whatever was given
    park_id     the park it is shown under; of a park's or a ride's finding it is known without being given
    values      how often each value was refused, where the reason counts them: {"STANDBY -999": 12}
    values_of_files  of a finding that groups many files: the same by file
    files       of a finding that groups many files: records concerned by file (quality.grouping)
    supersedes  of a finding reported in place of many: their fingerprints
    rides       of such a one: the rides it is about, beside those that its examples name
    """

    reason: str
    entity_type: str
    entity_key: str
    scope: str
    description: str
    start: datetime | None = None
    end: datetime | None = None
    entity_id: int | None = None
    source_file: str = ""
    count: int = 1
    examples: list = field(default_factory=list)
    park_id: int | None = None
    values: dict[str, int] = field(default_factory=dict)
    values_of_files: dict[str, dict[str, int]] = field(default_factory=dict)
    files: dict[str, int] = field(default_factory=dict)
    supersedes: frozenset[str] = frozenset()
    rides: frozenset[int] = frozenset()

    def __post_init__(self) -> None:
        self.entity_key = fitting(self.entity_key, ENTITY_KEY_MAX)
        self.description = fitting(self.description, DESCRIPTION_MAX)
        self.examples = examples_within(self.examples)
        self.values = values_within(self.values)
        if self.park_id is None and self.entity_type == "park":
            self.park_id = self.entity_id

    @property
    def kind(self) -> IssueType:
        """GAP, DUPLICATE, INVALID or MISSING_FIELD. KeyError: a reason that is not in the table."""
        return REASONS[self.reason].kind

    @property
    def fingerprint(self) -> str:
        """64 hex digits; equal for the same issue however often, and by whomever, it is seen."""
        parts = (self.kind, self.reason, self.entity_type, self.entity_key, self.scope)
        return hashlib.sha256("\x1f".join(parts).encode("utf-8", "surrogatepass")).hexdigest()
