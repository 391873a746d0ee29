from django.apps import AppConfig


class ApprovalsConfig(AppConfig):
    name = "approvals"

    def ready(self) -> None:
        from approvals.services.held import held_ads, release_held
        from integrations.waiting import desk

        desk.held, desk.release = held_ads, release_held
