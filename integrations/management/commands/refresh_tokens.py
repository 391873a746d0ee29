"""manage.py refresh_tokens"""

from __future__ import annotations

from typing import Any

from integrations.services.tokens import due_integrations, refresh
from leadmetrics.tenancy.command import TenantCommand


class Command(TenantCommand):
    help = "Try to extend every grant that ends within seven days, without a worker."

    def handle(self, *_args: Any, **options: Any) -> None:
        tenants = {tenant.pk for tenant in self.chosen_tenants(options["tenant"])}
        for integration in due_integrations():
            if integration.tenant_id in tenants:
                refresh(integration_id=integration.pk)
                integration.refresh_from_db()
                self.stdout.write(f"{integration} {integration.last_error}".rstrip())
