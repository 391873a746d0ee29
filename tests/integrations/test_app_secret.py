"""Replacing the app secret while the product runs costs no call, and its end can be seen."""

from __future__ import annotations

import html
import logging
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import responses
import time_machine
from django.test import Client
from django.urls import reverse

from integrations.app_secret import note_previous, rotation
from integrations.meta_ads.errors import ErrorKind, MetaError
from integrations.models import Integration
from integrations.services.clients import meta_client
from integrations.services.connect import disconnect
from integrations.services.revoke import revoke
from integrations.services.tokens import refresh
from leadmetrics.doctor import examine
from leadmetrics.tenancy.actors import Actor
from leadmetrics.tenancy.models import Tenant
from tests.builders import make_user
from tests.conftest import StandIn
from tests.integrations.conftest import page_text
from tests.integrations.dance import press

OLD, NEW = "stand-in-app-secret", "made-anew-in-the-dashboard"


@pytest.fixture
def rotating(settings: Any, stand_in: StandIn, quick: None) -> StandIn:
    """Ours is the new secret already, Meta's still the old one."""
    stand_in.control(require_proof=True)
    settings.META_APP_SECRET, settings.META_APP_SECRET_PREVIOUS = NEW, OLD
    return stand_in


def fallbacks(caplog: pytest.LogCaptureFixture) -> int:
    return sum("took the previous one" in record.message for record in caplog.records)


@pytest.mark.parametrize("expires_in_days", [3, 40])
def test_nothing_fails_before_meta_takes_the_new_one(
    grant: Integration,
    ana: Actor,
    rotating: StandIn,
    caplog: pytest.LogCaptureFixture,
    expires_in_days: int,
) -> None:
    ends = datetime.now(UTC) + timedelta(days=expires_in_days)
    grant.metadata = {"tokenExpiresAt": ends.isoformat()}
    grant.last_checked_at = None
    grant.save()
    with caplog.at_level(logging.WARNING):
        assert meta_client(grant).me().name
        refresh(integration_id=grant.pk)
    grant.refresh_from_db()
    assert (grant.is_usable, grant.trouble) == (True, "")
    assert grant.version == (2 if expires_in_days == 3 else 1)
    assert fallbacks(caplog) >= 2
    disconnect(actor=ana, integration_id=grant.pk)
    revoke(integration_id=grant.pk)
    grant.refresh_from_db()
    assert not grant.is_held_by_meta


def test_a_person_can_connect_meanwhile(
    as_ana: Client, start: Callable[..., str], rotating: StandIn, acme: Tenant
) -> None:
    as_ana.get(press(start()))
    assert Integration.objects.get().is_usable


def test_callbacks_are_verified_against_both(
    client: Client, grant: Integration, rotating: StandIn, caplog: pytest.LogCaptureFixture
) -> None:
    def signed() -> dict[str, str]:
        return {
            "signed_request": rotating.control(signed_request="ana")["result"]["signed_request"]
        }

    by_old = signed()
    rotating.control(app_secret=NEW)
    by_new = signed()
    rotating.control(app_secret="somebody else's")
    forged = signed()
    with caplog.at_level(logging.WARNING):
        assert client.post("/meta/deauthorize/", by_new).status_code == 200
        assert fallbacks(caplog) == 0
        assert client.post("/meta/deauthorize/", by_old).status_code == 200
        assert fallbacks(caplog) == 1
        assert client.post("/meta/deauthorize/", forged).status_code == 400
        assert fallbacks(caplog) == 1


def test_calls_across_the_switch_all_succeed_and_need_no_second_try_afterwards(
    grant: Integration, rotating: StandIn, caplog: pytest.LogCaptureFixture
) -> None:
    meta = meta_client(grant)
    with caplog.at_level(logging.WARNING):
        for _ in range(100):
            assert meta.me().name
        assert fallbacks(caplog) == 100
        rotating.control(app_secret=NEW)
        for _ in range(100):
            assert meta.me().name
    assert fallbacks(caplog) == 100


def test_without_a_previous_one_the_operator_is_named_and_nobody_reconnects(
    grant: Integration, rotating: StandIn, settings: Any
) -> None:
    for previous in ("", "wrong, too"):
        settings.META_APP_SECRET_PREVIOUS = previous
        with pytest.raises(MetaError) as refused:
            meta_client(grant).me()
        assert refused.value.kind == ErrorKind.CONFIGURATION
        Integration.objects.update(last_checked_at=None)
        refresh(integration_id=grant.pk)
        grant.refresh_from_db()
        assert (grant.is_usable, grant.trouble) == (True, "app_settings")
    assert rotation() is not None
    assert "not needed" in rotation().text  # a try that failed is no use of it


@responses.activate
@pytest.mark.parametrize(("code", "error_type", "sent"), [
    (100, "GraphMethodException", 2),
    (100, "OAuthException", 1),
    (190, "OAuthException", 1),
    (2, "OAuthException", 1),
])  # fmt: skip
def test_a_write_is_sent_again_only_when_its_proof_was_refused(
    acme: Tenant, grant: Integration, settings: Any, code: int, error_type: str, sent: int
) -> None:
    settings.META_API_BASE_URL = "http://graph.test"
    settings.META_APP_SECRET_PREVIOUS = OLD
    url = f"http://graph.test/{settings.META_API_VERSION}/77"
    responses.post(url, status=400, json={"error": {"code": code, "type": error_type}})
    with pytest.raises(MetaError):
        meta_client(grant).pause_ad("77")
    assert len(responses.calls) == sent


def test_the_operator_knows_when_to_remove_it(settings: Any, client: Client, db: None) -> None:
    assert rotation() is None
    settings.META_APP_SECRET, settings.META_APP_SECRET_PREVIOUS = NEW, OLD
    with time_machine.travel("2026-11-24 09:30Z", tick=False):
        note_previous("GET me")
        assert rotation().text == "The previous app secret was needed last at 2026-11-24 09:30 UTC."
        assert any(found.where == "App secret" for found in examine([]))
        client.force_login(make_user("Sam", "sam@support.example", is_staff=True))
        page = html.unescape(page_text(client.get(reverse("admin:index"))))
        assert "Keep META_APP_SECRET_PREVIOUS" in page
    with time_machine.travel("2026-11-26 09:31Z", tick=False):
        assert "not needed since 2026-11-24 09:30 UTC" in rotation().text
        assert "remove META_APP_SECRET_PREVIOUS" in rotation().next_step
    settings.META_APP_SECRET_PREVIOUS = settings.META_APP_SECRET
    assert rotation().text == "Both app secrets are the same."
