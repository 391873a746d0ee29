"""manage.py pull_insights"""

from __future__ import annotations

import math
from argparse import ArgumentTypeError
from datetime import date
from typing import Any

from django.core.management.base import CommandError, CommandParser
from django.db import transaction

from integrations.models import AdAccount, Integration, SyncRun
from integrations.services.days import today_of
from integrations.services.insights import pull_insights, request_pull
from leadmetrics.tenancy.command import TenantCommand


class Command(TenantCommand):
    help = (
        "Read campaign performance of every ad account in use now, without a worker. Days are the "
        "ad account's own; by default those that may have changed. Exit code 1 if one is not "
        "complete."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("--since", type=_day, metavar="YYYY-MM-DD")
        parser.add_argument("--until", type=_day, metavar="YYYY-MM-DD", help="default: today")

    def handle(self, *_args: Any, **options: Any) -> None:
        tenants = self.chosen_tenants(options["tenant"])
        accounts = list(
            AdAccount.objects.filter(
                tenant__in=tenants,
                enabled=True,
                gone_at=None,
                integration__status__in=Integration.USABLE,
            ).select_related("integration", "tenant")
        )
        since, until = options["since"], options["until"]
        for account in accounts:
            _check_days(since, until or today_of(account))
        unfinished = [self._pull(account, since, until) for account in accounts].count(False)
        if not accounts:
            self.stdout.write("No ad account is in use.")
        if unfinished:
            raise CommandError(f"{unfinished} of {len(accounts)} could not be read completely.")

    def _pull(self, account: AdAccount, since: date | None, until: date | None) -> bool:
        with transaction.atomic():
            run = request_pull(account, since, until)
        joined = (since not in (None, run.since)) or (until not in (None, run.until))
        pull_insights(run_id=run.pk, seconds=math.inf)
        run.refresh_from_db()
        note = " (an open pull of these days was joined)" if joined else ""
        self.stdout.write(
            f"{account.tenant.slug}: {account.name} {run.since} to {run.until}{note}: "
            f"{run.progress_text} {run.error}".rstrip()
        )
        return run.state == SyncRun.State.COMPLETE


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise ArgumentTypeError(f"{text!r} is not a day like 2026-11-24") from None


def _check_days(since: date | None, until: date) -> None:
    if since is not None and since > until:
        raise CommandError(f"--since {since} is later than the last day, {until}.")
