"""A grant that the stand-in really gave, and the way through its dialog."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from integrations.models import AdAccount, Integration
from leadmetrics.tenancy.actors import Actor
from leadmetrics.tenancy.models import Tenant
from tests.builders import make_ad_account, make_integration
from tests.conftest import StandIn
from tests.integrations.dance import ACME_EU, ANA, work

SCOPES = [
    "ads_read",
    "ads_management",
    "business_management",
    "pages_show_list",
    "pages_read_engagement",
    "pages_manage_ads",
]


@pytest.fixture
def grant(stand_in: StandIn, acme: Tenant) -> Integration:
    """Ana's grant, with a token that the stand-in knows; nothing is read yet."""
    token = stand_in.control(sign_in="ana")["result"]["sign_in"]
    return make_integration(acme, token=token, meta_user_id=ANA, granted_scopes=SCOPES)


@pytest.fixture
def account(grant: Integration) -> AdAccount:
    """The European ad account, in use."""
    return make_ad_account(grant, ad_account_id=ACME_EU, name="Acme Outdoor EU")


@pytest.fixture
def known(grant: Integration, account: AdAccount) -> Integration:
    """Ana's grant with its catalog read."""
    from integrations.services.catalog import request_catalog

    request_catalog(grant)
    work(grant)
    return grant


@pytest.fixture
def start(as_ana: Client, acme: Tenant, stand_in: StandIn) -> Callable[..., str]:
    """Press "Connect" as Ana; the address of Facebook's dialog."""

    def press_connect(client: Client = as_ana, **form: str) -> str:
        url = reverse("connections:connect", args=[acme.slug])
        response = client.post(url, form)
        assert response.status_code == 302
        return str(response.headers["Location"])

    return press_connect


@pytest.fixture
def login(as_ana: Client, ana: Actor) -> Callable[[], None]:
    """Sign Ana in again."""
    from leadmetrics.tenancy.models import User

    return lambda: as_ana.force_login(User.objects.get(pk=ana.user_id))


def stored_tokens() -> int:
    """How many grants hold a token."""
    return Integration.objects.exclude(api_key="").count()


def page_text(response: Any) -> str:
    return str(response.content.decode())


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Retries without their waits."""
    from integrations.services import clients, connect, revoke, tokens

    real = clients.meta_transport

    def without_waits() -> Any:
        transport = real()
        transport.sleep = lambda _seconds: None
        return transport

    for module in (clients, connect, revoke, tokens):
        monkeypatch.setattr(module, "meta_transport", without_waits)
