from django.apps import AppConfig


class ApprovalsConfig(AppConfig):
    name = "approvals"

    def ready(self) -> None:
        from approvals.services.held import held_ads, release_held
        from approvals.services.marks import why_not_to_write
        from integrations.waiting import desk

        desk.held, desk.release, desk.doubt = held_ads, release_held, why_not_to_write
