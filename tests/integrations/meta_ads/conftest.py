"""A client whose HTTP ends at `responses`."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import responses

from integrations.meta_ads.client import MetaAdsClient
from integrations.meta_ads.transport import Transport, make_session
from integrations.meta_ads.types import AccessToken, MetaConfig

BASE = "https://graph.example.com/v26.0"
ACT = "act_333"
TOKEN = AccessToken("EAAExampleToken")


@pytest.fixture
def graph() -> Iterator[responses.RequestsMock]:
    with responses.RequestsMock(assert_all_requests_are_fired=True) as mock:
        yield mock


@pytest.fixture
def waits() -> list[float]:
    return []


@pytest.fixture
def transport(waits: list[float]) -> Transport:
    config = MetaConfig(
        app_id="111",
        app_secret="app-secret",
        api_version="v26.0",
        base_url="https://graph.example.com",
        dialog_url="https://www.example.com/dialog/oauth",
    )
    return Transport(config, make_session(), sleep=waits.append, jitter=lambda: 0.5)


@pytest.fixture
def client(transport: Transport) -> MetaAdsClient:
    return MetaAdsClient(transport, TOKEN)
