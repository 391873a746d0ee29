"""What our management commands share: the choice of a tenant."""

from __future__ import annotations

from django.core.management.base import BaseCommand, CommandError, CommandParser

from leadmetrics.tenancy.models import Tenant


class TenantCommand(BaseCommand):
    """A command that works on all tenants, or on the one named by --tenant."""

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--tenant", metavar="SLUG", help="only this tenant")

    def chosen_tenants(self, slug: str | None) -> list[Tenant]:
        """The tenants to work on, by slug. Raises CommandError for an unknown one."""
        tenants = Tenant.objects.order_by("slug")
        if slug is None:
            return list(tenants)
        found = list(tenants.filter(slug=slug))
        if not found:
            raise CommandError(f"No tenant has the slug {slug}.")
        return found
