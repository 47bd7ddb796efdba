from django.apps import AppConfig


class QualityConfig(AppConfig):
    """The app of findings: label quality, shown as Data quality."""

    name = "quality"
    verbose_name = "Data quality"
