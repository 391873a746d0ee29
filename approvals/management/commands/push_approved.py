"""manage.py push_approved"""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandError, CommandParser

from approvals.selectors.sending import due_pushes
from approvals.services.marks import why_not_to_write
from approvals.services.push import push_variant
from approvals.services.reconcile import reconcile
from leadmetrics.tenancy.command import TenantCommand


class Command(TenantCommand):
    help = "Send what is approved and due now, one after the other, without a worker."

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument(
            "--reconcile",
            action="store_true",
            help="after restoring a backup: ask Meta what is there, then let this database send",
        )

    def handle(self, *_args: Any, **options: Any) -> None:
        if options["reconcile"]:
            self._reconcile()
            return
        doubt = why_not_to_write()
        if doubt:
            raise CommandError(f"{doubt} Run manage.py push_approved --reconcile first.")
        self._push(options["tenant"])

    def _reconcile(self) -> None:
        looked = list(reconcile())
        for each in looked:
            words = each.problem or (f"found as {each.ad_id}" if each.ad_id else "not at Meta")
            self.stdout.write(f"{each.reference} {words}")
        problems = sum(bool(each.problem) for each in looked)
        if problems:
            raise CommandError(
                f"{problems} could not be looked up, so nothing is sent yet. Mend that and run it "
                "again."
            )
        found = sum(bool(each.ad_id) for each in looked)
        self.stdout.write(f"{len(looked)} looked up, {found} found again. Sending goes on now.")

    def _push(self, tenant: str | None) -> None:
        troubled = 0
        tenants = self.chosen_tenants(tenant)
        for push in list(due_pushes().filter(variant__tenant__in=tenants)):
            push_variant(push_id=push.pk)
            push.refresh_from_db()
            self.stdout.write(
                f"{push.reference} {push.get_state_display()} {push.problem}".rstrip()
            )
            troubled += push.state == push.State.FAILED
        if troubled:
            raise CommandError(f"{troubled} need someone.")
