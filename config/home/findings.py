"""Open findings: how many wait for an operator, and whether checks are owed."""

from datetime import datetime, timedelta

from config.home.page import Attention, Figure, Home, Part, link
from quality import owed_checks
from quality.models import IssueType, to_do_by_kind

CHECK_LATE = timedelta(minutes=10)  # of a large import it takes minutes


def add(found: Home, now: datetime) -> None:
    """How many findings of each kind wait for an operator, and how many imports for their check."""
    page = "quality_dataqualitylog_changelist"
    counts = to_do_by_kind()
    figures = [
        Figure.counted(
            kind.value.lower(),
            kind.label.lower(),
            counts[kind.value],
            link(page, issue_type__exact=kind, view="groups"),
        )
        for kind in IssueType
    ]
    owed, since = owed_checks.standing()
    late = since is not None and now - since > CHECK_LATE
    figures.append(Figure.counted("checks_owed", "checks owed", owed, link(page), late))
    found.parts.append(Part("findings", "Open findings", link(page), figures))
    if late:
        many = f"{owed:,} imports have" if owed > 1 else "An import has"
        said = f"{many} brought in days that were not checked since: manage.py check_quality --owed does it now"
        found.attention.append(Attention("findings.checks_owed", said, link(page)))
