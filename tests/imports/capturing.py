"""Captures made beside the assertion: answers of /live as they came in 2026, and lines of them."""

import json
from pathlib import Path
from typing import Any

from tests.imports.building import DESTINATION, OTHER_PARK, PARK, RIDE

RESORT = "77777777-0000-4000-8000-00000000000a"
__all__ = ["DESTINATION", "OTHER_PARK", "PARK", "RESORT", "RIDE", "answer", "line", "row", "write_lines"]


def row(**changes: Any) -> dict:
    """A row of liveData; a change to ... leaves the key out."""
    made = {
        "id": RIDE,
        "name": "Big Thunder Mountain",
        "entityType": "ATTRACTION",
        "parkId": PARK,
        "externalId": "160",
        "queue": {"STANDBY": {"waitTime": 40}},
        "status": "OPERATING",
        "lastUpdated": "2026-07-18T11:24:34.977Z",
    } | changes
    return {key: value for key, value in made.items() if value is not ...}


def answer(rows: Any, **changes: Any) -> dict:
    """An answer of /live about the park, or about whom the changes say."""
    made = {"id": PARK, "name": "A park", "entityType": "PARK", "timezone": "Asia/Tokyo", "liveData": rows} | changes
    return {key: value for key, value in made.items() if value is not ...}


def line(content: Any) -> bytes:
    return json.dumps(content, ensure_ascii=False).encode()


def write_lines(path: Path, *contents: Any, end: bytes = b"\n") -> Path:
    """A file of these lines; bytes stand in it as they are."""
    path.parent.mkdir(parents=True, exist_ok=True)
    lines = [content if isinstance(content, bytes) else line(content) for content in contents]
    path.write_bytes(b"".join(one + end for one in lines))
    return path
