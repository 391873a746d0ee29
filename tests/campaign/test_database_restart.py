"""PostgreSQL restarts while ads are approved and pushed: nothing is lost, doubled or half-done.

A server of its own, so that no other database is disturbed. Ten times as often as CRASH_ROUNDS
says, which `make campaign` sets, and only where that runs on PostgreSQL; the suite has
leadmetrics/test_database_faults.py.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
import time
import urllib.error
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings

from tests.campaign.campaign import Browser, Campaign
from tests.stack import answers, free_ports, wait_until

RESTARTS = 10 * int(os.environ.get("CRASH_ROUNDS", "0"))
ADS = 12 * RESTARTS
pytestmark = pytest.mark.skipif(
    not RESTARTS or not settings.DATABASES["default"]["ENGINE"].endswith("postgresql"),
    reason="takes minutes: make campaign on PostgreSQL plays it",
)


class Server:
    """A PostgreSQL on loopback; its files are the server's user's, as it refuses to run as root."""

    def __init__(self) -> None:
        self.bin = max(
            Path("/usr/lib/postgresql").glob("*/bin"), key=lambda p: float(p.parent.name)
        )
        # Pytest's own folders are closed to the server's user.
        self.data = Path(tempfile.mkdtemp(prefix="leadmetrics-server-"))
        (self.port,) = free_ports(1)
        self.user = ["runuser", "-u", "postgres", "--"] if os.getuid() == 0 else []
        if self.user:
            shutil.chown(self.data, "postgres")
        self._do(
            "initdb", "--auth", "trust", "--username", "postgres", "--no-sync", "-D", self.data
        )

    def url(self, name: str = "postgres") -> str:
        return f"postgres://postgres@127.0.0.1:{self.port}/{name}"

    def start(self) -> None:
        options = f"-c listen_addresses=127.0.0.1 -c port={self.port} -c unix_socket_directories=''"
        self._do("pg_ctl", "-D", self.data, "-l", self.data / "log", "-w", "-o", options, "start")

    def stop(self, how: str) -> None:
        self._do("pg_ctl", "-D", self.data, "-m", how, "-w", "stop")

    def _do(self, program: str, *words: object) -> None:
        command = [*self.user, str(self.bin / program), *map(str, words)]
        subprocess.run(command, check=True, cwd="/", stdout=subprocess.DEVNULL)


@pytest.fixture
def server() -> Iterator[Server]:
    if not list(Path("/usr/lib/postgresql").glob("*/bin/initdb")):
        pytest.skip("no PostgreSQL server is installed here")
    made = Server()
    made.start()
    yield made
    made.stop("immediate")
    shutil.rmtree(made.data)


@pytest.fixture
def product(tmp_path: Path, server: Server, monkeypatch: pytest.MonkeyPatch) -> Iterator[Campaign]:
    monkeypatch.setenv("DATABASE_URL", server.url())
    made = Campaign(tmp_path / "installation", pushes=ADS)
    yield made
    made.close()


def test_restarts_under_load_lose_and_double_nothing(product: Campaign, server: Server) -> None:
    product.manage("migrate", "--verbosity", "0")
    product.start("-m", "tests.campaign.processes", log=product.log)
    wait_until(lambda: answers(f"{product.base_url}/readyz"), seconds=60)
    prepared = product.ask(f"prepare {ADS}")
    browser = Browser(product.base_url)
    browser.sign_in(prepared["email"], prepared["password"])
    outages = []
    waiting = list(prepared["variants"])
    for number in range(RESTARTS):
        for _ in range(4):
            approve(product, browser, prepared, waiting.pop(0))
        server.stop(("fast", "immediate")[number % 2])
        assert failure_of(product, browser, prepared, waiting[0]) == 503
        server.start()
        began = time.monotonic()
        wait_until(lambda: answers(f"{product.base_url}/readyz"), seconds=30)
        while waiting and len(waiting) > ADS - 12 * (number + 1):
            if failure_of(product, browser, prepared, waiting[0]) in (0, 409):
                waiting.pop(0)
                outages.append(time.monotonic() - began) if len(outages) == number else None
    assert max(outages) <= 5 * max(1.0, os.getloadavg()[0] / (os.cpu_count() or 1))
    wait_until(lambda: ended(product.ask("states")) == ADS, seconds=120)
    result = product.ask("check")
    assert result["violations"] == []
    figures = result["figures"]
    assert (figures["pushes"], figures["lost"], figures["doubled"]) == (ADS, 0, 0)


def ended(states: dict[str, int]) -> int:
    """Done, or with a person: with the campaign's short times some look-ups come to nothing."""
    return states.get("done", 0) + states.get("failed", 0)


def approve(product: Campaign, browser: Browser, prepared: Any, variant: list[str]) -> None:
    pk, shown = variant
    browser.post(f"/t/{prepared['slug']}/review/{pk}/approve/", {"content_hash": shown})


def failure_of(product: Campaign, browser: Browser, prepared: Any, variant: list[str]) -> int:
    """The status with which an approval failed; 0 when it went well."""
    try:
        approve(product, browser, prepared, variant)
    except urllib.error.HTTPError as answer:
        return answer.code
    return 0
