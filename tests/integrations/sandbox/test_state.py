"""What outlives the process, and how the process starts and ends."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from integrations.sandbox import seed
from integrations.sandbox.journal import Journal
from integrations.sandbox.pictures import landscape
from integrations.sandbox.server import make_server, start_in_thread
from tests.integrations.sandbox.conftest import ACCOUNT, Api, Clock, creative_body

ROOT = Path(__file__).resolve().parents[3]
APP = {"app_id": "100000000000001", "app_secret": "stand-in-app-secret"}


@contextmanager
def running(state_file: Path, clock: Clock) -> Iterator[Api]:
    handle = start_in_thread(state_file=state_file, clock=clock)
    api = Api(handle.base_url)
    yield api
    api.session.close()
    handle.stop()


def test_everything_is_there_again_after_a_restart(state_file: Path, clock: Clock) -> None:
    with running(state_file, clock) as api:
        token = api.sign_in("ana")
        files = {"filename": ("pic.png", landscape(1))}
        image = api.post(f"{ACCOUNT}/adimages", files=files)["images"]["pic.png"]["hash"]
        creative = api.post(f"{ACCOUNT}/adcreatives", **creative_body(image_hash=image))["id"]
        ad = api.ad(creative, adlabels=[{"name": "lm-1"}])
        api.control(disapprove=ad, listing_delay_seconds=5, lose_reply={"path": "ads"})
        api.control(
            revise={
                "campaign": "12021000110000001",
                "since": "2026-10-01",
                "until": "2026-10-02",
                "percent": 300,
            }
        )
        before = api.page("/sandbox/state").json()
        ledger = f"/sandbox/ledger?account={ACCOUNT}&since=2026-10-01&until=2026-10-02"
        totals = api.page(ledger).json()
    with running(state_file, clock) as api:
        api.token = token
        after = api.page("/sandbox/state").json()
        assert {**after, "reads": 0} == {**before, "reads": 0}
        assert after["ads"][0]["effective_status"] == "DISAPPROVED"
        assert api.page(ledger).json() == totals
        assert api.page(f"/sandbox/images/{ACCOUNT[4:]}/{image}").content == landscape(1)
        assert len(api.page("/sandbox/writes").json()["writes"]) == 3
        api.control(clear_faults=True)
        assert api.ad(creative) not in (ad, creative)


def test_a_change_is_on_disk_at_once_and_costs_one_line(state_file: Path, clock: Clock) -> None:
    with running(state_file, clock) as api:
        api.sign_in("ana")
        size = state_file.stat().st_size
        api.creative()
        grown = state_file.stat().st_size - size
        assert 500 < grown < 5_000
        assert state_file.stat().st_mode & 0o077 == 0


def test_reset_goes_back_to_the_seed(ana: Api) -> None:
    ana.ad()
    ana.control(reset={"keep_people": True})
    assert ana.page("/sandbox/state").json()["ads"] == []
    assert ana.get("me")
    ana.control(reset=True)
    assert ana.error("GET", "me")["code"] == 190


def test_ids_are_never_given_twice_even_after_a_reset(ana: Api) -> None:
    first = ana.ad()
    ana.control(reset={"keep_people": True})
    assert ana.ad() > first


def test_journal_survives_a_line_cut_short(state_file: Path) -> None:
    journal = Journal(state_file)
    journal.put("t", "a", {"n": 1})
    journal.put("t", "b", {"n": 2})
    journal.drop("t", "a")
    journal.close()
    state_file.write_text(state_file.read_text() + '["t","c",{"n"')
    again = Journal(state_file)
    assert again.table("t") == {"b": {"n": 2}}
    assert state_file.read_text() == '["t","b",{"n":2}]\n'
    again.close()


def test_journal_shrinks_while_running(state_file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("integrations.sandbox.journal.LINES_BEFORE_REWRITE", 50)
    journal = Journal(state_file)
    for number in range(120):
        journal.put("t", "same", number)
    assert len(state_file.read_text().splitlines()) < 60
    journal.close()
    again = Journal(state_file)
    assert again.table("t") == {"same": 119}
    again.close()


def test_seed_ids_are_unique_and_plausible() -> None:
    ids = [node["id"] for node in seed.nodes(seed.read_seed())]
    assert len(ids) == len(set(ids))
    names = {node["name"] for node in seed.nodes(seed.read_seed()) if node["_kind"] == "AdAccount"}
    assert "Acme Outdoor EU" in names


def test_it_listens_on_loopback_only() -> None:
    with pytest.raises(ValueError, match="loopback"):
        make_server(port=0, state_file=None, host="0.0.0.0", **APP)  # noqa: S104


def test_a_busy_port_is_an_error(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        with pytest.raises(OSError, match="in use"):
            make_server(port=taken.getsockname()[1], state_file=None, **APP)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_process_serves_until_told_to_stop(state_file: Path, number: signal.Signals) -> None:
    script = (
        "import sys; from pathlib import Path; from integrations.sandbox.server import serve\n"
        "serve(port=int(sys.argv[1]), state_file=Path(sys.argv[2]), app_id='1', app_secret='s')"
    )
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    process = subprocess.Popen(
        [sys.executable, "-c", script, str(port), str(state_file)],
        cwd=ROOT,
        stderr=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    try:
        assert b"Ads Manager" in _when_up(process, f"http://127.0.0.1:{port}/sandbox/")
    finally:
        process.send_signal(number)
        _, errors = process.communicate(timeout=10)
    assert (process.returncode, errors) == (0, b"")
    assert state_file.exists()


def _when_up(process: subprocess.Popen[bytes], address: str) -> bytes:
    """The page, once the process answers; it is asked again for as long as it lives."""
    while process.poll() is None:
        try:
            with urllib.request.urlopen(address, timeout=5) as answer:
                return bytes(answer.read())
        except OSError:
            continue
    raise AssertionError("The process ended before it answered.")
