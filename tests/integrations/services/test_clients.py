"""The vault, and what a failed call says about a grant."""

from __future__ import annotations

import json
import pickle

import pytest

from integrations.meta_ads.errors import ErrorKind, MetaError, MetaTokenError
from integrations.meta_ads.types import AccessToken
from integrations.models import Integration
from integrations.services.clients import (
    NotConnected,
    meta_client,
    meta_config,
    open_token,
    seal_token,
)
from integrations.services.failures import note_failure
from leadmetrics.audit.models import AuditEntry
from leadmetrics.crypto import CannotDecrypt
from leadmetrics.tenancy.models import Tenant
from tests.builders import TOKEN, make_integration


def refused(subcode: int | None, code: int = 190) -> MetaTokenError:
    return MetaTokenError(ErrorKind.RECONNECT, code=code, subcode=subcode)


def test_token_opens_in_its_own_row_only(acme: Tenant, harbour: Tenant) -> None:
    mine, other = make_integration(acme), make_integration(harbour)
    assert open_token(mine) == AccessToken(TOKEN)
    assert TOKEN not in mine.api_key

    other.api_key = mine.api_key
    with pytest.raises(CannotDecrypt):
        open_token(other)


def test_sealing_twice_gives_two_texts(acme: Tenant) -> None:
    integration = make_integration(acme)
    before = integration.api_key
    seal_token(integration, AccessToken(TOKEN))
    assert integration.api_key != before


def test_opened_token_does_not_print_or_travel(acme: Tenant) -> None:
    token = open_token(make_integration(acme))
    assert f"{token} {token!r}" == "*** ***"
    with pytest.raises(TypeError):
        pickle.dumps(token)
    with pytest.raises(TypeError):
        json.dumps(token)


def test_config_does_not_print_the_app_secret(settings: object) -> None:
    settings.META_APP_SECRET = "a-secret-that-must-not-print"
    assert "must-not-print" not in repr(meta_config())


@pytest.mark.parametrize("status", [s for s in Integration.Status if s not in Integration.USABLE])
def test_unusable_grant_gives_no_client(acme: Tenant, status: str) -> None:
    with pytest.raises(NotConnected):
        meta_client(make_integration(acme, status=status))


def test_grant_without_token_gives_no_client(acme: Tenant) -> None:
    integration = make_integration(acme)
    integration.api_key = ""
    with pytest.raises(NotConnected):
        meta_client(integration)


@pytest.mark.parametrize(
    ("code", "subcode", "status"),
    [
        (190, 458, "revoked"),
        (190, 459, "needs_reconnect"),
        (190, 460, "revoked"),
        (190, 463, "expired"),
        (190, 464, "needs_reconnect"),
        (190, 467, "revoked"),
        (190, 492, "needs_reconnect"),
        (190, 493, "needs_reconnect"),
        (190, None, "needs_reconnect"),
        (102, None, "needs_reconnect"),
    ],
)
def test_token_error_moves_the_grant(
    acme: Tenant, code: int, subcode: int | None, status: str
) -> None:
    integration = make_integration(acme)
    note_failure(integration, refused(subcode, code))

    integration.refresh_from_db()
    assert integration.status == status
    assert integration.last_error
    assert bool(integration.api_key) == (status != "revoked")  # what was withdrawn is erased
    entry = AuditEntry.objects.get()
    assert (entry.action, entry.actor_kind) == ("integration.lost", "system")
    assert entry.data == {"status": status, "code": code, "subcode": subcode}


@pytest.mark.parametrize("kind", [kind for kind in ErrorKind if kind != ErrorKind.RECONNECT])
def test_other_errors_say_nothing_about_the_grant(acme: Tenant, kind: ErrorKind) -> None:
    """A throttle, an outage or a wrong app secret must never ask a person to reconnect."""
    integration = make_integration(acme)
    note_failure(integration, MetaError(kind, code=100))
    integration.refresh_from_db()
    assert (integration.status, integration.last_error) == ("connected", "")
    assert not AuditEntry.objects.exists()


def test_late_failure_of_a_replaced_token_does_not_count(acme: Tenant) -> None:
    integration = make_integration(acme)
    Integration.objects.update(version=2)
    note_failure(integration, refused(463))
    assert Integration.objects.get().status == "connected"
    assert not AuditEntry.objects.exists()


def test_ten_failures_leave_one_audit_line(acme: Tenant) -> None:
    integration = make_integration(acme)
    for _ in range(10):
        note_failure(integration, refused(463))
    assert AuditEntry.objects.count() == 1


def test_disconnected_grant_stays_disconnected(acme: Tenant) -> None:
    integration = make_integration(acme, status="disconnected")
    note_failure(integration, refused(463))
    assert Integration.objects.get().status == "disconnected"
