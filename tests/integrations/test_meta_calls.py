"""What Meta tells by itself counts only when it is signed, and only once."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.test import Client

from integrations.models import DataDeletion, Integration
from integrations.services.warnings import warn_in_time
from leadmetrics.audit.models import AuditEntry
from leadmetrics.notices.models import Notice
from leadmetrics.tenancy.actors import Actor
from leadmetrics.tenancy.models import Tenant
from tests.builders import make_ad_account, make_integration
from tests.conftest import StandIn
from tests.integrations.conftest import page_text
from tests.integrations.dance import ANA

AGO = datetime.now(UTC) - timedelta(days=3)


def signed(secret: str, **payload: Any) -> str:
    data = {"algorithm": "HMAC-SHA256", "issued_at": int(time.time()), "user_id": ANA, **payload}
    encoded = base64.urlsafe_b64encode(json.dumps(data).encode()).rstrip(b"=")
    signature = hmac.new(secret.encode(), encoded, hashlib.sha256).digest()
    return f"{base64.urlsafe_b64encode(signature).rstrip(b'=').decode()}.{encoded.decode()}"


@pytest.fixture
def both(acme: Tenant, harbour: Tenant) -> list[Integration]:
    """The same person's grants in two workspaces, and beside them somebody else's."""
    make_integration(acme, connected_at=AGO)
    return [
        make_integration(tenant, meta_user_id=ANA, connected_at=AGO, granted_scopes=["ads_read"])
        for tenant in (acme, harbour)
    ]


def test_removed_app_erases_the_tokens_everywhere_and_once(
    client: Client, both: list[Integration], ana: Actor, stand_in: StandIn
) -> None:
    body = {"signed_request": stand_in.control(signed_request="ana")["result"]["signed_request"]}
    for _ in range(2):
        assert client.post("/meta/deauthorize/", body).status_code == 200
    for row in both:
        row.refresh_from_db()
        assert (row.status, row.trouble, row.api_key, row.version) == (
            "revoked", "app_removed", "", 2,
        )  # fmt: skip
    assert Integration.objects.exclude(api_key="").count() == 1
    assert AuditEntry.objects.filter(action="integration.lost").count() == 2
    assert Notice.objects.filter(user_id=ana.user_id).count() == 1


@pytest.mark.parametrize("path", ["/meta/deauthorize/", "/meta/data-deletion/"])
@pytest.mark.parametrize(
    "make",
    [
        lambda _: "",
        lambda _: "x" * 5_000,
        lambda _: "no-dot",
        lambda _: signed("another secret"),
        lambda secret: signed(secret, algorithm="none"),
        lambda secret: signed(secret, issued_at=None),
        lambda secret: signed(secret, issued_at=int(time.time()) + 3_600),
        lambda secret: signed(secret, user_id="../1"),
        lambda secret: signed(secret)[:-1] + "A",
    ],
)
def test_anything_else_changes_nothing(
    client: Client, both: list[Integration], settings: Any, path: str, make: Any
) -> None:
    before = list(Integration.objects.order_by("pk").values())
    response = client.post(path, {"signed_request": make(settings.META_APP_SECRET)})
    assert response.status_code == 400
    assert list(Integration.objects.order_by("pk").values()) == before
    assert client.get(path).status_code == 405


def test_request_from_before_a_reconnect_leaves_the_new_grant_alone(
    client: Client, acme: Tenant, settings: Any
) -> None:
    integration = make_integration(acme, meta_user_id=ANA)
    old = signed(settings.META_APP_SECRET, issued_at=int(time.time()) - 600)
    assert client.post("/meta/deauthorize/", {"signed_request": old}).status_code == 200
    integration.refresh_from_db()
    assert integration.is_usable


def test_deletion_erases_the_person_and_gives_one_confirmation(
    client: Client, both: list[Integration], settings: Any
) -> None:
    body = {"signed_request": signed(settings.META_APP_SECRET)}
    first, again = (client.post("/meta/data-deletion/", body).json() for _ in range(2))
    assert first == again
    assert first["confirmation_code"].isalnum()
    assert DataDeletion.objects.get().connections == 2
    for row in both:
        row.refresh_from_db()
        assert (row.api_key, row.meta_user_name) == ("", "Deleted Facebook user")
        assert row.meta_user_id != ANA
    page = client.get(first["url"].removeprefix(settings.SITE_URL))
    assert first["confirmation_code"] in page_text(page)
    assert client.get("/meta/data-deletion/0000/").status_code == 404


def test_deletion_of_somebody_we_do_not_know_is_confirmed_too(
    client: Client, db: None, settings: Any
) -> None:
    body = {"signed_request": signed(settings.META_APP_SECRET)}
    assert client.post("/meta/data-deletion/", body).json()["confirmation_code"]


def test_admins_are_told_when_who_connected_left(acme: Tenant, ana: Actor) -> None:
    integration = make_integration(acme)
    make_ad_account(integration)
    assert (warn_in_time(), warn_in_time()) == (1, 0)
    assert integration.connected_by.name in Notice.objects.get().subject
