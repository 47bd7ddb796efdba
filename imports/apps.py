from django.apps import AppConfig


class ImportsConfig(AppConfig):
    name = "imports"

    def ready(self):
        from imports import checks  # noqa: F401 (registers them)
        from imports.workers import schedules, signs_of_life
        from warehouse.server import replica

        schedules.refuse_what_stops_the_others()
        replica.signs_of_life.append(signs_of_life.newest)
