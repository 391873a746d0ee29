"""manage.py push_approved"""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandError

from approvals.selectors import due_pushes
from approvals.services.push import push_variant
from leadmetrics.tenancy.command import TenantCommand


class Command(TenantCommand):
    help = "Send what is approved and due now, one after the other, without a worker."

    def handle(self, *_args: Any, **options: Any) -> None:
        troubled = 0
        tenants = self.chosen_tenants(options["tenant"])
        for push in list(due_pushes().filter(variant__tenant__in=tenants)):
            push_variant(push_id=push.pk)
            push.refresh_from_db()
            self.stdout.write(
                f"{push.reference} {push.get_state_display()} {push.problem}".rstrip()
            )
            troubled += push.state == push.State.FAILED
        if troubled:
            raise CommandError(f"{troubled} need someone.")
