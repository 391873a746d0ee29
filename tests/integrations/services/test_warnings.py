"""People are told before a grant ends: once per step, and with what would wait."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from integrations.models import Integration
from integrations.services.warnings import warn_in_time
from leadmetrics.notices.models import Notice
from leadmetrics.tenancy.actors import Actor
from leadmetrics.tenancy.models import Membership, Tenant
from tests.builders import (
    make_decision,
    make_integration,
    make_push,
    make_push_target,
    make_variant,
)

NOW = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)
DAY = timedelta(days=1)


def test_each_step_speaks_once(acme: Tenant, ana: Actor, ben: Actor) -> None:
    make_integration(acme, expires_at=NOW + 20 * DAY)
    told = [20 - day for day in range(22) for _ in range(2) if warn_in_time(NOW + day * DAY)]
    assert told == [14, 7, 3, 1, 0]
    assert {notice.user_id for notice in Notice.objects.all()} == {ana.user_id}
    assert "ends today" in Notice.objects.order_by("pk").last().subject


@pytest.mark.parametrize(
    ("count", "words"),
    [
        (0, "No approved ad waits for it now."),
        (1, "1 approved ad would wait."),
        (9, "9 approved ads would wait."),
    ],
)
def test_the_mail_says_what_would_wait(
    acme: Tenant, ana: Actor, ben: Actor, count: int, words: str
) -> None:
    target = make_push_target(acme)
    ends = {"tokenExpiresAt": (NOW + 3 * DAY).isoformat()}
    Integration.objects.update(metadata=ends)
    for _ in range(count):
        make_push(make_decision(make_variant(target), ben))
    warn_in_time(NOW)
    assert words in Notice.objects.get(user_id=ana.user_id, key__startswith="grant-ends").body


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({"data_access_expires_at": NOW + 7 * DAY}, 1),
        ({"status": "disconnected"}, 0),
        ({"status": "revoked"}, 0),
        ({"metadata": {}}, 0),
    ],
)
def test_the_clock_that_ends_first_counts(
    acme: Tenant, ana: Actor, fields: dict[str, Any], told: int
) -> None:
    make_integration(acme, expires_at=NOW + 50 * DAY, **fields)
    assert warn_in_time(NOW) == told


def test_business_s_own_token_is_extended_without_anybody(acme: Tenant, ana: Actor) -> None:
    make_integration(acme, expires_at=NOW + 12 * DAY, is_system_user=True)
    assert (warn_in_time(NOW), warn_in_time(NOW + 6 * DAY)) == (0, 1)


def test_who_connected_is_told_while_a_member(acme: Tenant, ana: Actor) -> None:
    integration = make_integration(acme, expires_at=NOW + DAY)
    assert warn_in_time(NOW) == 1
    Notice.objects.all().delete()
    Membership.objects.create(tenant=acme, user=integration.connected_by, role="viewer")
    assert warn_in_time(NOW) == 2


def test_a_new_end_begins_a_new_ladder(acme: Tenant, ana: Actor) -> None:
    integration = make_integration(acme, expires_at=NOW + 2 * DAY)
    assert warn_in_time(NOW) == 1
    later = (NOW + 62 * DAY).isoformat()
    Integration.objects.filter(pk=integration.pk).update(metadata={"tokenExpiresAt": later})
    assert (warn_in_time(NOW), warn_in_time(NOW + 60 * DAY)) == (0, 1)
