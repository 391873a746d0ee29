"""A stand-in per test, on a free port, with a clock that only moves when told."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from integrations.sandbox.server import SandboxHandle, start_in_thread

NOON = 1_795_521_600  # 2026-11-24 12:00 UTC
ACCOUNT = "act_210000000000001"
DISABLED_ACCOUNT = "act_210000000000004"
AD_SET = "12021000120000001"
PAGE = "110000000000001"
LINK = "https://shop.acme.example/tent"
ALL_SCOPES = (
    "ads_read,ads_management,business_management,pages_show_list,pages_read_engagement,"
    "pages_manage_ads"
)


class Clock:
    """Time for a world under test."""

    def __init__(self) -> None:
        self.now = float(NOON)

    def __call__(self) -> float:
        return self.now


class Api:
    """Graph calls with a person's token in the header, parameters as Meta wants them."""

    def __init__(self, base_url: str) -> None:
        self.base_url = base_url
        self.session = requests.Session()
        self.session.trust_env = False
        self.token = ""

    def call(self, method: str, path: str, *, version: str = "v26.0", **params: Any) -> Any:
        files = params.pop("files", None)
        sent = {k: v if isinstance(v, str) else json.dumps(v) for k, v in params.items()}
        where = {"params": sent} if method in ("GET", "DELETE") else {"data": sent}
        headers = {"Authorization": f"Bearer {self.token}"} if self.token else {}
        address = f"{self.base_url}/{version}/{path}" if version else f"{self.base_url}/{path}"
        return self.session.request(
            method,
            address,
            headers=headers,
            files=files,
            allow_redirects=False,
            timeout=10,
            **where,
        )

    def get(self, path: str, **params: Any) -> Any:
        """The JSON of a read that must succeed."""
        response = self.call("GET", path, **params)
        assert response.status_code == 200, response.text
        return response.json()

    def post(self, path: str, **params: Any) -> Any:
        """The JSON of a write that must succeed."""
        response = self.call("POST", path, **params)
        assert response.status_code == 200, response.text
        return response.json()

    def error(self, method: str, path: str, *, http: int = 400, **params: Any) -> Any:
        """The `error` object of a call that must fail with this HTTP status."""
        response = self.call(method, path, **params)
        assert response.status_code == http, response.text
        return response.json()["error"]

    def control(self, **switches: Any) -> Any:
        """Flip switches; what they answered."""
        response = self.session.post(f"{self.base_url}/sandbox/control", json=switches, timeout=10)
        assert response.status_code == 200, response.text
        return response.json()["result"]

    def page(self, path: str, **options: Any) -> requests.Response:
        """A page or file of the stand-in itself."""
        method = options.pop("method", "GET")
        return self.session.request(
            method, f"{self.base_url}{path}", allow_redirects=False, timeout=10, **options
        )

    def sign_in(self, user: str = "ana", **more: Any) -> str:
        """Act as this person from now on."""
        self.token = self.control(sign_in={"user": user, **more})["sign_in"]
        return self.token

    # --- things most tests need ----------------------------------------------------------------
    def creative(self, message: str = "Pack light. Walk far.", **changes: Any) -> str:
        """A new creative's id."""
        return str(self.post(f"{ACCOUNT}/adcreatives", **creative_body(message, **changes))["id"])

    def ad(self, creative_id: str = "", **changes: Any) -> str:
        """A new ad's id, PAUSED unless told."""
        body = {
            "name": "LM-1",
            "adset_id": AD_SET,
            "status": "PAUSED",
            "creative": {"creative_id": creative_id or self.creative()},
            **changes,
        }
        return str(self.post(f"{ACCOUNT}/ads", **body)["id"])


def creative_body(message: str = "Pack light. Walk far.", **link_data: Any) -> dict[str, Any]:
    """What a link ad's creative needs; `link_data` parts replace or add."""
    data = {
        "message": message,
        "name": "A tent",
        "description": "Free returns",
        "link": LINK,
        "call_to_action": {"type": "SHOP_NOW", "value": {"link": LINK}},
        **link_data,
    }
    return {"name": "LM-1", "object_story_spec": {"page_id": PAGE, "link_data": data}}


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def sandbox(clock: Clock) -> Iterator[SandboxHandle]:
    handle = start_in_thread(clock=clock)
    yield handle
    handle.stop()


@pytest.fixture
def visitor(sandbox: SandboxHandle) -> Iterator[Api]:
    """Somebody without a token."""
    api = Api(sandbox.base_url)
    yield api
    api.session.close()


@pytest.fixture
def ana(visitor: Api) -> Api:
    """Ana, connected with every permission."""
    visitor.sign_in("ana")
    return visitor


@pytest.fixture
def state_file(tmp_path: Path) -> Path:
    return tmp_path / "sandbox-state.jsonl"
