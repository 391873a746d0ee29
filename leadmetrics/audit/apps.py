from django.apps import AppConfig
from django.db.models.signals import post_migrate


class AuditConfig(AppConfig):
    name = "leadmetrics.audit"
    label = "audit"

    def ready(self) -> None:
        from leadmetrics.audit import append_only

        post_migrate.connect(append_only.install, dispatch_uid="append_only")
