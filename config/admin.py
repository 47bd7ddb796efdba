"""The admin site: the stock one, with the operators' home page in place of the list of apps."""

from django.contrib import admin
from django.utils import timezone

from config.sidebar import arranged


class Desk(admin.AdminSite):
    site_header = site_title = "Theme park warehouse"
    index_title = "Home"
    index_template = "config/home.html"
    site_url = None

    def get_app_list(self, request, app_label=None):
        """In the order of an operator's day; of one app, as Django has it."""
        found = super().get_app_list(request, app_label)
        return found if app_label else arranged(self, request, found)

    def index(self, request, extra_context=None):
        # here, not above: this class is looked up while the first page registers, and the home page needs them all
        from config.home import home

        return super().index(request, {"home": home(request.user.has_perm, timezone.now()), **(extra_context or {})})
