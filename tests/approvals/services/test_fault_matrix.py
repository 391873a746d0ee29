"""Every call of a push meets every kind of fault: what it does at once, and that all ends well.

The rows are faults, the columns are calls. Once the trouble is over there is exactly one PAUSED ad
with the approved text, and the invariants hold against the stand-in's own books.
"""

from __future__ import annotations

import io
import json
import re
import socket
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import cycle
from typing import Any

import pytest
import requests
from urllib3 import HTTPResponse

from approvals.invariants import violations
from approvals.services.push import push_variant, release_push
from approvals.states import PushState
from integrations.meta_ads.transport import MAX_BODY
from integrations.models import Integration
from integrations.services import clients
from leadmetrics.demo_images import draw_scene
from tests.approvals.conftest import propose
from tests.approvals.live import point_at
from tests.approvals.services.test_push import ads_of, approve, later, meta
from tests.ledger import ledger_of

__all__ = ["meta"]

Send = Callable[[], requests.Response]


# --- Faults ---------------------------------------------------------------------------------------
def refused(_send: Send) -> requests.Response:
    """Nobody listens there."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
    return requests.get(f"http://127.0.0.1:{port}/", timeout=5)


def cut_before(_send: Send) -> requests.Response:
    """The connection closes before anything was done."""
    raise requests.ConnectionError("cut")


def cut_after(send: Send) -> requests.Response:
    """It was done; the connection closes before the answer."""
    send().close()
    raise requests.ConnectionError("cut")


def answers(status: int, body: str, *, effect: bool = False) -> Callable[[Send], requests.Response]:
    """Another answer than Meta's, with or without the effect."""

    def answer(send: Send) -> requests.Response:
        if effect:
            send().close()
        response = requests.Response()
        response.status_code = status
        response.raw = HTTPResponse(io.BytesIO(body.encode()), preload_content=False)
        return response

    return answer


def error(code: int, subcode: int = 0, status: int = 400, *, effect: bool = False) -> Any:
    """Meta's own envelope."""
    told = {"message": "Asked for.", "code": code, "error_subcode": subcode or None}
    return answers(status, json.dumps({"error": told}), effect=effect)


PICTURE = draw_scene("ridge")
PAGE = "<!doctype html><title>502 Bad Gateway</title>"
# What a fault says about a write, and what follows. Which of Meta's numbers means what is in
# tests/integrations/meta_ads/test_error_table.py; here each meaning is met once or twice.
NO, MAYBE, WAIT, HOLD, PERSON = "no", "maybe", "wait", "hold", "person"
FAULTS: dict[str, tuple[str, Callable[[Send], requests.Response]]] = {
    "no connection": (NO, refused),
    "cut before the effect": (MAYBE, cut_before),
    "cut after the effect": (MAYBE, cut_after),
    "500 without effect": (MAYBE, error(2, status=500)),
    "500 with effect": (MAYBE, error(2, status=500, effect=True)),
    "code 1 with effect": (MAYBE, error(1, effect=True)),
    "a web page with effect": (MAYBE, answers(502, PAGE, effect=True)),
    "200 with nothing": (MAYBE, answers(200, "", effect=True)),
    "200 cut in the middle": (MAYBE, answers(200, '{"id": "12', effect=True)),
    "200 without an id": (MAYBE, answers(200, "{}", effect=True)),
    "200 without an end": (MAYBE, answers(200, " " * (MAX_BODY + 1), effect=True)),
    "redirect with effect": (MAYBE, answers(302, "", effect=True)),
    "to be tried again": (NO, error(100, 1487390)),
    "HTTP 429": (WAIT, error(4, status=429)),
    "account limit": (WAIT, error(80004)),
    "token over": (HOLD, error(190, 463)),
    "app removed": (HOLD, error(190, 458)),
    "blocked": (PERSON, error(368)),
    "permission missing": (PERSON, error(200, status=403)),
    "not understood": (PERSON, error(100)),
}
# The states a push is in right after the fault; a read that may be repeated is, in the same job.
S = PushState
AT_ONCE = {
    "write": {NO: S.WAITING, MAYBE: S.WAITING, WAIT: S.WAITING, HOLD: S.WAITING, PERSON: S.FAILED},
    "ad": {NO: S.WAITING, MAYBE: S.UNKNOWN, WAIT: S.WAITING, HOLD: S.WAITING, PERSON: S.FAILED},
    "read": {NO: S.DONE, MAYBE: S.DONE, WAIT: S.WAITING, HOLD: S.WAITING, PERSON: S.FAILED},
}
CALLS = {
    "preflight": "read",
    "image": "write",
    "creative": "write",
    "ad": "ad",
    "read back": "read",
    "look-up": "read",
}
# What the transport sees in the same way in every call is met in one write and one read.
ONE_OF_EACH = ("200 without an end", "redirect with effect")
CASES = [
    (call, name)
    for call in CALLS
    for name in FAULTS
    if name not in ONE_OF_EACH or call in ("ad", "read back")
]
_WRITES = {"image": "/adimages", "creative": "/adcreatives", "ad": "/ads"}


@dataclass
class Wire:
    """The product's own HTTP session, with a fault on the next call of one kind."""

    send: Callable[..., requests.Response]
    kind: str = ""
    fault: Callable[[Send], requests.Response] | None = None
    sent: list[str] = field(default_factory=list)

    def request(self, method: str, url: str, **options: Any) -> requests.Response:
        struck = self.fault is not None and self._is_meant(method, url)
        self.sent.append(f"{method} {url}")
        if not struck:
            return self.send(method, url, **options)
        fault, self.fault = self.fault, None
        assert fault is not None
        return fault(lambda: self.send(method, url, **options))

    def _is_meant(self, method: str, url: str) -> bool:
        if self.kind in _WRITES:
            return method == "POST" and url.endswith(_WRITES[self.kind])
        has_an_ad = any(re.match(r"POST .*/ads$", call) for call in self.sent)
        return method == "GET" and has_an_ad == (self.kind != "preflight")


@pytest.fixture
def wire(monkeypatch: pytest.MonkeyPatch) -> Iterator[Wire]:
    made = Wire(clients._session.request)
    monkeypatch.setattr(clients._session, "request", made.request)
    real = clients.meta_transport

    def without_waits() -> Any:
        transport = real()
        transport.sleep = lambda _seconds: None
        return transport

    monkeypatch.setattr(clients, "meta_transport", without_waits)
    yield made
    assert made.fault is None, "the call that was to fail was never made"


@pytest.mark.parametrize(("call", "name"), CASES)
def test_fault_does_what_it_must_and_all_ends_well(meta, wire, agent, target, ben, call, name):
    kind, fault = FAULTS[name]
    push = approve(propose(agent, target, image=PICTURE), ben)
    seconds = 0
    if call == "look-up":
        meta.control(lose_reply={"path": "ads", "times": 1})
        push_variant(push_id=push.pk)
        seconds = 200
    wire.kind, wire.fault = call, fault
    with later(seconds):
        push_variant(push_id=push.pk)
    push.refresh_from_db()
    assert push.state == AT_ONCE[CALLS[call]][kind], push.problem
    assert (Integration.objects.get().status != Integration.Status.CONNECTED) == (kind == HOLD)
    assert len(ads_of(meta, push)) <= 1

    if kind == HOLD:
        point_at(meta, target)
        Integration.objects.update(status=Integration.Status.CONNECTED)
    for seconds in (400, 800, 1200, 4800):
        with later(seconds):
            if push.state == PushState.FAILED:
                release_push(actor=ben, push_id=push.pk)
            push_variant(push_id=push.pk)
        push.refresh_from_db()
        if push.state == PushState.DONE:
            break
    assert push.state == PushState.DONE, push.problem
    assert len(ads_of(meta, push)) == 1
    assert violations(ledger_of(meta.read("state"), meta.read("writes")["writes"])) == []


@pytest.mark.parametrize("call", ["preflight", "read back", "look-up"])
def test_read_that_goes_on_failing_neither_proves_nor_burns_anything(
    meta, wire, agent, target, ben, call
):
    push = approve(propose(agent, target), ben)
    if call == "look-up":
        meta.control(lose_reply={"path": "ads", "times": 1})
        push_variant(push_id=push.pk)
    wire.kind = call
    for seconds in (200, 500, 800):
        wire.fault = always(wire)
        with later(seconds):
            push_variant(push_id=push.pk)
        push.refresh_from_db()
        assert push.state in (PushState.WAITING, PushState.UNKNOWN)
        assert len(ads_of(meta, push)) == (call != "preflight")
        wire.fault = None
    with later(1500):
        push_variant(push_id=push.pk)
    push.refresh_from_db()
    assert push.state == PushState.DONE, push.problem
    assert len(ads_of(meta, push)) == 1


def always(wire: Wire) -> Callable[[Send], requests.Response]:
    """Faults that come back by themselves."""
    turns = cycle([error(2, status=500), FAULTS["200 without an end"][1]])

    def again(send: Send) -> requests.Response:
        wire.fault = again
        return next(turns)(send)

    return again
