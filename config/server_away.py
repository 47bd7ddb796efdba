"""A page whose database server is away, does not let this site in, or holds it off by a lock: said in words (503), not
an error of ours (500).

Nobody waits at a page for a minute: a connection that was cut is opened anew for as long as PAGE_SECONDS, and then the
page says what it is. What was asked for by a form may have been done: only its answer may be lost.
"""

import logging
import sys
from collections.abc import Callable

from django.db import DatabaseError
from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string
from django.views.defaults import server_error

from warehouse.server import errors
from warehouse.server.away import briefly

logger = logging.getLogger(__name__)

PAGE_SECONDS = 3.0


class ServerAwayPage:
    """The middleware. It hears what a view raises; what other middleware does, the session's among them, comes to
    `handler500`."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]):
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        with briefly(PAGE_SECONDS):
            return self.get_response(request)

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse | None:
        """None: it is something else."""
        return page(request, error) if isinstance(error, DatabaseError) else None


def handler500(request: HttpRequest) -> HttpResponse:
    """In place of Django's: called while the error is being handled."""
    error = sys.exception()
    found = page(request, error) if isinstance(error, DatabaseError) else None
    return server_error(request) if found is None else found


def page(request: HttpRequest, error: DatabaseError) -> HttpResponse | None:
    """What is said of it; None: it is none of these."""
    if errors.is_not_allowed(error):
        return _not_allowed(request, error)
    if errors.is_away(error):
        said = f"{errors.what_is_away(error)}."
    elif errors.is_not_let_in(error):  # its words name the account
        said = "The database server is there, and does not let this site in: its log says why."
    elif errors.is_locked(error):
        said = f"Another session held what this needs: {errors.text(error)}."
    else:
        return None
    logger.warning("%s %s: %s", request.method, request.path, errors.in_words(error))
    is_read = request.method in ("GET", "HEAD")
    is_unknown = not is_read and errors.is_away(error)
    context = {"said": said, "is_read": is_read, "is_unknown": is_unknown, "here": request.path}
    text = render_to_string("config/server_away.html", context)  # without the request, whose user is in the database
    return HttpResponse(text, status=503, headers={"Retry-After": "10"})


def _not_allowed(request: HttpRequest, error: DatabaseError) -> HttpResponse:
    """The account of this site is held to its part (deploy/grants.sql), and this is another's."""
    said = errors.in_words(error)
    logger.warning("%s %s: %s", request.method, request.path, said)
    context = {"title": "The account of the database may not do this", "said": said, "is_not_allowed": True}
    return HttpResponse(render_to_string("config/server_away.html", context), status=403)
