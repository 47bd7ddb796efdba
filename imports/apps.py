from django.apps import AppConfig


class ImportsConfig(AppConfig):
    name = "imports"

    def ready(self):
        from imports.workers import heartbeat

        heartbeat.stand_by()
