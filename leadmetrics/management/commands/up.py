"""manage.py up: everything on one machine, for `make run`."""

from __future__ import annotations

import socket
import sys
import time
import urllib.error
import urllib.request
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError

from leadmetrics import queue
from leadmetrics.demo import DEMO_PEOPLE, read_password
from leadmetrics.processes import Child, Supervisor, cluster, manage
from leadmetrics.schedules import SCHEDULES
from leadmetrics.tenancy.models import Tenant

PATIENCE = 60.0  # seconds until everything must answer


class Command(BaseCommand):
    help = "Migrate, make the demo workspace, and run web, worker and stand-in until Ctrl-C."

    def handle(self, *_args: Any, **_options: Any) -> None:
        self._check_ports()
        call_command("migrate", verbosity=0)
        call_command("collectstatic", interactive=False, verbosity=0)
        queue.install_schedules(SCHEDULES)
        children = [_web(), cluster()]
        if settings.SANDBOX:
            children.insert(0, _sandbox())
        supervisor = Supervisor(children)
        supervisor.stop_on_signals()
        try:
            self._start(supervisor)
        except BaseException:
            supervisor.end()
            raise
        supervisor.run()

    def _start(self, supervisor: Supervisor) -> None:
        if settings.SANDBOX:
            supervisor.children[0].start()
            _wait_for(f"http://127.0.0.1:{settings.SANDBOX_PORT}/sandbox/", supervisor)
            if not Tenant.objects.exists() and not supervisor.is_stopping:
                self.stdout.write("Making the demo workspace …")
                call_command("demo", verbosity=0)
        for child in supervisor.children:
            if not child.is_running():
                child.start()
        _wait_for(f"http://127.0.0.1:{settings.PORT}/readyz", supervisor)
        if not supervisor.is_stopping:
            self.stdout.write(_welcome())
            self.stdout.flush()

    def _check_ports(self) -> None:
        ports = {"PORT": settings.PORT}
        if settings.SANDBOX:
            ports["SANDBOX_PORT"] = settings.SANDBOX_PORT
        for name, port in ports.items():
            with socket.socket() as probe:
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                try:
                    probe.bind(("127.0.0.1", port))
                except OSError:
                    raise CommandError(
                        f"Port {port} is in use. Choose another one: {name}={port + 10} make run"
                    ) from None


def _web() -> Child:
    argv = [
        sys.executable,
        *("-m", "gunicorn", "leadmetrics.wsgi"),
        *("--bind", f"127.0.0.1:{settings.PORT}"),
        *("--worker-class", "gthread", "--workers", "1", "--threads", "4"),
        *("--max-requests", "5000", "--max-requests-jitter", "500"),
        *("--no-control-socket", "--log-level", "warning", "--graceful-timeout", "5"),
    ]
    return Child("web", argv, grace=8.0)


def _sandbox() -> Child:
    return Child("stand-in", manage("graph_sandbox"), grace=5.0)


def _wait_for(url: str, supervisor: Supervisor) -> None:
    deadline = time.monotonic() + PATIENCE
    while not supervisor.is_stopping:
        try:
            with urllib.request.urlopen(url, timeout=2):  # noqa: S310 - our own address
                return
        except (urllib.error.URLError, ConnectionError, TimeoutError):
            if time.monotonic() > deadline:
                raise CommandError(f"{url} did not answer within {PATIENCE:.0f} seconds.") from None
            time.sleep(0.1)


def _welcome() -> str:
    lines = ["", f"  Leadmetrics runs on {settings.SITE_URL}", ""]
    if settings.SANDBOX and (password := read_password()):
        lines += [f"  Sign in with the password {password} as"]
        lines += [f"    {person.email:<28} {person.what}" for person in DEMO_PEOPLE]
        lines += [
            "",
            "  Try first: sign in as Ben, open Review, press A on an ad you like, look at Ads.",
            f"  Meta's stand-in, with its own Ads Manager: {settings.SANDBOX_URL}/sandbox/",
        ]
    return "\n".join([*lines, "", "  Ctrl-C stops everything.", ""])
