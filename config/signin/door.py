"""The sign-in page: one try at a time, where it leads, and what it says to those who are locked out."""

import hashlib
from collections.abc import Callable
from urllib.parse import urlsplit

from axes.helpers import get_client_username
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import Resolver404, resolve, reverse
from django.utils import timezone

from config.signin.address import address_of
from config.signin.limits import USERNAME_LENGTH, WITHIN, locked_until
from warehouse.outside import shown
from warehouse.server.named_lock import named_lock
from warehouse.text import duration_in_words
from warehouse.zones import utc_in_words

TURN_WAIT_SECONDS = 5  # a password takes half a second to look at
#: addresses that are asked for by forms and scripts, and are no place to arrive at
NO_PAGES = {"login", "logout", "jsi18n", "autocomplete", "home_now"}


def sign_in(request: HttpRequest, page: Callable[[HttpRequest], HttpResponse]) -> HttpResponse:
    """What `page`, Django's, makes of the request.

    Tries from one address take turns: failures are counted after the password was looked at, so a hundred at once
    would all find the count as it was before.
    """
    if request.method != "POST":
        return page(request)
    address = hashlib.md5((address_of(request) or "").encode()).hexdigest()[:16]
    with named_lock(f"sign-in {address}", wait_seconds=TURN_WAIT_SECONDS) as our_turn:
        if not our_turn:
            return _refused(request, {"seconds": 1})
        answer = page(request)
    if answer.status_code == 302 and not leads_to_a_page(answer["Location"]):
        answer["Location"] = reverse("admin:index")
    return answer


def leads_to_a_page(url: str) -> bool:
    """Whether there is a page at this address of ours, or one behind its missing slash."""
    path = urlsplit(url).path
    for each in (path, f"{path}/"):
        try:
            match = resolve(each)
        except Resolver404:
            continue
        # what Django answers unknown addresses with has no name
        if path == "/" or (match.url_name and match.url_name not in NO_PAGES):
            return True
    return False


def locked_out(request: HttpRequest, answer: HttpResponse | None, credentials: dict | None) -> HttpResponse:
    """429: until when, and what to do (AXES_LOCKOUT_CALLABLE). It says nothing of whether there is such a user."""
    username, address = get_client_username(request, credentials), request.axes_ip_address
    until, what = locked_until(username, address) or (timezone.now() + WITHIN, "this user from this address")
    seconds = max(1, int((until - timezone.now()).total_seconds()) + 1)
    said = {"until": utc_in_words(until, "seconds"), "left": duration_in_words(seconds), "what": what}
    whose = {"username": shown(username, USERNAME_LENGTH), "address": address}
    return _refused(request, {**said, **whose, "seconds": seconds})


def _refused(request: HttpRequest, said: dict) -> HttpResponse:
    from django.contrib import admin  # here, not above: the site that it makes is ours, which uses this module

    context = {**admin.site.each_context(request), "has_permission": False, "title": "Too many failed sign-ins", **said}
    answer = render(request, "config/locked_out.html", context, status=429)
    answer["Retry-After"] = said["seconds"]
    answer["Cache-Control"] = "no-store"
    return answer
