"""manage.py up: everything on one machine, for `make run`."""

from __future__ import annotations

import errno
import io
import socket
import sys
import time
import urllib.error
import urllib.request
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError
from django.db import connections

from leadmetrics import queue
from leadmetrics.demo import DEMO_PEOPLE, is_half_made, read_password
from leadmetrics.processes import Child, Supervisor, cluster, manage
from leadmetrics.schedules import SCHEDULES
from leadmetrics.tenancy.models import Tenant

PATIENCE = 60.0  # seconds until everything must answer
# Our own addresses are never behind the proxy that the environment may name.
_direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))


class Command(BaseCommand):
    help = "Migrate, make the demo workspace, and run web, worker and stand-in until Ctrl-C."

    def handle(self, *_args: Any, **_options: Any) -> None:
        _check_ports()
        stand_in = _stand_in() if settings.SANDBOX else None
        web = _web()
        supervisor = Supervisor([child for child in (stand_in, web, cluster()) if child])
        supervisor.stop_on_signals()
        try:
            self._prepare(supervisor, stand_in)
            self._start(supervisor, web)
        except BaseException:
            supervisor.end()
            raise
        supervisor.run()

    def _prepare(self, supervisor: Supervisor, stand_in: Child | None) -> None:
        call_command("migrate", verbosity=0)
        call_command("collectstatic", interactive=False, verbosity=0)
        queue.install_schedules(SCHEDULES)
        if stand_in:
            stand_in.start()
            _wait_for(stand_in, f"http://127.0.0.1:{settings.SANDBOX_PORT}/sandbox/", supervisor)
            is_needed = is_half_made() or not Tenant.objects.exists()
            if is_needed and not supervisor.is_stopping:
                self.stdout.write("Making the demo workspace …")
                call_command("demo", reset=is_half_made(), stdout=io.StringIO())
        connections.close_all()  # from here on this process only looks after the others

    def _start(self, supervisor: Supervisor, web: Child) -> None:
        if supervisor.is_stopping:
            return
        for child in supervisor.children:
            if not child.is_running():
                child.start()
        _wait_for(web, f"http://127.0.0.1:{settings.PORT}/readyz", supervisor)
        if not supervisor.is_stopping:
            self.stdout.write(_welcome())
            self.stdout.flush()


def _check_ports() -> None:
    """Raises CommandError with what to do about a port that cannot be used."""
    ports = {"PORT": settings.PORT}
    if settings.SANDBOX:
        ports["SANDBOX_PORT"] = settings.SANDBOX_PORT
    if len(set(ports.values())) < len(ports):
        raise CommandError("PORT and SANDBOX_PORT must differ.")
    for name, port in ports.items():
        if not 0 < port < 65536:
            raise CommandError(f"{name}={port} is not a port; choose one from 1024 to 65535.")
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError as exc:
                busy = exc.errno == errno.EADDRINUSE
                raise CommandError(
                    f"Port {port} {'is in use' if busy else 'cannot be used'}. "
                    f"Choose another one: {name}={port + 10 if busy else 8000} make run"
                ) from None


def _web() -> Child:
    argv = [
        sys.executable,
        *("-m", "gunicorn", "leadmetrics.wsgi"),
        *("--pythonpath", str(settings.BASE_DIR)),
        *("--bind", f"127.0.0.1:{settings.PORT}"),
        *("--worker-class", "gthread", "--workers", "1", "--threads", "4"),
        *("--max-requests", "5000", "--max-requests-jitter", "500"),
        *("--no-control-socket", "--log-level", "warning", "--graceful-timeout", "5"),
    ]
    return Child("web", argv, grace=8.0)


def _stand_in() -> Child:
    state_file = settings.DATA_DIR / "sandbox.json"
    options = ["--port", str(settings.SANDBOX_PORT), "--state-file", str(state_file)]
    return Child("stand-in", manage("graph_sandbox", *options), grace=5.0)


def _wait_for(child: Child, url: str, supervisor: Supervisor) -> None:
    deadline = time.monotonic() + PATIENCE
    while not supervisor.is_stopping:
        try:
            with _direct.open(url, timeout=2):
                return
        except (urllib.error.URLError, ConnectionError, TimeoutError):
            if not child.is_running():
                raise CommandError(f"{child.name} did not start; see above for why.") from None
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
            "  Try first:",
            "    Sign in as Ben, open Review, look at an ad and press A to approve it.",
            "    Open Ads and that ad, press “Send it now”: within seconds it stands in the",
            "    ad account, paused. Without it, it goes when ten minutes to undo are over.",
            f"    See the same ad in the stand-in's Ads Manager: {settings.SANDBOX_URL}/sandbox/",
        ]
    return "\n".join([*lines, "", "  Ctrl-C stops everything.", ""])
