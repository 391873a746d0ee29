"""What must be proved before a grant is stored, and how it is let go."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import responses

from integrations.models import Integration
from integrations.services.clients import open_token
from integrations.services.connect import (
    CodeUsed,
    ConnectFailed,
    disconnect,
    finish_connect,
    start_connect,
)
from integrations.services.insights import request_pull
from integrations.services.runs import Turn, work_on
from leadmetrics.audit.models import AuditEntry
from leadmetrics.errors import NotAllowed, NotFound
from leadmetrics.tenancy.actors import Actor
from leadmetrics.tenancy.models import Tenant
from tests.builders import make_integration

GRAPH = "http://graph.test"
IN_60_DAYS = int((datetime.now(UTC) + timedelta(days=60)).timestamp())


@pytest.fixture
def graph(settings: Any, quick: None) -> Callable[..., responses.RequestsMock]:
    """Answers of Meta for one sign-in; ``debug`` and ``me`` change what it says."""
    settings.META_API_BASE_URL = GRAPH

    def answer(
        mock: responses.RequestsMock,
        *,
        debug: dict[str, Any] | None = None,
        me: dict[str, Any] | None = None,
        granted: tuple[str, ...] = ("ads_read", "ads_management"),
    ) -> responses.RequestsMock:
        where = f"{GRAPH}/{settings.META_API_VERSION}"
        mock.get(f"{where}/oauth/access_token", json={"access_token": "EAAfresh"})
        data = {
            "app_id": settings.META_APP_ID,
            "type": "USER",
            "is_valid": True,
            "expires_at": IN_60_DAYS,
            "data_access_expires_at": IN_60_DAYS,
            "user_id": "222",
            "scopes": list(granted),
            **(debug or {}),
        }
        mock.get(f"{where}/debug_token", json={"data": data})
        mock.get(
            f"{where}/me/permissions",
            json={"data": [{"permission": name, "status": "granted"} for name in granted]},
        )
        mock.get(f"{where}/me", json=me or {"id": "222", "name": "Pat Example"})
        return mock

    return answer


def test_what_debug_token_says_is_stored_and_not_what_the_exchange_promised(
    graph: Callable[..., Any], ana: Actor
) -> None:
    with responses.RequestsMock() as mock:
        graph(mock)
        integration = finish_connect(actor=ana, code="AQcode")
    assert integration.token_expires_at == datetime.fromtimestamp(IN_60_DAYS, UTC)
    assert open_token(integration).reveal() == "EAAfresh"


def test_token_that_never_ends_is_stored_as_such(graph: Callable[..., Any], ana: Actor) -> None:
    with responses.RequestsMock() as mock:
        graph(mock, debug={"expires_at": 0, "data_access_expires_at": 0})
        integration = finish_connect(actor=ana, code="AQcode")
    assert integration.token_expires_at is None
    assert integration.data_access_expires_at is None
    assert integration.status == "connected"


def test_token_that_ends_within_a_week_is_expiring_from_the_start(
    graph: Callable[..., Any], ana: Actor
) -> None:
    soon = int((datetime.now(UTC) + timedelta(days=3)).timestamp())
    with responses.RequestsMock() as mock:
        graph(mock, debug={"expires_at": soon})
        assert finish_connect(actor=ana, code="AQcode").status == "expiring"


@pytest.mark.parametrize(
    ("debug", "me"),
    [
        ({"app_id": "999"}, None),
        ({"is_valid": False}, None),
        ({"user_id": "333"}, None),
        ({"user_id": ""}, None),
        (None, {"id": "444", "name": "Somebody else"}),
    ],
)
def test_token_of_another_app_or_person_is_not_stored(
    graph: Callable[..., Any], ana: Actor, debug: dict[str, Any], me: dict[str, Any]
) -> None:
    with responses.RequestsMock() as mock:
        graph(mock, debug=debug, me=me)
        with pytest.raises(ConnectFailed):
            finish_connect(actor=ana, code="AQcode")
    assert not Integration.objects.exists()


def test_permissions_are_those_that_the_person_gave(
    graph: Callable[..., Any], ana: Actor, settings: Any
) -> None:
    with responses.RequestsMock() as mock:
        graph(mock, granted=("ads_read",))
        integration = finish_connect(actor=ana, code="AQcode")
    assert integration.granted_scopes == ["ads_read"]
    assert set(integration.declined_scopes) == set(settings.META_SCOPES) - {"ads_read"}


def test_same_person_again_replaces_the_grant_and_keeps_its_defaults(
    graph: Callable[..., Any], ana: Actor
) -> None:
    with responses.RequestsMock() as mock:
        graph(mock)
        first = finish_connect(actor=ana, code="AQone")
        Integration.objects.update(
            metadata={**first.metadata, "adAccountId": "act_1", "pageId": "5"},
            last_error="old",
            status="expired",
        )
        again = finish_connect(actor=ana, code="AQtwo")
    assert (again.pk, again.version, again.last_error) == (first.pk, 2, "")
    assert (again.defaults.ad_account_id, again.defaults.page_id) == ("act_1", "5")
    assert again.status == "connected"
    assert Integration.objects.count() == 1


def test_used_code_is_told_apart(settings: Any, ana: Actor, quick: None) -> None:
    settings.META_API_BASE_URL = GRAPH
    with responses.RequestsMock() as mock:
        mock.get(
            f"{GRAPH}/{settings.META_API_VERSION}/oauth/access_token",
            json={"error": {"message": "used", "code": 100, "error_subcode": 36009}},
            status=400,
        )
        with pytest.raises(CodeUsed):
            finish_connect(actor=ana, code="AQcode")


def test_wrong_app_secret_points_at_the_operator(settings: Any, ana: Actor, quick: None) -> None:
    settings.META_API_BASE_URL = GRAPH
    with responses.RequestsMock() as mock:
        mock.get(
            f"{GRAPH}/{settings.META_API_VERSION}/oauth/access_token",
            json={"error": {"message": "Error validating client secret.", "code": 1}},
            status=400,
        )
        with pytest.raises(ConnectFailed) as caught:
            finish_connect(actor=ana, code="AQcode")
    assert "META_APP_SECRET" in caught.value.user_message


def test_only_admins_may(ben: Actor, acme: Tenant) -> None:
    with pytest.raises(NotAllowed):
        start_connect(actor=ben, state="s")
    with pytest.raises(NotAllowed):
        finish_connect(actor=ben, code="AQcode")
    integration = make_integration(acme)
    with pytest.raises(NotAllowed):
        disconnect(actor=ben, integration_id=integration.pk)


def test_disconnecting_erases_the_token_at_once(
    known: Integration, ana: Actor, django_capture_on_commit_callbacks: Any
) -> None:
    with django_capture_on_commit_callbacks() as jobs:
        disconnect(actor=ana, integration_id=known.pk)

    known.refresh_from_db()
    assert (known.api_key, known.status, known.version) == ("", "disconnected", 2)
    assert known.ad_accounts.filter(enabled=True).exists()  # history and choice stay
    assert len(jobs) == 1
    entry = AuditEntry.objects.filter(action="integration.disconnected").get()
    assert entry.data == {"person": "Ana Keller"}


def test_disconnecting_twice_is_one_act(known: Integration, ana: Actor) -> None:
    disconnect(actor=ana, integration_id=known.pk)
    disconnect(actor=ana, integration_id=known.pk)
    assert AuditEntry.objects.filter(action="integration.disconnected").count() == 1


def test_disconnecting_stops_what_is_being_read(known: Integration, ana: Actor) -> None:
    run = request_pull(known.ad_accounts.get(enabled=True))

    def read(turn: Turn) -> None:
        disconnect(actor=ana, integration_id=known.pk)
        turn.progress(rows=1)

    work_on(run.pk, read, 30)

    run.refresh_from_db()
    assert (run.state, run.error_code, run.rows) == ("failed", "disconnected", 0)


def test_stranger_cannot_disconnect(known: Integration, olga: Actor) -> None:
    with pytest.raises(NotFound):
        disconnect(actor=olga, integration_id=known.pk)
