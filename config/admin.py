"""The admin site: the stock one, with the operators' home page in place of the list of apps."""

from functools import partial

from django.conf import settings
from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import path, reverse
from django.utils import timezone

from config.sidebar import arranged
from config.signin.door import sign_in

CLOCK = "desk_clock"  # the park by whose clock last night is told
YEAR_SECONDS = 365 * 86_400


class Desk(admin.AdminSite):
    site_header = site_title = "Theme park warehouse"
    index_title = "Home"
    index_template = "config/home.html"
    site_url = None

    def get_urls(self):
        return [path("home/now/", self.admin_view(self.home_now), name="home_now"), *super().get_urls()]

    def get_app_list(self, request, app_label=None):
        """In the order of an operator's day; of one app, as Django has it."""
        found = super().get_app_list(request, app_label)
        return found if app_label else arranged(self, request, found)

    def login(self, request, extra_context=None):
        return sign_in(request, partial(super().login, extra_context=extra_context))

    def index(self, request, extra_context=None):
        answer = super().index(request, {**self._home(request), **(extra_context or {})})
        if "clock" in request.GET:  # kept by this browser, and asked for by its refreshes
            kept = {"path": reverse("admin:index"), "samesite": "Lax", "httponly": True}
            secure = settings.SESSION_COOKIE_SECURE
            answer.set_cookie(CLOCK, self._clock_of(request), YEAR_SECONDS, secure=secure, **kept)
        return answer

    def home_now(self, request: HttpRequest) -> HttpResponse:
        """What of the home page changes, as HTML: an open page asks for it again and again."""
        return render(request, "config/home_now.html", self._home(request))

    def _home(self, request) -> dict:
        # here, not above: this class is looked up while the first page registers, and the home page needs them all
        from config.home import home

        return {"home": home(request.user.has_perm, timezone.now(), clock_of=self._clock_of(request))}

    @staticmethod
    def _clock_of(request) -> str:
        asked = request.GET.get("clock", request.COOKIES.get(CLOCK, ""))
        return asked if asked.isascii() and asked.isdigit() else ""
