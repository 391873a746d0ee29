from django.apps import AppConfig


class LeadmetricsConfig(AppConfig):
    name = "leadmetrics"

    def ready(self) -> None:
        from leadmetrics import checks  # noqa: F401 - registers the system checks
