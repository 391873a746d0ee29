"""manage.py sync_catalog"""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandError
from django.db import transaction

from integrations.models import Integration, SyncRun
from integrations.services.catalog import request_catalog, sync_catalog
from leadmetrics.tenancy.command import TenantCommand


class Command(TenantCommand):
    help = "Read ad accounts, Pages, campaigns, ad sets and audiences now, without a worker."

    def handle(self, *_args: Any, **options: Any) -> None:
        tenants = self.chosen_tenants(options["tenant"])
        failed = 0
        for integration in Integration.objects.filter(
            tenant__in=tenants, status__in=Integration.USABLE
        ):
            with transaction.atomic():
                run = request_catalog(integration)
            sync_catalog(run_id=run.pk)
            run.refresh_from_db()
            self.stdout.write(f"{integration.meta_user_name}: {run.rows} rows {run.error}".rstrip())
            failed += run.state == SyncRun.State.FAILED
        if failed:
            raise CommandError(f"{failed} could not be read.")
