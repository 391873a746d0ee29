"""Keys are rotated while tokens are read, refreshed and let go: none is lost, all open."""

from __future__ import annotations

import json
import os
import random
import signal
import threading
import warnings
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import responses
from django.db import connection, connections

from integrations.models import Integration
from integrations.services import rekey
from integrations.services.clients import open_token
from integrations.services.connect import disconnect
from integrations.services.rekey import rekey_tokens, tokens_under_old_keys
from integrations.services.tokens import refresh
from leadmetrics import crash_points, crypto
from leadmetrics.tenancy.actors import Actor
from leadmetrics.tenancy.models import Tenant
from tests.builders import make_integration, make_user

GRAPH = "http://graph.test/v26.0"
ROWS = 60
POINTS = ("rekey.sealed", "rekey.committed")


class Killed(BaseException):
    """The rotation ended here."""


@pytest.fixture
def keys(settings: Any) -> Iterator[Callable[..., None]]:
    """Puts a new key in front of the old one; with ``alone`` the old one is taken away."""
    settings.META_API_BASE_URL = "http://graph.test"
    old = settings.ENCRYPTION_KEYS

    def set_keys(*, alone: bool = False) -> None:
        settings.ENCRYPTION_KEYS = {"k2": b"2" * 32, **({} if alone else old)}

    yield set_keys
    crash_points.handler = None


@pytest.fixture
def meta(settings: Any) -> Iterator[responses.RequestsMock]:
    """Exchanges EAA<n> for EAA<n>new, for person <n>, good for sixty days."""

    def exchange(request: Any) -> tuple[int, dict[str, str], str]:
        old = parse_qs(urlsplit(request.url).query)["fb_exchange_token"][0]
        return 200, {}, json.dumps({"access_token": f"{old}new", "expires_in": 5183944})

    def inspect(request: Any) -> tuple[int, dict[str, str], str]:
        token = parse_qs(urlsplit(request.url).query)["input_token"][0]
        data = {
            "app_id": settings.META_APP_ID,
            "user_id": token.removeprefix("EAA").removesuffix("new"),
            "is_valid": True,
            "type": "USER",
            "scopes": ["ads_read"],
            "expires_at": int((datetime.now(UTC) + timedelta(days=60)).timestamp()),
        }
        return 200, {}, json.dumps({"data": data})

    with responses.RequestsMock(assert_all_requests_are_fired=False) as mock:
        mock.add_callback(responses.GET, f"{GRAPH}/oauth/access_token", callback=exchange)
        mock.add_callback(responses.GET, f"{GRAPH}/debug_token", callback=inspect)
        yield mock


def make_rows(tenant: Tenant, count: int = ROWS) -> list[Integration]:
    """Grants that are due, whose tokens are EAA<n>."""
    owner = make_user("Owner")
    return [
        make_integration(
            tenant,
            token=f"EAA{number}",
            meta_user_id=str(number),
            status="expiring",
            expires_at=datetime.now(UTC) + timedelta(days=5),
            granted_scopes=["ads_read"],
            connected_by=owner,
        )
        for number in range(count)
    ]


def on_visit(number: int, do: Callable[[], None]) -> Callable[[str], None]:
    """A handler that acts when a point of the rotation is reached for the ``number``-th time."""
    visits = iter(range(1, 1_000_000))

    def handler(name: str) -> None:
        if name in POINTS and next(visits) == number:
            do()

    return handler


def kill() -> None:
    raise Killed


def tokens() -> dict[str, str]:
    """The opened token of every grant that has one, by person."""
    rows = Integration.objects.exclude(api_key="")
    return {row.meta_user_id: open_token(row).reveal() for row in rows}


@pytest.mark.django_db(transaction=True)
def test_rotation_under_load_loses_no_token(
    acme: Tenant, keys: Any, meta: responses.RequestsMock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rekey, "BATCH", 7)
    rows = make_rows(acme)
    keys()
    stop, read, failed = threading.Event(), [0, 0], list[str]()

    def reader(slot: int) -> None:
        dice = random.Random(slot)
        while not stop.is_set():
            row = Integration.objects.get(pk=dice.choice(rows).pk)
            try:
                found = open_token(row).reveal()
                if found not in (f"EAA{row.meta_user_id}", f"EAA{row.meta_user_id}new"):
                    failed.append(f"{row.meta_user_id} opens as another's")
            except crypto.CannotDecrypt:
                failed.append(row.meta_user_id)
            read[slot] += 1

    def refresher(half: int) -> None:
        for row in rows[half::4]:
            refresh(integration_id=row.pk)

    def on_its_own_connection(work: Callable[[int], None], number: int) -> None:
        try:
            work(number)
        finally:
            connection.close()

    threads = [
        threading.Thread(target=on_its_own_connection, args=(work, number))
        for work in (refresher, reader)
        for number in range(2)
    ]
    for thread in threads:
        thread.start()
    try:
        for visit in (1, 2, 9, 12, 5):
            crash_points.handler = on_visit(visit, kill)
            with pytest.raises(Killed):
                rekey_tokens()
        crash_points.handler = None
        for thread in threads[:2]:
            thread.join()
        result = rekey_tokens()
    finally:
        stop.set()
        for thread in threads:
            thread.join()

    assert failed == []
    assert min(read) > 10
    assert (result.unreadable, tokens_under_old_keys()) == (0, 0)
    keys(alone=True)
    opened = tokens()
    assert len(opened) == ROWS
    refreshed = {row.meta_user_id for half in range(2) for row in rows[half::4]}
    assert opened == {
        row.meta_user_id: f"EAA{row.meta_user_id}{'new' * (row.meta_user_id in refreshed)}"
        for row in rows
    }


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    ("visit", "left"), [(1, 10), (3, 10), (4, 7), (5, 7), (8, 4), (11, 4), (12, 1), (14, 0)]
)
def test_killed_rotation_goes_on_where_it_was(
    acme: Tenant, keys: Any, monkeypatch: pytest.MonkeyPatch, visit: int, left: int
) -> None:
    """A process of its own, killed by SIGKILL at the point; every token opens before and after."""
    monkeypatch.setattr(rekey, "BATCH", 3)
    make_rows(acme, 10)
    keys()
    connections.close_all()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        child = os.fork()
    if child == 0:
        crash_points.handler = on_visit(visit, lambda: os.kill(os.getpid(), signal.SIGKILL))
        try:
            rekey_tokens()
        finally:
            os._exit(1)  # it should not have lived so long
    _, status = os.waitpid(child, 0)
    assert os.WIFSIGNALED(status)

    assert tokens_under_old_keys() == left
    assert tokens() == {str(number): f"EAA{number}" for number in range(10)}
    assert rekey_tokens().done == left
    keys(alone=True)
    assert tokens() == {str(number): f"EAA{number}" for number in range(10)}


def test_refresh_between_reading_and_writing_wins(
    acme: Tenant, keys: Any, meta: responses.RequestsMock
) -> None:
    (row,) = make_rows(acme, 1)
    keys()
    crash_points.handler = on_visit(1, lambda: refresh(integration_id=row.pk))
    result = rekey_tokens()
    assert (result.done, result.overtaken) == (0, 1)
    keys(alone=True)
    assert tokens() == {"0": "EAA0new"}


def test_letting_go_between_reading_and_writing_wins(acme: Tenant, ana: Actor, keys: Any) -> None:
    (row,) = make_rows(acme, 1)
    keys()
    crash_points.handler = on_visit(1, lambda: disconnect(actor=ana, integration_id=row.pk))
    assert rekey_tokens().overtaken == 1
    row.refresh_from_db()
    assert row.api_key == ""


def test_rotation_during_a_refresh_costs_neither(
    acme: Tenant, keys: Any, meta: responses.RequestsMock
) -> None:
    """The refresh has read the row under the old key; meanwhile all is sealed anew."""
    (row,) = make_rows(acme, 1)

    def rotated(request: Any) -> tuple[int, dict[str, str], str]:
        keys()
        assert rekey_tokens().done == 1
        return 200, {}, json.dumps({"access_token": "EAA0new", "expires_in": 5183944})

    meta.remove(responses.GET, f"{GRAPH}/oauth/access_token")
    meta.add_callback(responses.GET, f"{GRAPH}/oauth/access_token", callback=rotated)
    refresh(integration_id=row.pk)
    keys(alone=True)
    assert tokens() == {"0": "EAA0new"}
