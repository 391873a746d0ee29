"""manage.py doctor"""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandError, CommandParser

from approvals.invariants import violations
from leadmetrics.doctor import examine
from leadmetrics.tenancy.command import TenantCommand


class Command(TenantCommand):
    help = (
        "Say what is wrong, whose turn it is, and the next step; the same as the pages say. Safe "
        "to paste into a ticket. Exit code 1 if anything is wrong."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument(
            "--invariants",
            action="store_true",
            help="look instead for approvals and pushes that break a rule of theirs",
        )

    def handle(self, *_args: Any, **options: Any) -> None:
        tenants = self.chosen_tenants(options["tenant"])
        findings: list[object] = []
        if options["invariants"]:
            findings += violations(tenants=[tenant.pk for tenant in tenants])
        else:
            findings += examine(tenants)
        for finding in findings:
            self.stdout.write(str(finding))
        if findings:
            raise CommandError(f"{len(findings)} finding{'' if len(findings) == 1 else 's'}.")
        self.stdout.write("Nothing is wrong.")
