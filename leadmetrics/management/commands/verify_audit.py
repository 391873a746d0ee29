"""manage.py verify_audit"""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandError

from leadmetrics.audit.log import verify
from leadmetrics.tenancy.command import TenantCommand


class Command(TenantCommand):
    help = "Check that no audit entry is missing or altered; exit code 1 if one is."

    def handle(self, *_args: Any, **options: Any) -> None:
        whole = True
        for tenant in self.chosen_tenants(options["tenant"]):
            count, broken = verify(tenant.pk)
            whole = whole and broken is None
            state = f"broken at {broken.seq}: {broken.reason}" if broken else "whole"
            self.stdout.write(f"{tenant.slug}: {count} entries, {state}")
        if not whole:
            raise CommandError("The audit log does not hold.")
