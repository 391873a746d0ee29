"""manage.py sync_catalog"""

from __future__ import annotations

import math
from typing import Any

from django.core.management.base import CommandError
from django.db import transaction

from integrations.models import Integration, SyncRun
from integrations.selectors.connections import open_runs_of
from integrations.services.catalog import request_catalog, sync_catalog
from leadmetrics.tenancy.command import TenantCommand


class Command(TenantCommand):
    help = (
        "Read ad accounts and Pages, and of ad accounts in use campaigns, ad sets and audiences, "
        "now, without a worker. Exit code 1 if something could not be read."
    )

    def handle(self, *_args: Any, **options: Any) -> None:
        grants = Integration.objects.filter(
            tenant__in=self.chosen_tenants(options["tenant"]), status__in=Integration.USABLE
        ).select_related("tenant")
        failed = sum(self._sync(integration) for integration in grants)
        if not grants:
            self.stdout.write("No Facebook account is connected.")
        if failed:
            raise CommandError(f"{failed} could not be read.")

    def _sync(self, integration: Integration) -> int:
        """How many of the grant's runs are not complete."""
        with transaction.atomic():
            run = request_catalog(integration)
        self._read(integration, run)
        runs = [run]
        # The grant's run has started one per ad account in use.
        for started in open_runs_of(integration).filter(kind=SyncRun.Kind.CATALOG):
            self._read(integration, started)
            runs.append(started)
        return sum(run.state != SyncRun.State.COMPLETE for run in runs)

    def _read(self, integration: Integration, run: SyncRun) -> None:
        sync_catalog(run_id=run.pk, seconds=math.inf)
        run.refresh_from_db()
        self.stdout.write(
            f"{integration.tenant.slug}: {integration.meta_user_name}, {run.label}: "
            f"{run.progress_text} {run.error}".rstrip()
        )
