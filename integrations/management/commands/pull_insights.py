"""manage.py pull_insights"""

from __future__ import annotations

from argparse import ArgumentTypeError
from datetime import date
from typing import Any

from django.core.management.base import CommandError, CommandParser
from django.db import transaction

from integrations.days import check_days, today_of
from integrations.models import AdAccount, Integration, SyncRun
from integrations.services.insights import pull_together, request_pull
from leadmetrics.errors import InvalidInput
from leadmetrics.tenancy.command import TenantCommand


class Command(TenantCommand):
    help = (
        "Read campaign performance of every ad account in use now, without a worker, several at "
        "once. Days are the ad account's own; by default those that may have changed. Exit code 1 "
        "if one is not complete."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("--account", metavar="act_<digits>", help="only this ad account")
        parser.add_argument(
            "--since", type=_day, metavar="YYYY-MM-DD", help="at most 37 months ago"
        )
        parser.add_argument("--until", type=_day, metavar="YYYY-MM-DD", help="default: today")

    def handle(self, *_args: Any, **options: Any) -> None:
        accounts = self._accounts(options["tenant"], options["account"])
        since, until = options["since"], options["until"]
        for account in accounts:
            _check(account, since, until)
        runs = [_request(account, since, until) for account in accounts]
        pull_together(run_ids=[run.pk for run in runs])
        for run in runs:
            self._tell(run, since, until)
        unfinished = sum(run.state != SyncRun.State.COMPLETE for run in runs)
        if not accounts:
            self.stdout.write("No ad account is in use.")
        if unfinished:
            raise CommandError(f"{unfinished} of {len(accounts)} could not be read completely.")

    def _accounts(self, slug: str | None, act: str | None) -> list[AdAccount]:
        known = AdAccount.objects.filter(tenant__in=self.chosen_tenants(slug)).select_related(
            "integration", "tenant"
        )
        if act is not None:
            known = known.filter(ad_account_id=act)
            if not known:
                raise CommandError(f"No ad account {act} is known here. Run sync_catalog first.")
        used = known.filter(enabled=True, gone_at=None, integration__status__in=Integration.USABLE)
        if act is not None and not used:
            raise CommandError(_why_not(known[0]))
        return list(used)

    def _tell(self, run: SyncRun, since: date | None, until: date | None) -> None:
        asked = (run.since, run.until)
        run.refresh_from_db()
        account = run.ad_account
        assert account is not None
        joined = (since not in (None, asked[0])) or (until not in (None, asked[1]))
        note = " (an open pull of these days was joined)" if joined else ""
        self.stdout.write(
            f"{account.tenant.slug}: {account.name} {run.since} to {run.until}{note}: "
            f"{run.progress_text} {run.error}".rstrip()
        )


def _request(account: AdAccount, since: date | None, until: date | None) -> SyncRun:
    with transaction.atomic():
        return request_pull(account, since, until)


def _check(account: AdAccount, since: date | None, until: date | None) -> None:
    """Raises CommandError for days that cannot be read."""
    last = until or today_of(account)
    try:
        check_days(account, since or last, last)
    except InvalidInput as exc:
        raise CommandError(exc.user_message) from None


def _why_not(account: AdAccount) -> str:
    """Why an ad account that is known is not read."""
    if account.gone_at is not None:
        return f"{account.name} is no longer shared with {account.integration.meta_user_name}."
    if not account.enabled:
        return f"{account.name} is not used here. Choose it on the connections page first."
    return f"{account.name} cannot be read: {account.integration.get_status_display().lower()}."


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise ArgumentTypeError(f"{text!r} is not a day like 2026-11-24") from None
