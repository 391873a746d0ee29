"""Withdrawing a grant at Meta, after the token was erased here."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import responses
import time_machine

from approvals.models import WriteMark
from approvals.services.marks import accept_database, why_not_to_write
from integrations.models import Integration
from integrations.services.connect import disconnect
from integrations.services.revoke import revoke, revoke_due
from leadmetrics.audit.models import AuditEntry
from leadmetrics.tenancy.actors import Actor
from leadmetrics.tenancy.models import Tenant
from tests.builders import make_integration

GRAPH = "http://graph.test"


@pytest.fixture
def left(acme: Tenant, ana: Actor, settings: Any) -> Integration:
    """A grant that Ana has just disconnected."""
    settings.META_API_BASE_URL = GRAPH
    integration = make_integration(acme, meta_user_id="222", granted_scopes=["ads_read"])
    return disconnect(actor=ana, integration_id=integration.pk)


def permissions_url(settings: Any) -> str:
    return f"{GRAPH}/{settings.META_API_VERSION}/222/permissions"


@responses.activate
def test_app_asks_in_its_own_name(left: Integration, settings: Any) -> None:
    responses.delete(permissions_url(settings), json={"success": True})
    revoke(integration_id=left.pk)

    sent = responses.calls[0].request
    app_token = f"{settings.META_APP_ID}|{settings.META_APP_SECRET}"
    assert sent.headers["Authorization"] == f"Bearer {app_token}"
    assert "EAA" not in sent.url
    left.refresh_from_db()
    assert left.granted_scopes == []
    assert not left.is_held_by_meta
    entry = AuditEntry.objects.get(action="integration.withdrawn")
    assert entry.actor_kind == "system"


@responses.activate
def test_restored_database_withdraws_nothing_before_it_is_reconciled(
    left: Integration, settings: Any, django_capture_on_commit_callbacks: Any
) -> None:
    responses.delete(permissions_url(settings), json={"success": True})
    why_not_to_write()  # an installation that knows itself
    WriteMark.objects.update(environment="00000000-0000-4000-8000-000000000000")
    with django_capture_on_commit_callbacks() as jobs:
        revoke_due()
    revoke(integration_id=left.pk)
    assert jobs == []
    assert len(responses.calls) == 0
    accept_database()
    revoke(integration_id=left.pk)
    assert len(responses.calls) == 1


@responses.activate
def test_done_is_done(left: Integration, settings: Any) -> None:
    responses.delete(permissions_url(settings), json={"success": True})
    revoke(integration_id=left.pk)
    revoke(integration_id=left.pk)
    assert len(responses.calls) == 1


@responses.activate
def test_failure_is_tried_again_for_a_day(
    left: Integration, settings: Any, django_capture_on_commit_callbacks: Any
) -> None:
    responses.delete(permissions_url(settings), status=500)
    revoke(integration_id=left.pk)
    left.refresh_from_db()
    assert left.is_being_withdrawn

    now = datetime.now(UTC)
    for hours, jobs_expected in ((1, 1), (23, 1), (25, 0)):
        with (
            time_machine.travel(now + timedelta(hours=hours)),
            django_capture_on_commit_callbacks() as jobs,
        ):
            revoke_due()
        assert len(jobs) == jobs_expected

    with time_machine.travel(now + timedelta(hours=25)):
        assert left.is_held_by_meta
        assert not left.is_being_withdrawn


@responses.activate
def test_person_connected_elsewhere_keeps_that_connection(
    left: Integration, harbour: Tenant
) -> None:
    """Withdrawing removes every grant of the person to this app, so the other tenant's, too."""
    make_integration(harbour, meta_user_id="222")
    revoke(integration_id=left.pk)
    assert len(responses.calls) == 0
    left.refresh_from_db()
    assert not left.is_being_withdrawn
    assert not AuditEntry.objects.filter(action="integration.withdrawn").exists()


@responses.activate
def test_reconnected_grant_is_left_alone(left: Integration) -> None:
    Integration.objects.filter(pk=left.pk).update(status="connected")
    revoke(integration_id=left.pk)
    assert len(responses.calls) == 0
