"""The doctor says what the pages say, exits with 1 when something is wrong, and leaks nothing."""

from __future__ import annotations

import base64
from datetime import UTC, datetime, timedelta
from io import StringIO
from typing import Any

import pytest
import time_machine
from django.core.management import call_command
from django.core.management.base import CommandError
from django.test import Client
from django_q.models import Task

from integrations.models import Integration
from integrations.services.clients import open_token
from integrations.words import health_of
from leadmetrics import queue
from leadmetrics.schedules import SCHEDULES
from leadmetrics.tenancy.models import Tenant
from tests.builders import TOKEN, make_integration, make_user
from tests.integrations.conftest import SCOPES


def run(name: str, *args: str) -> tuple[str, str]:
    """What the command wrote, and why it failed (empty: it did not)."""
    out = StringIO()
    try:
        call_command(name, *args, stdout=out)
    except CommandError as exc:
        return out.getvalue(), str(exc)
    return out.getvalue(), ""


def test_nothing_wrong_is_said(acme: Tenant) -> None:
    make_integration(acme, granted_scopes=SCOPES)
    assert run("doctor") == ("Nothing is wrong.\n", "")


def test_findings_are_those_of_the_pages(acme: Tenant, harbour: Tenant) -> None:
    broken = make_integration(acme, status="revoked", trouble="password_changed")
    make_integration(harbour, status="expired")
    said, failure = run("doctor", "--tenant", "acme")
    assert failure == "1 finding."
    health = health_of(broken)
    assert health.sentence in said
    assert health.next_step in said
    assert "harbour" not in said
    assert TOKEN not in said
    assert "@" not in said
    assert run("doctor")[1] == "2 findings."


def test_ended_version_is_a_finding(acme: Tenant, settings: Any) -> None:
    settings.META_API_VERSION = "v19.0"
    said, failure = run("doctor")
    assert (said.count("META_API_VERSION"), failure) == (1, "1 finding.")


# --- keys ----------------------------------------------------------------------------------------
@pytest.fixture
def new_key(settings: Any) -> None:
    """A second key in front of the one that sealed what is stored."""

    def put_in_front() -> None:
        settings.ENCRYPTION_KEYS = {"k2": b"2" * 32, **settings.ENCRYPTION_KEYS}

    return put_in_front  # type: ignore[return-value]


def test_rotation_seals_all_anew_and_says_so(acme: Tenant, new_key: Any, settings: Any) -> None:
    grants = [make_integration(acme, token=f"EAAtoken{number}") for number in range(3)]
    new_key()
    assert "3 tokens" in run("rotate_encryption_keys", "--dry-run")[0]
    said, failure = run("rotate_encryption_keys")
    assert (said.startswith("3 sealed anew"), failure) == (True, "")
    assert run("rotate_encryption_keys")[0].startswith("0 sealed anew")
    settings.ENCRYPTION_KEYS = {"k2": settings.ENCRYPTION_KEYS["k2"]}
    for number, grant in enumerate(grants):
        grant.refresh_from_db()
        assert open_token(grant).reveal() == f"EAAtoken{number}"


def test_row_that_nobody_can_open_is_counted_and_left_alone(acme: Tenant, new_key: Any) -> None:
    make_integration(acme)
    broken = make_integration(acme)
    unreadable = "v1.k0." + base64.b64encode(b"x" * 40).decode()
    Integration.objects.filter(pk=broken.pk).update(api_key=unreadable)
    new_key()
    said, failure = run("rotate_encryption_keys")
    assert "1 sealed anew" in said
    assert failure.startswith("1 cannot be opened")
    broken.refresh_from_db()
    assert broken.api_key == unreadable


def test_a_worker_that_starts_nothing_any_more_is_a_finding(acme: Tenant, client: Client) -> None:
    queue.install_schedules(SCHEDULES)
    assert run("doctor") == ("Nothing is wrong.\n", "")
    with time_machine.travel(datetime.now(UTC) + timedelta(minutes=11)):
        assert "Worker: Nothing has started by itself since" in run("doctor")[0]
        client.force_login(make_user("Sam", is_staff=True, is_superuser=True))
        assert "Nothing has started by itself since" in client.get("/admin/").content.decode()


@pytest.mark.parametrize(("hours", "is_told"), [(25, False), (27, True)])
def test_a_day_without_a_refresh_that_ended_well_is_a_finding(
    acme: Tenant, hours: int, is_told: bool
) -> None:
    for name, ago, success in (("good", hours, True), ("bad", 1, False)):
        at = datetime.now(UTC) - timedelta(hours=ago)
        Task.objects.create(
            id=name, name=name, func="f", group="Refresh tokens", started=at, stopped=at,
            success=success,
        )  # fmt: skip
    said, _ = run("doctor")
    assert ("“Refresh tokens” has not ended well" in said) == is_told
