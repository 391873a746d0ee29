"""manage.py verify_audit"""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from leadmetrics.audit.log import verify
from leadmetrics.tenancy.models import Tenant


class Command(BaseCommand):
    help = "Check that no audit entry is missing or altered; exit code 1 if one is."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--tenant", metavar="SLUG", help="only this tenant")

    def handle(self, *_args: Any, **options: Any) -> None:
        tenants = Tenant.objects.order_by("slug")
        if options["tenant"]:
            tenants = tenants.filter(slug=options["tenant"])
            if not tenants:
                raise CommandError(f"No tenant has the slug {options['tenant']}.")
        whole = True
        for tenant in tenants:
            count, broken = verify(tenant.pk)
            whole = whole and broken is None
            state = f"broken at {broken.seq}: {broken.reason}" if broken else "whole"
            self.stdout.write(f"{tenant.slug}: {count} entries, {state}")
        if not whole:
            raise CommandError("The audit log does not hold.")
