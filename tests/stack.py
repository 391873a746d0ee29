"""The real product for flow tests: its own processes, data, database and ports."""

from __future__ import annotations

import contextlib
import itertools
import json
import os
import random
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from tests import prepared
from tests.prepared import ROOT

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

CHROMIUM_OPTIONS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
_names = itertools.count(1)


class Installation:
    """A product that nobody else uses: data in ``folder``, a database and ports of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.data_dir = folder / "data"
        self.data_dir.mkdir(parents=True)
        self.port, self.sandbox_port = free_ports(2)
        self.base_url = f"http://localhost:{self.port}"
        self.sandbox_url = f"http://localhost:{self.sandbox_port}"
        self._started: list[subprocess.Popen[bytes]] = []
        self._database = _new_database()
        example = (ROOT / ".env.example").read_text()
        self.environment = {
            **{name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ},
            # Set to nothing, so that a developer's .env does not decide.
            **dict.fromkeys(re.findall(r"^([A-Z_]+)=", example, re.MULTILINE), ""),
            "DATA_DIR": str(self.data_dir),
            "DATABASE_URL": self._database,
            "PORT": str(self.port),
            "SANDBOX_PORT": str(self.sandbox_port),
            "DJANGO_SETTINGS_MODULE": "leadmetrics.settings",
            "PYTHONUNBUFFERED": "1",
        }

    def start(self, *command: str, log: Path) -> subprocess.Popen[bytes]:
        """Start a Python command in this installation; its output goes to ``log``."""
        with log.open("ab") as output:
            started = subprocess.Popen(
                [sys.executable, *command],
                env=self.environment,
                cwd=ROOT,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self._started.append(started)
        return started

    def manage(self, *arguments: str) -> str:
        """What a management command prints; fails with its errors when it fails."""
        done = subprocess.run(
            [sys.executable, "manage.py", *arguments],
            env=self.environment,
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=120,
        )
        assert done.returncode == 0, f"{' '.join(arguments)}\n{done.stdout}\n{done.stderr}"
        return done.stdout

    def processes(self) -> list[int]:
        """The ids of every living process that belongs to it, whoever started it."""
        mark = f"DATA_DIR={self.data_dir}".encode()
        everyone = (int(name) for name in os.listdir("/proc") if name.isdigit())
        return [pid for pid in everyone if _has(pid, mark)]

    def processes_like(self, words: str) -> list[int]:
        """Those of its processes whose command line holds ``words``."""
        return [pid for pid in self.processes() if words in _command_line(pid)]

    def close(self) -> None:
        """Kill what is left and drop the database. Data stays for a look."""
        for pid in self.processes():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        for started in self._started:
            started.wait()
        if self._database:
            self._drop_database()

    def migrate(self) -> None:
        """Give it the database that `manage.py migrate` would make."""
        if not self._database:
            prepared.copy_file(self.data_dir / "db.sqlite3")
            return
        self._drop_database()
        prepared.postgres(f'CREATE DATABASE "{self._name}" TEMPLATE "{prepared.template()}"')

    @property
    def _name(self) -> str:
        return urlsplit(self._database).path[1:]

    def _drop_database(self) -> None:
        prepared.postgres(f'DROP DATABASE IF EXISTS "{self._name}" WITH (FORCE)')


class Stack(Installation):
    """``manage.py up``, as ``make run`` starts it, with the demo workspace."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.log = folder / "up.log"
        self._up: subprocess.Popen[bytes] | None = None

    def up(self) -> None:
        """Start everything and wait until it says so."""
        told = self.log.stat().st_size if self.log.exists() else 0
        self._up = self.start("manage.py", "up", log=self.log)
        try:
            wait_until(lambda: self._is_up(told), seconds=90)
        except BaseException:
            print(self.log.read_text())
            self.close()
            raise

    @property
    def password(self) -> str:
        """With which the demo's people sign in."""
        return (self.data_dir / "demo-password").read_text().strip()

    def ads_asked_to_run(self) -> set[str]:
        """The ids of the ads that the stand-in was asked to set to ACTIVE."""
        with urllib.request.urlopen(f"{self.sandbox_url}/sandbox/writes", timeout=10) as answer:
            writes = json.load(answer)["writes"]
        return {write["path"] for write in writes if write["params"].get("status") == "ACTIVE"}

    def stop(self) -> None:
        """Ctrl-C; afterwards no process of it may be left."""
        assert self._up is not None
        self._up.send_signal(signal.SIGINT)
        assert self._up.wait(timeout=90) == 0, self.log.read_text()
        assert self.processes() == []

    def _is_up(self, told: int) -> bool:
        assert self._up is not None
        assert self._up.poll() is None, "manage.py up ended"
        return b"Ctrl-C stops everything" in self.log.read_bytes()[told:]


def wait_until(happens: Callable[[], Any], *, seconds: float) -> Any:
    """The first true answer of ``happens``; fails when there is none in time."""
    deadline = time.monotonic() + seconds
    while not (answer := happens()):
        assert time.monotonic() < deadline, f"did not happen within {seconds} s"
        time.sleep(0.05)
    return answer


def answers(url: str) -> bool:
    """Whether an address answers, with whatever status."""
    try:
        urllib.request.build_opener(urllib.request.ProxyHandler({})).open(url, timeout=2).close()
    except urllib.error.HTTPError as error:
        error.close()
    except (urllib.error.URLError, ConnectionError, TimeoutError):
        return False
    return True


def free_ports(count: int) -> list[int]:
    """Ports nobody listens on now, below those that the system gives to outgoing connections."""
    found: set[int] = set()
    while len(found) < count:
        port = random.randrange(20_000, 32_000)
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            found.add(port)
    return list(found)


def chromium() -> str | None:
    """Where the browser is; None when there is none."""
    names = ("chromium-headless-shell", "chromium", "chromium-browser")
    return next(filter(None, map(shutil.which, names)), None)


@contextmanager
def open_browser() -> Iterator[Browser]:
    """Chromium without a window. While it is open, this thread cannot use the database."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium(), args=CHROMIUM_OPTIONS)
        yield browser
        browser.close()


def sign_in(page: Page, stack: Stack, email: str) -> None:
    """Sign in as one of the demo's people and wait for the first page."""
    page.goto(f"{stack.base_url}/sign-in/")
    page.get_by_label("E-mail").fill(email)
    page.get_by_label("Password", exact=True).fill(stack.password)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url(lambda url: "/sign-in" not in url)


def _new_database() -> str:
    """The address of a new database beside DATABASE_URL's; empty for SQLite."""
    if not prepared.on_postgres():
        return ""
    name = f"lm_stack_{os.getpid()}_{next(_names)}"
    prepared.postgres(f'CREATE DATABASE "{name}"')
    return prepared.address(name)


def _has(pid: int, mark: bytes) -> bool:
    try:
        return mark in Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
    except OSError:  # it ended, or is not ours to look at
        return False


def _command_line(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode()
    except OSError:
        return ""
