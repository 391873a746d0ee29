"""manage.py refresh_tokens"""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandError

from integrations.models import Integration
from integrations.services.tokens import due_integrations, refresh
from leadmetrics.tenancy.command import TenantCommand


class Command(TenantCommand):
    help = (
        "Try to extend every grant that ends within seven days, without a worker. Each is tried "
        "once a day, in its last two days more often. Exit code 1 if one was not extended."
    )

    def handle(self, *_args: Any, **options: Any) -> None:
        tenants = {tenant.pk for tenant in self.chosen_tenants(options["tenant"])}
        due = [row for row in due_integrations() if row.tenant_id in tenants]
        for integration in due:
            refresh(integration_id=integration.pk)
            integration.refresh_from_db()
            self.stdout.write(
                f"{integration.tenant.slug}: {integration} {integration.last_error}".rstrip()
            )
        if not due:
            self.stdout.write("Nothing is due.")
        left = sum(row.status != Integration.Status.CONNECTED for row in due)
        if left:
            raise CommandError(f"{left} of {len(due)} were not extended.")
