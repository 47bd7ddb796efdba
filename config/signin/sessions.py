"""How long a sign-in lasts: 12 hours from when somebody last asked for something, and a week at most.

Pages that keep themselves up to date ask every few seconds, and that is nobody: they say so (BY_ITSELF), and a page
left open in an office does not keep its session alive. Where scripts are off pages reload themselves and cannot say
so; that is what the week is for. Written is every ten minutes at most, and not with each request.
"""

import time
from collections.abc import Callable

from django.contrib.auth import SESSION_KEY, logout
from django.http import HttpRequest, HttpResponse

BY_ITSELF = "Desk-By-Itself"  # sent by refresh.js and preview.js
WEEK_SECONDS = 7 * 86_400
RENEWED_EVERY_SECONDS = 600
SINCE, RENEWED = "signed_in", "renewed"  # keys of the session, in seconds since 1970


def begin(sender, request, **kwargs) -> None:
    """Of the signal user_logged_in."""
    request.session[SINCE] = request.session[RENEWED] = int(time.time())


class Sliding:
    """The middleware, behind those of session and login."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]):
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        now, session = int(time.time()), request.session
        if SESSION_KEY in session and now - session.get(SINCE, now) >= WEEK_SECONDS:
            logout(request)
        answer = self.get_response(request)
        if (
            SESSION_KEY in session
            and BY_ITSELF not in request.headers
            and now - session.get(RENEWED, 0) >= RENEWED_EVERY_SECONDS
        ):
            session.setdefault(SINCE, now)  # a session of before there was one
            session[RENEWED] = now  # which has the session stored, and its cookie sent anew
        return answer
