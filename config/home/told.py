"""The home page without a page: as lines of text, and as what becomes JSON."""

from collections.abc import Iterator
from typing import Any

from config.home.page import Home

WIDTH_OF_LABELS = 32


def as_text(found: Home) -> Iterator[str]:
    """Line by line; what needs attention first."""
    yield f"As of {found.as_of:%Y-%m-%d %H:%M:%S} UTC"
    yield ""
    if found.attention:
        yield "Needs attention"
        yield from (f"  - {each.said}" for each in found.attention)
    else:
        yield "Nothing needs attention."
    for part in found.parts:
        yield ""
        yield part.title
        for figure in part.figures:
            yield f"  {figure.label:<{WIDTH_OF_LABELS}} {figure.value}" + ("   (!)" if figure.trouble else "")
    if found.imports:
        yield ""
        yield "Under way"
        for each in found.imports:
            progress = each["progress"]
            stands = f"{progress.checkpoint.status}, {progress.done:,} of {progress.total:,} files"
            yield f"  {progress.checkpoint}: {stands}, {progress.explanation}"


def as_json(found: Home) -> dict[str, Any]:
    """Ready for a DjangoJSONEncoder: keys and raw values beside the words."""
    return {
        "as_of": found.as_of,
        "well": not found.attention,
        "attention": [{"key": each.key, "said": each.said, "url": each.url} for each in found.attention],
        "parts": {
            part.key: {
                figure.key: {
                    "label": figure.label,
                    "said": figure.value,
                    "value": figure.raw,
                    "trouble": figure.trouble,
                }
                for figure in part.figures
            }
            for part in found.parts
        },
        "under_way": [
            {
                "import_id": progress.checkpoint.import_id,
                "park": str(progress.checkpoint.park),
                "status": progress.checkpoint.status,
                "files_done": progress.done,
                "files_total": progress.total,
                "rows": progress.checkpoint.records_imported,
                "seconds_left": progress.seconds_left,
                "said": progress.explanation,
            }
            for progress in (each["progress"] for each in found.imports)
        ],
    }
