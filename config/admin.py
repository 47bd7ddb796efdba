"""The admin site: the stock one, with the operators' home page in place of the list of apps."""

from django.contrib import admin
from django.utils import timezone


class Desk(admin.AdminSite):
    site_header = site_title = "Theme park warehouse"
    index_title = "Home"
    index_template = "config/home.html"
    site_url = None

    def index(self, request, extra_context=None):
        # here, not above: this class is looked up while the first page registers, and the home page needs them all
        from config.home import home

        return super().index(request, {"home": home(request.user.has_perm, timezone.now()), **(extra_context or {})})
