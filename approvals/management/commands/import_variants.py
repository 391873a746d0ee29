"""manage.py import_variants FILE --tenant SLUG"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from approvals.services.importing import COLUMNS, import_variants
from leadmetrics.errors import LeadmetricsError
from leadmetrics.tenancy.actors import system
from leadmetrics.tenancy.models import Tenant


class Command(BaseCommand):
    help = f"Propose variants from a CSV or JSON file with the columns {', '.join(COLUMNS)}."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", type=Path)
        parser.add_argument("--tenant", required=True, metavar="SLUG")

    def handle(self, *_args: Any, **options: Any) -> None:
        file: Path = options["file"]
        tenant = Tenant.objects.filter(slug=options["tenant"]).first()
        if tenant is None:
            raise CommandError(f"No tenant has the slug {options['tenant']}.")
        try:
            results = import_variants(actor=system(tenant.pk, f"Import of {file.name}"), file=file)
        except LeadmetricsError as exc:
            raise CommandError(exc.user_message) from None
        for result in results:
            errors = "; ".join(str(error["message"]) for error in result["errors"])
            self.stdout.write(f"{result['client_ref']}: {result['status']} {errors}".rstrip())
        refused = sum(result["status"] != "proposed" for result in results)
        self.stdout.write(f"{len(results) - refused} proposed, {refused} refused")
        if refused:
            raise CommandError("Some rows were refused; correct them and import only those.")
