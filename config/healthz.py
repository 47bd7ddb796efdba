"""/healthz, for monitors and load balancers: 200 when all is well, 503 when something is not, and as JSON what.

It stands before all other middleware, since whoever asks is a machine: by an address that is no allowed host, over
plain HTTP behind a proxy, with HEAD, without a cookie, and again and again. So there is no redirect, no session, no
login, and nothing in the answer that not everybody may know: figures and keys, no sentence, name or path.
"""

import json
import time
from collections.abc import Callable
from datetime import datetime
from typing import Any

from django.core.serializers.json import DjangoJSONEncoder
from django.db import DatabaseError
from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from config.home import home
from warehouse.server.impatient import impatient

PATHS = {"/healthz", "/healthz/"}
DATABASE_ANSWERS_WITHIN_SECONDS = 3  # of each question; monitors commonly wait for 5 to 10
#: part of the home page -> its figures that a monitor is told; one in trouble is a 503
TOLD = {
    "workers": ("heartbeat", "silent", "queue_waits_seconds", "overdue_jobs"),
    "partitions": ("months_ahead", "boundaries_with_rows"),
    "storage": ("measured",),
    "live": ("last_collection",),
}


class Healthz:
    """The middleware."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]):
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if request.path_info not in PATHS:
            return self.get_response(request)
        if request.method not in ("GET", "HEAD"):
            return HttpResponse(status=405, headers={"Allow": "GET, HEAD"})
        found = health(timezone.now(), database_only=request.GET.get("only") == "database")
        body = json.dumps(found, cls=DjangoJSONEncoder, indent=1) + "\n"
        return HttpResponse(
            body if request.method == "GET" else b"",
            content_type="application/json",
            status=200 if found["well"] else 503,
            headers={"Cache-Control": "no-store", "Content-Length": str(len(body))},
        )


def health(now: datetime, *, database_only: bool = False) -> dict[str, Any]:
    """What /healthz says as of `now`, ready for JSON: `well`, the keys of what is in `trouble`, and figures by part."""
    begun = time.monotonic()
    try:
        with impatient(DATABASE_ANSWERS_WITHIN_SECONDS):
            answered_in = time.monotonic() - begun
            parts = {} if database_only else _parts(now)
    except DatabaseError as error:
        return {"well": False, "as_of": now, "trouble": ["database"], "database": {"error": type(error).__name__}}
    trouble = [f"{part}.{key}" for part, figures in parts.items() for key in TOLD[part] if figures[key]["trouble"]]
    return {
        "well": not trouble,
        "as_of": now,
        "trouble": trouble,
        "database": {"answered_in_seconds": round(answered_in, 4)},
        **parts,
    }


def _parts(now: datetime) -> dict[str, dict[str, Any]]:
    found = home(lambda permission: True, now, only=TOLD)
    told = {}
    for part in found.parts:
        figures = {figure.key: figure for figure in part.figures}
        unknown = "trouble" in figures  # the part could not be worked out
        told[part.key] = {
            key: {"value": figures[key].raw, "trouble": figures[key].trouble}
            if key in figures
            else {"value": None, "trouble": unknown}
            for key in TOLD[part.key]
        }
    return told
