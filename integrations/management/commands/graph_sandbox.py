"""manage.py graph_sandbox"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from integrations.sandbox.server import serve


class Command(BaseCommand):
    help = "Run the stand-in Graph API on this machine, with its login dialog and Ads Manager page."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--port", type=int, default=settings.SANDBOX_PORT)
        parser.add_argument(
            "--state-file", type=Path, default=settings.DATA_DIR / "sandbox.json", metavar="FILE"
        )
        parser.add_argument("--latency-ms", type=int, default=0, help="added to every answer")

    def handle(self, *_args: Any, **options: Any) -> None:
        self.stdout.write(f"Stand-in Graph API on http://localhost:{options['port']}/sandbox/")
        try:
            serve(
                port=options["port"],
                state_file=options["state_file"],
                app_id=settings.META_APP_ID,
                app_secret=settings.META_APP_SECRET,
                latency_ms=options["latency_ms"],
                api_version=settings.META_API_VERSION,
            )
        except OSError as exc:
            raise CommandError(f"Port {options['port']} cannot be used: {exc.strerror}.") from None
