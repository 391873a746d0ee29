"""Each state a token can be in has its label, whose turn it is, and the next step."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from integrations.models import Integration
from integrations.token_states import STATES, Owner, state_of
from integrations.words import health_of
from leadmetrics.tenancy.models import Tenant
from tests.builders import make_integration
from tests.integrations.conftest import SCOPES

NOW = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)
DAY = timedelta(days=1)
HELD = {"status": "disconnected", "granted_scopes": ["ads_read"]}

# What is stored, the state it means, whose turn it is, and whether the token may be used.
TABLE: list[tuple[str, dict[str, Any], str, bool]] = [
    ("working", {}, "Nobody needs to act", True),
    ("endless", {"metadata": {}}, "Nobody needs to act", True),
    ("in_part", {"granted_scopes": SCOPES[:2]}, "Ana Keller", True),
    ("cannot_write", {"granted_scopes": ["ads_read"]}, "Ana Keller", True),
    ("cannot_read", {"granted_scopes": ["pages_show_list"]}, "Ana Keller", True),
    ("ends_soon", {"status": "expiring", "ends": 6.5}, "Ana Keller", True),
    (
        "not_extended",
        {"status": "expiring", "ends": 5, "trouble": "not_extended"},
        "Ana Keller",
        True,
    ),
    ("data_access_soon", {"data_access_expires_at": NOW + 3 * DAY}, "Ana Keller", True),
    ("expired", {"ends": -0.1}, "Ana Keller", True),
    ("expired", {"status": "expired"}, "Ana Keller", False),
    ("data_access_ended", {"data_access_expires_at": NOW - DAY}, "Ana Keller", True),
    (
        "data_access_ended",
        {"status": "needs_reconnect", "trouble": "data_access"},
        "Ana Keller",
        False,
    ),
    ("app_removed", {"status": "revoked", "trouble": "app_removed"}, "Ana Keller", False),
    ("password_changed", {"status": "revoked", "trouble": "password_changed"}, "Ana Keller", False),
    ("signed_out", {"status": "revoked", "trouble": "signed_out"}, "Ana Keller", False),
    ("checkpoint", {"status": "needs_reconnect", "trouble": "checkpoint"}, "Ana Keller", False),
    (
        "role_lost",
        {"status": "needs_reconnect", "trouble": "role_lost"},
        "An admin of the ad account or Page",
        False,
    ),
    (
        "wrong_person",
        {"status": "needs_reconnect", "trouble": "wrong_person"},
        "An admin of this workspace",
        False,
    ),
    ("refused", {"status": "needs_reconnect"}, "Ana Keller", False),
    ("undecryptable", {"trouble": "undecryptable"}, "Whoever runs this installation", True),
    ("app_settings", {"trouble": "app_settings"}, "Whoever runs this installation", True),
    ("app_off", {"trouble": "app_off"}, "Whoever runs this installation", True),
    ("version_ended", {"trouble": "version"}, "Whoever runs this installation", True),
    ("meta_down", {"trouble": "unreachable", "trouble_since": NOW - 2 * DAY}, "Meta", True),
    ("working", {"trouble": "unreachable", "trouble_since": NOW}, "Nobody needs to act", True),
    ("withdrawing", {**HELD, "last_checked_at": NOW}, "Nobody needs to act", False),
    ("left_at_meta", {**HELD, "last_checked_at": NOW - 2 * DAY}, "Ana Keller", False),
    (
        "disconnected",
        {"status": "disconnected", "granted_scopes": []},
        "Nobody needs to act",
        False,
    ),
]


def stored(tenant: Tenant, ends: float = 51, **fields: Any) -> Integration:
    return make_integration(
        tenant, expires_at=NOW + ends * DAY, **{"granted_scopes": SCOPES, **fields}
    )


@pytest.mark.parametrize(("code", "fields", "owner", "is_usable"), TABLE)
def test_what_is_stored_means_one_state(
    acme: Tenant,
    code: str,
    fields: dict[str, Any],
    owner: str,
    is_usable: bool,
    time_machine: Any,
) -> None:
    time_machine.move_to(NOW, tick=False)
    integration = stored(acme, **fields)
    health = health_of(integration)
    assert (state_of(integration).code, health.code) == (code, code)
    assert (health.owner, integration.is_usable) == (owner, is_usable)
    assert health.label
    assert health.next_step
    assert "{" not in f"{health.label}{health.sentence}{health.next_step}"


def test_the_table_knows_every_state() -> None:
    assert {code for code, *_ in TABLE} == set(STATES)
    assert len(STATES) >= 14


def test_who_need_not_act_is_not_asked_to_reconnect() -> None:
    """A wrong app secret, an outage or a lost key is never the connected person's doing."""
    for state in STATES.values():
        if state.owner in (Owner.OPERATOR, Owner.META, Owner.NOBODY):
            assert not state.asks_reconnect, state.code


@pytest.mark.parametrize(
    ("token_days", "data_days", "code"),
    [(5, 3, "data_access_soon"), (3, 5, "ends_soon"), (3, 30, "ends_soon")],
)
def test_the_clock_that_ends_first_speaks(
    acme: Tenant, token_days: int, data_days: int, code: str
) -> None:
    integration = stored(acme, token_days, data_access_expires_at=NOW + data_days * DAY)
    assert state_of(integration, NOW).code == code
    assert integration.works_until == NOW + min(token_days, data_days) * DAY
