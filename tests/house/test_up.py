"""`manage.py up`, which is what `make run` starts: the real processes, from start to Ctrl-C."""

from __future__ import annotations

import os
import signal
import socket
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.stack import ROOT, Installation, Stack, answers, wait_until


@pytest.fixture
def own(tmp_path: Path) -> Iterator[Stack]:
    """A stack for one test, not started."""
    made = Stack(tmp_path / "stack")
    yield made
    made.close()


def refusal(installation: Installation, **changes: str) -> str:
    """What `up` says when it does not start; fails when that is more than one line."""
    done = subprocess.run(
        [sys.executable, "manage.py", "up"],
        env={**installation.environment, **changes},
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1, done.stderr
    assert installation.processes() == []
    return done.stderr


def leave_half_a_demo(stack: Stack) -> None:
    """What a first start that was cut off leaves behind."""
    stack.manage("migrate", "-v0")
    code = "from leadmetrics.tenancy.models import Tenant; Tenant.objects.create(slug='acme')"
    stack.manage("shell", "-v0", "-c", code)
    (stack.data_dir / "demo-unfinished").touch()


def test_starts_after_a_cut_share_their_data_and_survive_two_deaths(own: Stack) -> None:
    leave_half_a_demo(own)
    own.up()
    made = "from approvals.models import Decision; print(Decision.objects.count())"
    assert own.manage("shell", "-v0", "-c", made).strip() == "2"
    assert not (own.data_dir / "demo-unfinished").exists()
    told, password = own.log.read_text(), own.password
    assert "Making the demo workspace" in told
    for line in (own.base_url, own.sandbox_url, password, "ben@acme.example", "Try first"):
        assert line in told
    assert stat.S_IMODE((own.data_dir / "demo-password").stat().st_mode) == 0o600
    assert stat.S_IMODE((own.data_dir / "secrets.env").stat().st_mode) == 0o600
    the_web_server_comes_back(own)
    own.stop()
    assert not answers(own.base_url)

    before = own.log.stat().st_size
    own.up()
    told = own.log.read_bytes()[before:].decode()
    assert "Making the demo workspace" not in told
    assert password in told
    assert own.password == password
    assert "Traceback" not in own.log.read_text()
    what_it_started_ends_with_the_supervisor(own)


def the_web_server_comes_back(stack: Stack) -> None:
    before = stack.processes_like("gunicorn")
    for pid in before:
        os.kill(pid, signal.SIGKILL)
    wait_until(lambda: not set(before) & set(stack.processes_like("gunicorn")), seconds=10)
    wait_until(lambda: answers(f"{stack.base_url}/readyz"), seconds=30)


def what_it_started_ends_with_the_supervisor(stack: Stack) -> None:
    (supervisor,) = stack.processes_like("manage.py up")
    os.kill(supervisor, signal.SIGKILL)
    wait_until(lambda: stack.processes() == [], seconds=30)


@pytest.mark.parametrize("name", ["PORT", "SANDBOX_PORT"])
def test_busy_port_is_named_with_the_way_out(own: Stack, name: str) -> None:
    port = int(own.environment[name])
    with socket.socket() as busy:
        busy.bind(("127.0.0.1", port))
        busy.listen()
        said = refusal(own)
    assert f"Port {port} is in use. Choose another one: {name}={port + 10} make run" in said


def test_two_equal_ports_are_refused(own: Stack) -> None:
    assert "PORT and SANDBOX_PORT must differ." in refusal(own, SANDBOX_PORT=str(own.port))


@pytest.mark.parametrize("port", ["0", "65536", "-1"])
def test_impossible_port_is_refused(own: Stack, port: str) -> None:
    assert f"PORT={port} is not a port" in refusal(own, PORT=port)


def test_port_that_is_no_number_is_refused(own: Stack) -> None:
    assert "PORT and SANDBOX_PORT must be numbers" in refusal(own, PORT="http")
