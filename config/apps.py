from django.apps import AppConfig
from django.contrib.admin.apps import AdminConfig


class DeskConfig(AdminConfig):
    default_site = "config.admin.Desk"


class WarehouseConfig(AppConfig):
    """What the home page shows, told elsewhere too: by commands, to monitors, by mail."""

    name = "config"
    label = "desk"
    verbose_name = "Desk"
