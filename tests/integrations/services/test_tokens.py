"""Tokens stay alive, or somebody is told in time. Only a proved, later end counts as a refresh."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import responses
import time_machine
from django.db import connection

from integrations.models import Integration
from integrations.services.clients import open_token
from integrations.services.due import due_integrations
from integrations.services.tokens import STAYS, refresh, refresh_due
from integrations.token_states import state_of
from leadmetrics.audit.models import AuditEntry
from leadmetrics.notices.models import Notice
from leadmetrics.tenancy.actors import Actor
from leadmetrics.tenancy.models import Tenant
from tests.builders import TOKEN, make_integration, make_tenant
from tests.conftest import StandIn
from tests.integrations.conftest import SCOPES
from tests.integrations.dance import ANA

GRAPH = "http://graph.test/v26.0"
DAYS = timedelta(days=1)


def ends_in(days: float) -> datetime:
    return datetime.now(UTC) + timedelta(days=days)


@pytest.fixture
def due(acme: Tenant, settings: Any) -> Integration:
    """A grant of person 222 that ends in five days."""
    settings.META_API_BASE_URL = "http://graph.test"
    return make_integration(
        acme,
        meta_user_id="222",
        expires_at=ends_in(5),
        granted_scopes=["ads_read", "ads_management"],
    )


@pytest.fixture
def meta(settings: Any) -> Callable[..., None]:
    """What Meta answers to the exchange, and what it then says of the new token."""

    def answer(**changes: Any) -> None:
        responses.get(
            f"{GRAPH}/oauth/access_token", json={"access_token": "EAAnew", "expires_in": 5183944}
        )
        data = {
            "app_id": settings.META_APP_ID,
            "user_id": "222",
            "is_valid": True,
            "type": "USER",
            "scopes": ["ads_read", "ads_management", "public_profile"],
            "expires_at": int(ends_in(60).timestamp()),
            "data_access_expires_at": int(ends_in(90).timestamp()),
            **changes,
        }
        responses.get(f"{GRAPH}/debug_token", json={"data": data})

    return answer


def reread(integration: Integration) -> Integration:
    return Integration.objects.get(pk=integration.pk)


# --- which ones are due -------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("ends", "tried_hours_ago", "is_due"),
    [
        (8, None, True),  # asked about once a day
        (30, 22, False),
        (7, None, True),
        (5, 24, True),
        (5, 12, False),  # once a day
        (1.5, 12, True),  # its last two days: every six hours
        (1.5, 3, False),
        (-1, 0.1, True),  # ended: to be marked as such
    ],
)
def test_grants_are_due_once_a_day_and_more_often_at_their_end(
    acme: Tenant, ends: float, tried_hours_ago: float | None, is_due: bool
) -> None:
    tried = None if tried_hours_ago is None else ends_in(-tried_hours_ago / 24)
    integration = make_integration(acme, expires_at=ends_in(ends), last_checked_at=tried)
    assert due_integrations() == ([integration] if is_due else [])


def test_token_that_never_ends_is_asked_about_every_day(acme: Tenant, stand_in: StandIn) -> None:
    made = {"user": "ana", "kind": "system", "scopes": ["ads_read", "ads_management"]}
    token = stand_in.control(sign_in=made)["result"]["sign_in"]
    integration = make_integration(acme, token=token, meta_user_id=ANA)
    Integration.objects.update(metadata={})
    assert due_integrations() == [integration]
    refresh(integration_id=integration.pk)
    stored = reread(integration)
    assert (stored.status, stored.is_system_user, stored.works_until) == ("connected", True, None)
    assert due_integrations() == []
    stand_in.control(invalidate_token={"user": "ana", "subcode": 467})
    Integration.objects.update(last_checked_at=ends_in(-1))
    refresh(integration_id=integration.pk)
    assert (reread(integration).status, reread(integration).trouble) == ("revoked", "signed_out")


def test_system_user_s_sixty_days_begin_anew(acme: Tenant, stand_in: StandIn) -> None:
    token = stand_in.control(sign_in={"user": "ana", "kind": "system60"})["result"]["sign_in"]
    stand_in.control(token_expires_in={"user": "ana", "seconds": 5 * 86_400})
    integration = make_integration(
        acme,
        token=token,
        meta_user_id=ANA,
        expires_at=ends_in(5),
        granted_scopes=["ads_read"],
        is_system_user=True,
    )
    refresh(integration_id=integration.pk)
    stored = reread(integration)
    assert (stored.status, stored.version) == ("connected", 2)
    assert stored.token_expires_at > ends_in(59)


@pytest.mark.parametrize("status", [s for s in Integration.Status if s not in Integration.USABLE])
def test_unusable_grants_are_not_due(acme: Tenant, status: str) -> None:
    integration = make_integration(acme, status=status, expires_at=ends_in(3))
    assert due_integrations() == []
    refresh(integration_id=integration.pk)
    assert reread(integration).status == status


def test_each_due_grant_gets_a_job_of_its_own(
    acme: Tenant, django_capture_on_commit_callbacks: Any
) -> None:
    for days in (1, 1.5, 3, 30):
        make_integration(acme, expires_at=ends_in(days), last_checked_at=ends_in(-0.4))
    with django_capture_on_commit_callbacks() as jobs:
        assert refresh_due() == 2
    assert len(jobs) == 2


# --- what counts as a refresh -------------------------------------------------------------------
@responses.activate
def test_proved_later_end_counts(due: Integration, meta: Callable[..., None]) -> None:
    meta()
    refresh(integration_id=due.pk)

    stored = reread(due)
    assert open_token(stored).reveal() == "EAAnew"
    assert stored.token_expires_at > ends_in(59)
    assert stored.data_access_expires_at > ends_in(89)
    assert (stored.status, stored.version, stored.last_error) == ("connected", 2, "")
    assert stored.lease_until is None
    assert AuditEntry.objects.get().action == "integration.refreshed"


@responses.activate
def test_end_comes_from_the_read_back_and_not_from_the_exchange(
    due: Integration, meta: Callable[..., None]
) -> None:
    meta(expires_at=int(ends_in(6.5).timestamp()))
    refresh(integration_id=due.pk)
    stored = reread(due)
    assert stored.token_expires_at < ends_in(6.6)
    assert (stored.status, stored.version) == ("expiring", 2)


@responses.activate
def test_token_that_became_endless_counts(due: Integration, meta: Callable[..., None]) -> None:
    meta(expires_at=0)
    refresh(integration_id=due.pk)
    assert reread(due).token_expires_at is None
    assert reread(due).status == "connected"


@responses.activate
@pytest.mark.parametrize(
    "changes",
    [
        {"expires_at": int(ends_in(5).timestamp())},  # the clock just runs on
        {"expires_at": int(ends_in(5.9).timestamp())},  # less than a day is not an extension
        {"user_id": "333"},
        {"app_id": "999"},
        {"is_valid": False},
        {"scopes": ["ads_read"]},
    ],
)
def test_anything_less_leaves_the_good_token_alone(
    due: Integration, meta: Callable[..., None], changes: dict[str, Any]
) -> None:
    meta(**changes)
    refresh(integration_id=due.pk)

    stored = reread(due)
    assert open_token(stored).reveal() == TOKEN
    assert stored.token_expires_at == due.token_expires_at
    assert (stored.status, stored.version, stored.last_error) == ("expiring", 1, STAYS)
    assert stored.is_usable
    assert AuditEntry.objects.get().action == "integration.not_extended"


@responses.activate
def test_five_days_without_extension_leave_one_audit_line(
    due: Integration, meta: Callable[..., None]
) -> None:
    meta(expires_at=int(ends_in(5).timestamp()))
    for day in range(4):
        with time_machine.travel(datetime.now(UTC) + day * DAYS):
            refresh(integration_id=due.pk)
    assert len(responses.calls) == 8
    assert AuditEntry.objects.count() == 1


@responses.activate
def test_grant_is_not_tried_again_within_the_day(
    due: Integration, meta: Callable[..., None]
) -> None:
    meta(expires_at=int(ends_in(5).timestamp()))
    for _ in range(5):
        refresh(integration_id=due.pk)
    assert len(responses.calls) == 2


@responses.activate
def test_end_is_marked_without_an_exchange(
    due: Integration, meta: Callable[..., None], quick: None
) -> None:
    """Meta exchanges no ended token, so it is only asked whether it has ended."""
    meta(is_valid=False)
    with time_machine.travel(due.token_expires_at + timedelta(minutes=15)):
        refresh(integration_id=due.pk)
    assert ["debug_token" in call.request.url for call in responses.calls] == [True]
    stored = reread(due)
    assert stored.status == "expired"
    assert "Reconnect" in stored.last_error
    assert AuditEntry.objects.get().action == "integration.lost"


def test_end_is_marked_when_meta_cannot_be_asked(due: Integration, quick: None) -> None:
    with responses.RequestsMock() as mock, time_machine.travel(ends_in(6)):
        mock.get(f"{GRAPH}/debug_token", status=500)
        refresh(integration_id=due.pk)
    assert reread(due).status == "expired"


# --- what may go wrong --------------------------------------------------------------------------
@responses.activate
@pytest.mark.parametrize(
    ("status", "error", "left"),
    [
        (400, {"code": 190, "error_subcode": 463}, "expired"),
        (400, {"code": 190, "error_subcode": 458}, "revoked"),
        (400, {"code": 190, "error_subcode": 460}, "revoked"),
        (401, {}, "needs_reconnect"),
        (500, {"code": 2}, "expiring"),
        (400, {"code": 4}, "expiring"),
        (400, {"code": 100, "type": "GraphMethodException"}, "expiring"),
        (502, None, "expiring"),
    ],
)
def test_meta_s_answer_to_the_exchange_decides(
    due: Integration, quick: None, status: int, error: dict[str, Any] | None, left: str
) -> None:
    body = {"json": {"error": {"message": "x", **error}}} if error is not None else {"body": "<p>"}
    responses.get(f"{GRAPH}/oauth/access_token", status=status, **body)
    refresh(integration_id=due.pk)

    stored = reread(due)
    assert stored.status == left
    assert stored.last_error
    assert "EAA" not in stored.last_error
    assert stored.lease_until is None
    if left == "revoked":
        assert stored.api_key == ""
    else:
        assert open_token(stored).reveal() == TOKEN
    assert stored.token_expires_at == due.token_expires_at


@responses.activate
def test_lost_answer_of_the_read_back_keeps_the_old_token(due: Integration, quick: None) -> None:
    responses.get(f"{GRAPH}/oauth/access_token", json={"access_token": "EAAnew"})
    responses.get(f"{GRAPH}/debug_token", status=500)
    refresh(integration_id=due.pk)
    assert open_token(reread(due)).reveal() == TOKEN


@responses.activate
def test_row_that_cannot_be_decrypted_is_not_called_expired(due: Integration) -> None:
    other = make_integration(due.tenant, expires_at=ends_in(3))
    Integration.objects.filter(pk=due.pk).update(api_key=other.api_key)
    refresh(integration_id=due.pk)
    stored = reread(due)
    assert stored.status == "expiring"
    assert "ENCRYPTION_KEYS" in stored.last_error
    assert len(responses.calls) == 0


@responses.activate
def test_reconnect_during_a_refresh_wins(due: Integration, meta: Callable[..., None]) -> None:
    meta()

    def reconnected(_request: Any) -> tuple[int, dict[str, str], str]:
        Integration.objects.filter(pk=due.pk).update(version=2, last_error="reconnected")
        return 200, {}, '{"access_token": "EAAlate"}'

    responses.remove(responses.GET, f"{GRAPH}/oauth/access_token")
    responses.add_callback(responses.GET, f"{GRAPH}/oauth/access_token", callback=reconnected)
    refresh(integration_id=due.pk)

    stored = reread(due)
    assert (stored.version, stored.last_error) == (2, "reconnected")
    assert open_token(stored).reveal() == TOKEN
    assert not AuditEntry.objects.exists()


@responses.activate
def test_disconnect_during_a_refresh_wins(due: Integration, meta: Callable[..., None]) -> None:
    meta()

    def disconnected(_request: Any) -> tuple[int, dict[str, str], str]:
        Integration.objects.update(status="disconnected", api_key="", version=2)
        return 200, {}, '{"access_token": "EAAlate"}'

    responses.remove(responses.GET, f"{GRAPH}/oauth/access_token")
    responses.add_callback(responses.GET, f"{GRAPH}/oauth/access_token", callback=disconnected)
    refresh(integration_id=due.pk)
    assert (reread(due).api_key, reread(due).status) == ("", "disconnected")


@responses.activate
def test_refresh_touches_its_own_row_only(due: Integration, meta: Callable[..., None]) -> None:
    other = make_integration(due.tenant, expires_at=ends_in(5), token="EAAother")
    before = Integration.objects.filter(pk=other.pk).values().get()
    meta()
    refresh(integration_id=due.pk)
    assert Integration.objects.filter(pk=other.pk).values().get() == before


# --- against the stand-in -----------------------------------------------------------------------
def test_short_token_becomes_a_long_one(acme: Tenant, stand_in: StandIn) -> None:
    token = stand_in.control(sign_in={"user": "ana", "kind": "short"})["result"]["sign_in"]
    integration = make_integration(
        acme, token=token, meta_user_id=ANA, expires_at=ends_in(0.06), granted_scopes=["ads_read"]
    )
    refresh(integration_id=integration.pk)
    stored = reread(integration)
    assert stored.status == "connected"
    assert stored.token_expires_at > ends_in(59)


def test_long_token_is_not_extended_by_asking(acme: Tenant, stand_in: StandIn) -> None:
    token = stand_in.control(sign_in="ana")["result"]["sign_in"]
    stand_in.control(token_expires_in={"user": "ana", "seconds": 5 * 86_400})
    integration = make_integration(acme, token=token, meta_user_id=ANA, expires_at=ends_in(5))
    refresh(integration_id=integration.pk)
    assert (reread(integration).status, reread(integration).last_error) == ("expiring", STAYS)


@pytest.mark.django_db(transaction=True)
def test_twenty_workers_make_one_exchange(stand_in: StandIn) -> None:
    token = stand_in.control(sign_in={"user": "ana", "kind": "short"})["result"]["sign_in"]
    integration = make_integration(
        make_tenant(),
        token=token,
        meta_user_id=ANA,
        expires_at=ends_in(0.06),
        granted_scopes=["ads_read"],
    )

    def work(_number: int) -> None:
        try:
            refresh(integration_id=integration.pk)
        finally:
            connection.close()

    with ThreadPoolExecutor(20) as pool:
        list(pool.map(work, range(20)))

    assert reread(integration).version == 2
    tokens = stand_in.control(list=True)["result"]["list"]["Ana Keller"]
    assert len(tokens) == 2  # the one we had, and one new one


# --- the daily look ------------------------------------------------------------------------------
def asked_about(tenant: Tenant, stand_in: StandIn, **fields: Any) -> Integration:
    """A grant of Ana's that the stand-in knows, in the middle of its life."""
    token = stand_in.control(sign_in="ana")["result"]["sign_in"]
    return make_integration(
        tenant,
        token=token,
        meta_user_id=ANA,
        **{"granted_scopes": sorted(SCOPES), **fields},
    )


def test_daily_look_stores_what_meta_says(acme: Tenant, stand_in: StandIn) -> None:
    integration = asked_about(acme, stand_in, expires_at=ends_in(20))
    refresh(integration_id=integration.pk)
    stored = reread(integration)
    assert stored.token_expires_at > ends_in(58)
    assert stored.data_access_expires_at > ends_in(88)
    assert (stored.version, stored.trouble) == (1, "")
    assert not AuditEntry.objects.exists()


def test_removed_scope_is_noticed_while_reading_goes_on(acme: Tenant, stand_in: StandIn) -> None:
    integration = asked_about(acme, stand_in)
    stand_in.control(remove_scope={"user": "ana", "scope": "ads_management"})
    refresh(integration_id=integration.pk)
    stored = reread(integration)
    assert "ads_management" not in stored.granted_scopes
    assert (stored.is_usable, state_of(stored).code) == (True, "cannot_write")
    entry = AuditEntry.objects.get()
    assert (entry.action, entry.data["scopes"]) == ("integration.scopes_lost", ["ads_management"])


@pytest.mark.parametrize(
    ("subcode", "code"),
    [
        (458, "app_removed"),
        (459, "checkpoint"),
        (460, "password_changed"),
        (463, "expired"),
        (467, "signed_out"),
        (492, "role_lost"),
        (493, "data_access_ended"),
    ],
)
def test_what_happened_at_facebook_is_known_within_a_day_and_told_once(
    acme: Tenant, ana: Actor, stand_in: StandIn, subcode: int, code: str
) -> None:
    integration = asked_about(acme, stand_in)
    sealed = integration.api_key
    stand_in.control(invalidate_token={"user": "ana", "subcode": subcode})
    for _ in range(3):
        Integration.objects.update(last_checked_at=ends_in(-1))
        refresh(integration_id=integration.pk)
    stored = reread(integration)
    kept = "" if stored.status == "revoked" else sealed
    assert (state_of(stored).code, stored.is_usable, stored.api_key) == (code, False, kept)
    assert Notice.objects.get().user_id == ana.user_id


def test_person_who_confirmed_the_account_works_again(acme: Tenant, stand_in: StandIn) -> None:
    integration = asked_about(
        acme,
        stand_in,
        status="needs_reconnect",
        trouble="checkpoint",
        trouble_since=ends_in(-3),
    )
    refresh(integration_id=integration.pk)
    assert (reread(integration).status, reread(integration).trouble) == ("connected", "")
    assert AuditEntry.objects.get().action == "integration.works_again"


def test_token_of_somebody_else_is_not_used(acme: Tenant, stand_in: StandIn) -> None:
    integration = asked_about(acme, stand_in)
    Integration.objects.update(meta_user_id="999")
    refresh(integration_id=integration.pk)
    assert state_of(reread(integration)).code == "wrong_person"
    assert not reread(integration).is_usable


@pytest.mark.parametrize("days", [3, 40])
def test_wrong_app_secret_is_not_a_question_for_the_person(
    acme: Tenant, ana: Actor, stand_in: StandIn, quick: None, settings: Any, days: int
) -> None:
    integration = asked_about(acme, stand_in, expires_at=ends_in(days))
    settings.META_APP_SECRET = "not-the-secret"
    refresh(integration_id=integration.pk)
    stored = reread(integration)
    assert (state_of(stored).code, stored.is_usable) == ("app_settings", True)
    assert not Notice.objects.exists()


def test_meta_down_for_a_day_costs_nothing_and_is_said(
    acme: Tenant, stand_in: StandIn, quick: None
) -> None:
    integration = asked_about(acme, stand_in)
    stand_in.control(html_error={"path": "debug_token", "times": 99})
    refresh(integration_id=integration.pk)
    assert state_of(reread(integration)).code == "working"
    with time_machine.travel(datetime.now(UTC) + 1.5 * DAYS):
        refresh(integration_id=integration.pk)
        assert state_of(reread(integration)).code == "meta_down"
        stand_in.control(clear_faults=True)
    with time_machine.travel(datetime.now(UTC) + 2.6 * DAYS):
        refresh(integration_id=integration.pk)
        assert state_of(reread(integration)).code == "working"
