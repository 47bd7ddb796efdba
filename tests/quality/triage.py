"""How tests bring one finding from state to state: as everybody does, through the state machine."""

from datetime import datetime

from quality.models import DataQualityLog, TransitionRefused


def bring(row: DataQualityLog, target: str, *, by: str, now: datetime, note: str = "") -> None:
    """Bring `row` to `target`. TransitionRefused: the sentence that says why not."""
    triage = DataQualityLog.transition([row.pk], target, by=by, now=now, note=note)
    row.refresh_from_db()
    if triage.refused:
        raise TransitionRefused(triage.refused[0])
