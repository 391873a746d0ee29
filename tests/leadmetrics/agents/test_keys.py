"""Agents' keys: made, shown once, used, revoked."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.test import Client
from django.utils import timezone

from leadmetrics.agents import auth, services
from leadmetrics.agents.models import AgentKey
from leadmetrics.audit.models import AuditEntry
from leadmetrics.errors import InvalidInput, NotAllowed, NotFound, StateConflict
from leadmetrics.tenancy.actors import Actor, ActorKind
from leadmetrics.tenancy.models import Tenant
from tests.builders import make_agent_key

URL = "/t/acme/settings/keys/"


@pytest.fixture
def clock() -> Iterator[time_machine.Traveller]:
    with time_machine.travel(datetime(2026, 11, 24, 9, 30, tzinfo=UTC), tick=False) as traveller:
        yield traveller


@pytest.mark.parametrize(
    ("path", "method", "wrong"),
    [("", "get", "post"), ("create/", "post", "get"), ("1/revoke/", "post", "get")],
)
def test_keys_are_for_admins_of_this_workspace(
    as_ana: Client,
    as_ben: Client,
    as_olga: Client,
    client: Client,
    path: str,
    method: str,
    wrong: str,
) -> None:
    assert getattr(as_ben, method)(URL + path).status_code == 403
    assert getattr(as_olga, method)(URL + path).status_code == 404
    assert getattr(client, method)(URL + path).headers["Location"].startswith("/sign-in/")
    assert getattr(as_ana, wrong)(URL + path).status_code == 405


def test_a_key_is_shown_once_and_only_its_hash_is_kept(acme: Tenant, as_ana: Client) -> None:
    page = as_ana.post(URL + "create/", {"name": "Copy agent"}).content.decode()

    (secret,) = set(re.findall(r"lm_[\w-]{43}", page))
    key = AgentKey.objects.get()
    assert (key.tenant, key.name, key.key_hash) == (acme, "Copy agent", auth.hash_key(secret))
    assert secret.startswith(key.prefix)
    assert f'data-copy="{secret}"' in page
    assert "curl -s" in page
    kept = str(AgentKey.objects.values()) + str(AuditEntry.objects.values())
    assert secret not in kept + as_ana.get(URL).content.decode() + str(as_ana.session.items())
    entry = AuditEntry.objects.get()
    assert (entry.action, entry.data["name"]) == ("key.created", "Copy agent")


def test_a_made_key_comes_in(acme: Tenant, ana: Actor) -> None:
    key, secret = services.create_key(actor=ana, name="Copy agent")

    found = auth.authenticate(secret)

    assert found == (key, Actor(ActorKind.AGENT, "Copy agent", acme.pk, key_id=key.pk))
    assert key.expires_at - timezone.now() > timedelta(days=89)


@pytest.mark.parametrize("name", ["", "   ", "x" * 81])
def test_a_key_needs_a_name(acme: Tenant, ana: Actor, as_ana: Client, name: str) -> None:
    with pytest.raises(InvalidInput):
        services.create_key(actor=ana, name=name)
    assert as_ana.post(URL + "create/", {"name": name}).status_code == 422
    assert not AgentKey.objects.exists()


def test_only_admins_make_and_revoke_keys(acme: Tenant, ana: Actor, ben: Actor) -> None:
    key, _ = make_agent_key(acme, ana)
    agent = Actor(ActorKind.AGENT, "Copy agent", acme.pk, key_id=key.pk)

    with pytest.raises(NotAllowed):
        services.create_key(actor=ben, name="Mine")
    with pytest.raises(NotAllowed):
        services.revoke_key(actor=ben, key_id=key.pk)
    with pytest.raises(NotFound):
        services.create_key(actor=agent, name="A key by a key")


def test_a_revoked_key_stops_at_once_and_for_good(acme: Tenant, ana: Actor, as_ana: Client) -> None:
    key, secret = make_agent_key(acme, ana)

    answer = as_ana.post(f"{URL}{key.pk}/revoke/")

    assert answer.headers["Location"] == URL
    assert auth.authenticate(secret) is None
    assert "Revoked" in as_ana.get(URL).content.decode()
    with pytest.raises(StateConflict):
        services.revoke_key(actor=ana, key_id=key.pk)
    assert as_ana.post(f"{URL}{key.pk}/revoke/").status_code == 302
    assert list(AuditEntry.objects.values_list("action", flat=True)) == ["key.revoked"]


def test_another_workspaces_key_cannot_be_revoked(
    harbour: Tenant, olga: Actor, as_ana: Client
) -> None:
    key, secret = make_agent_key(harbour, olga)

    assert as_ana.post(f"{URL}{key.pk}/revoke/").status_code == 404
    assert auth.authenticate(secret) is not None


def test_an_expired_key_does_not_come_in(
    acme: Tenant, ana: Actor, clock: time_machine.Traveller
) -> None:
    _, secret = services.create_key(actor=ana, name="Copy agent")

    clock.shift(timedelta(days=90) - timedelta(seconds=1))
    assert auth.authenticate(secret) is not None
    clock.shift(1)
    assert auth.authenticate(secret) is None


@pytest.mark.parametrize(
    "change",
    [
        lambda secret: secret[:-1],
        lambda secret: secret + "x",
        lambda secret: secret.upper(),
        lambda secret: secret.removeprefix("lm_"),
        lambda secret: f" {secret}",
        lambda _: "",
        lambda _: "lm_",
        lambda _: "lm_" + "x" * 5000,
        lambda _: "lm_\u0000é",
    ],
)
def test_every_other_text_is_no_key(acme: Tenant, ana: Actor, change: Any) -> None:
    _, secret = services.create_key(actor=ana, name="Copy agent")

    assert auth.authenticate(change(secret)) is None


def test_the_stored_hash_is_no_key(acme: Tenant, ana: Actor) -> None:
    key, _ = make_agent_key(acme, ana)

    assert auth.authenticate(key.key_hash) is None
    assert auth.authenticate(f"lm_{key.key_hash}") is None


def test_last_use_is_noted_at_most_once_a_minute(
    acme: Tenant, ana: Actor, clock: time_machine.Traveller, django_assert_num_queries: Any
) -> None:
    key, secret = make_agent_key(acme, ana)
    first = timezone.now()

    auth.authenticate(secret)
    clock.shift(59)
    with django_assert_num_queries(1):
        auth.authenticate(secret)
    key.refresh_from_db()
    assert key.last_used_at == first

    clock.shift(1)
    auth.authenticate(secret)
    key.refresh_from_db()
    assert key.last_used_at == first + timedelta(seconds=60)


def test_a_key_may_ask_sixty_times_a_minute(
    acme: Tenant, ana: Actor, clock: time_machine.Traveller
) -> None:
    key, _ = make_agent_key(acme, ana)
    other, _ = make_agent_key(acme, ana)

    assert [auth.allow(key) for _ in range(61)] == [True] * 60 + [False]
    assert auth.allow(other)
    clock.shift(60)
    assert auth.allow(key, cost=60)
    assert not auth.allow(key)


def test_a_key_may_propose_two_thousand_variants_a_day(
    acme: Tenant, ana: Actor, clock: time_machine.Traveller
) -> None:
    key, _ = make_agent_key(acme, ana)

    assert auth.allow_proposals(key, 1800)
    assert auth.allow_proposals(key, 200)
    assert not auth.allow_proposals(key, 1)
    clock.shift(timedelta(days=1))
    assert auth.allow_proposals(key, 2000)


def test_the_page_lists_live_keys_first_in_few_queries(
    acme: Tenant, ana: Actor, as_ana: Client, django_assert_max_num_queries: Any
) -> None:
    past = timezone.now() - timedelta(days=1)
    make_agent_key(acme, ana, name="Revoked one", revoked_at=past)
    for number in range(20):
        make_agent_key(acme, ana, name=f"Live {number}")
    make_agent_key(acme, ana, name="Expired one", expires_at=past)

    with django_assert_max_num_queries(11):
        page = as_ana.get(URL).content.decode()

    assert page.index("Live 0") < page.index("Expired one")
    assert page.index("Live 0") < page.index("Revoked one")
    assert "20 live API keys" in page


def test_an_empty_page_says_what_keys_are_for(as_ana: Client) -> None:
    assert "No key yet" in as_ana.get(URL).content.decode()
