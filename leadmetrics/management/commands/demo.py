"""manage.py demo"""

from __future__ import annotations

import json
import urllib.request
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError, CommandParser

from leadmetrics.audit import append_only
from leadmetrics.demo import make_demo
from leadmetrics.tenancy.models import Tenant


class Command(BaseCommand):
    help = "Make the demo workspaces against the running stand-in."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--reset", action="store_true", help="delete all data first")

    def handle(self, *_args: Any, **options: Any) -> None:
        if not settings.SANDBOX:
            raise CommandError("The demo needs the stand-in; unset META_APP_ID.")
        if options["reset"]:
            self._empty()
        if Tenant.objects.exists():
            raise CommandError("There are workspaces already; demo --reset deletes everything.")
        make_demo()
        self.stdout.write("The demo is ready.")

    def _empty(self) -> None:
        append_only.remove()  # emptying a demo is the one time that decisions may go
        call_command("flush", interactive=False, verbosity=0)
        request = urllib.request.Request(
            f"http://127.0.0.1:{settings.SANDBOX_PORT}/sandbox/control",
            json.dumps({"reset": True}).encode(),
            {"Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=10):  # noqa: S310 - our own stand-in
            pass
