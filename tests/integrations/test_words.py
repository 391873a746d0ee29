"""Every state of a grant has its label, what it means, and who must act."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine

from integrations.models import AdAccount
from integrations.words import asked_scopes, health_of, missing_scopes, status_note
from leadmetrics.tenancy.models import Tenant
from tests.builders import make_integration
from tests.integrations.conftest import SCOPES

NOW = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("status", "days", "fields", "label", "urgent", "words"),
    [
        ("connected", 51, {}, "Working", False, "Good until 14 Jan 2027; needs Ana Keller's click"),
        ("connected", None, {}, "Working", False, "does not end by itself"),
        (
            "connected",
            51,
            {"granted_scopes": ["ads_read"]},
            "Reads only",
            False,
            "cannot be created",
        ),
        ("connected", -1, {}, "Ended", True, "Ended on 23 Nov 2026"),
        ("expiring", 6.5, {}, "Ends soon", True, "Ends in 6 days, on 30 Nov 2026"),
        ("expiring", 1.5, {}, "Ends soon", True, "Ends tomorrow"),
        ("expiring", 0.1, {}, "Ends soon", True, "Ends today, on 24 Nov 2026"),
        ("expiring", -0.1, {}, "Ended", True, "until Ana Keller reconnects"),
        ("expired", -3, {}, "Ended", True, "nothing is lost"),
        ("expired", None, {}, "Ended", True, "Ended. Reports stand still"),
        ("revoked", 20, {}, "Access withdrawn", True, "removed this app"),
        (
            "needs_reconnect",
            20,
            {"trouble": "checkpoint"},
            "Facebook asks the person",
            True,
            "confirm the account",
        ),
        ("needs_reconnect", 20, {}, "Needs reconnecting", True, "no longer accepts"),
        ("disconnected", 20, {"granted_scopes": []}, "Disconnected", False, "erased here"),
        (
            "disconnected",
            20,
            {"granted_scopes": ["ads_read"], "last_checked_at": NOW},
            "Disconnected",
            False,
            "being withdrawn at Facebook",
        ),
        (
            "disconnected",
            20,
            {"granted_scopes": ["ads_read"], "last_checked_at": NOW - timedelta(days=2)},
            "Disconnected",
            False,
            "did not confirm",
        ),
    ],
)
def test_state_in_words(
    acme: Tenant,
    status: str,
    days: float | None,
    fields: dict[str, Any],
    label: str,
    urgent: bool,
    words: str,
) -> None:
    with time_machine.travel(NOW, tick=False):
        ends = NOW + timedelta(days=days) if days is not None else NOW
        integration = make_integration(
            acme, status=status, expires_at=ends, **{"granted_scopes": SCOPES, **fields}
        )
        if days is None:
            integration.metadata = {}
        health = health_of(integration)
    assert (health.label, health.is_urgent) == (label, urgent)
    assert words in health.sentence
    assert health.action in ("Reconnect", "Connect again")


def test_days_are_the_tenant_s(acme: Tenant) -> None:
    late = datetime(2027, 1, 14, 23, 30, tzinfo=UTC)
    assert (
        "15 Jan 2027"
        in health_of(make_integration(acme, expires_at=late, granted_scopes=SCOPES)).sentence
    )


@pytest.mark.parametrize("status", [*AdAccount.AccountStatus.values, 201])
def test_ad_account_that_cannot_run_ads_says_why(status: int) -> None:
    account = AdAccount(account_status=status)
    assert bool(status_note(account)) != account.can_run_ads
    assert "erformance can be read" in status_note(account) or account.can_run_ads


def test_each_permission_we_ask_for_has_words() -> None:
    assert [scope.name for scope in asked_scopes()] == SCOPES
    assert len({scope.purpose for scope in asked_scopes()}) == len(SCOPES)


def test_missing_permissions_are_those_not_given(acme: Tenant) -> None:
    integration = make_integration(acme, granted_scopes=SCOPES[1:])
    assert [scope.name for scope in missing_scopes(integration)] == ["ads_read"]
    assert missing_scopes(integration)[0].lost == "Performance cannot be read."


def test_unknown_permission_of_an_installation_is_still_named(acme: Tenant, settings: Any) -> None:
    settings.META_SCOPES = ["catalog_management"]
    (scope,) = missing_scopes(make_integration(acme))
    assert (scope.name, bool(scope.lost)) == ("catalog_management", True)
