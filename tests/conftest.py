"""What the whole suite shares."""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Iterator
from typing import Any

import pytest

from integrations.sandbox.server import SandboxHandle, start_in_thread
from leadmetrics.audit import append_only


@pytest.fixture(autouse=True)
def _emptied_tables(request: pytest.FixtureRequest) -> Iterator[None]:
    """The flush after a transactional test needs the append-only triggers out of its way.

    post_migrate, which the flush sends, puts them back.
    """
    if "transactional_db" not in request.fixturenames:
        yield
        return
    request.getfixturevalue("transactional_db")
    yield
    append_only.remove()


class StandIn:
    """The stand-in Graph API in this process, over real HTTP."""

    def __init__(self, handle: SandboxHandle) -> None:
        self.base_url = handle.base_url

    def control(self, **switches: Any) -> Any:
        """Carry out switches of the control endpoint; what each answered."""
        request = urllib.request.Request(
            f"{self.base_url}/sandbox/control",
            json.dumps(switches).encode(),
            {"Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request) as response:
            return json.load(response)

    def read(self, path: str) -> Any:
        """The JSON behind one of the stand-in's own addresses."""
        with urllib.request.urlopen(f"{self.base_url}/sandbox/{path}") as response:
            return json.load(response)


@pytest.fixture
def stand_in(settings: Any) -> Iterator[StandIn]:
    """A fresh stand-in that the product's settings point at."""
    handle = start_in_thread()
    settings.META_API_BASE_URL = handle.base_url
    settings.META_OAUTH_DIALOG_URL = f"{handle.base_url}/v26.0/dialog/oauth"
    yield StandIn(handle)
    handle.stop()
