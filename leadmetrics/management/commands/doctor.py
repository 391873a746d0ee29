"""manage.py doctor"""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandError

from leadmetrics.doctor import examine
from leadmetrics.tenancy.command import TenantCommand


class Command(TenantCommand):
    help = (
        "Say what is wrong, whose turn it is, and the next step; the same as the pages say. Safe "
        "to paste into a ticket. Exit code 1 if anything is wrong."
    )

    def handle(self, *_args: Any, **options: Any) -> None:
        findings = list(examine(self.chosen_tenants(options["tenant"])))
        for finding in findings:
            self.stdout.write(str(finding))
        if findings:
            raise CommandError(f"{len(findings)} finding{'' if len(findings) == 1 else 's'}.")
        self.stdout.write("Nothing is wrong.")
