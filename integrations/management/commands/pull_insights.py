"""manage.py pull_insights"""

from __future__ import annotations

from datetime import date
from typing import Any

from django.core.management.base import CommandError, CommandParser
from django.db import transaction

from integrations.models import AdAccount, Integration, SyncRun
from integrations.services.insights import pull_insights, request_pull
from leadmetrics.tenancy.command import TenantCommand


class Command(TenantCommand):
    help = "Read campaign performance now, without a worker. Days are the ad account's own."

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("--since", type=date.fromisoformat, metavar="YYYY-MM-DD")
        parser.add_argument("--until", type=date.fromisoformat, metavar="YYYY-MM-DD")

    def handle(self, *_args: Any, **options: Any) -> None:
        tenants = self.chosen_tenants(options["tenant"])
        since, until = options["since"], options["until"]
        if since and until and since > until:
            raise CommandError("--since is later than --until.")
        failed = 0
        for account in AdAccount.objects.filter(
            tenant__in=tenants, enabled=True, integration__status__in=Integration.USABLE
        ).select_related("integration"):
            with transaction.atomic():
                run = request_pull(account, since, until)
            pull_insights(run_id=run.pk)
            run.refresh_from_db()
            self.stdout.write(
                f"{account.name}: {run.days_done} of {run.days_total} days, {run.rows} rows "
                f"{run.error}".rstrip()
            )
            failed += run.state == SyncRun.State.FAILED
        if failed:
            raise CommandError(f"{failed} could not be read completely.")
