"""manage.py refresh_tokens"""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandError

from integrations.services.due import due_integrations
from integrations.services.tokens import refresh
from integrations.services.warnings import warn_in_time
from integrations.token_states import state_of
from leadmetrics.tenancy.command import TenantCommand


class Command(TenantCommand):
    help = (
        "Ask Meta about every grant that was not asked about today, and extend those that end "
        "within seven days, without a worker. Exit code 1 if one needs somebody."
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
        warn_in_time()
        if not due:
            self.stdout.write("Nothing is due.")
        left = sum(state_of(row).is_urgent for row in due)
        if left:
            raise CommandError(f"{left} of {len(due)} need somebody.")
