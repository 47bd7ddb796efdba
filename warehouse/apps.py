from django.apps import AppConfig


class WarehouseConfig(AppConfig):
    """The app, whose system checks are registered once it is ready."""

    name = "warehouse"

    def ready(self) -> None:
        """Not earlier: the checks read the models."""
        from warehouse import checks, log_lines, replica_check  # noqa: F401 (registers them)

        log_lines.show_all_records()
