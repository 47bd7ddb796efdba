from django.apps import AppConfig


class ImportsConfig(AppConfig):
    name = "imports"

    def ready(self):
        from imports.workers import heartbeat

        heartbeat.begin_in_every_worker()
