"""Answers of the source that others captured: no part of this repository. ARCHIVE_SAMPLES names their folder; without
it they are looked for beside the clone, and tests that want them say what is not here."""

import os
from pathlib import Path

SAMPLES = Path(os.environ.get("ARCHIVE_SAMPLES", Path(__file__).parents[2] / "shared" / "samples"))
HISTORY_SAMPLES = SAMPLES.parent / "history-feed" / "samples"
