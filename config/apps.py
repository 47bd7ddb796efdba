from django.apps import AppConfig
from django.contrib.admin.apps import AdminConfig
from django.contrib.auth.signals import user_logged_in


class DeskConfig(AdminConfig):
    default_site = "config.admin.Desk"

    def ready(self):
        super().ready()
        from config.signin import pages, sessions  # noqa: F401  (registers its pages with the site, which is there now)

        user_logged_in.connect(sessions.begin, dispatch_uid="sessions that slide")


class WarehouseConfig(AppConfig):
    """What the home page shows, told elsewhere too: by commands, to monitors, by mail."""

    name = "config"
    label = "desk"
    verbose_name = "Desk"

    def ready(self):
        from config import checks  # noqa: F401  (registers them)
