from django.apps import AppConfig


class ImportsConfig(AppConfig):
    name = "imports"

    def ready(self):
        from imports import checks  # noqa: F401 (registers them)
        from imports.workers import schedules

        schedules.refuse_what_stops_the_others()
