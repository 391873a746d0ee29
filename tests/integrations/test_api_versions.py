"""The version of Meta's API: its end is said, and what answers say of it is kept."""

from __future__ import annotations

import html
import logging
from datetime import date
from typing import Any

import pytest
from django.core import mail
from django.core.checks import run_checks
from django.test import Client
from django.urls import reverse

from integrations.api_versions import ENDS, NEWEST, version_problem
from integrations.models import AdAccount, Integration
from integrations.sandbox.schema import VERSIONS
from integrations.services.clients import meta_client
from integrations.services.version_watch import VersionWatch, tell_of_version
from leadmetrics.notices.models import Notice
from leadmetrics.notices.services import send_notices
from leadmetrics.tenancy.actors import Actor
from leadmetrics.tenancy.models import Tenant
from tests.builders import make_integration, make_member, make_user
from tests.conftest import StandIn
from tests.integrations.conftest import page_text


@pytest.mark.parametrize(
    ("version", "today", "words", "has_ended"),
    [
        ("v26.0", date(2026, 11, 24), "", False),
        ("v19.0", date(2026, 11, 24), "ended on 4 Feb 2025", True),
        ("v24.0", date(2026, 10, 6), "ended on 6 Oct 2026", True),
        ("v24.0", date(2026, 9, 1), "ends on 6 Oct 2026", False),
        ("v24.0", date(2026, 1, 1), "", False),
        ("v99.0", date(2026, 11, 24), "no version", False),
    ],
)
def test_end_of_a_version_is_said(
    settings: Any, version: str, today: date, words: str, has_ended: bool
) -> None:
    settings.META_API_VERSION = version
    problem = version_problem(today)
    assert (problem is None) == (not words)
    if problem is not None:
        assert words in problem.text
        assert problem.has_ended == has_ended


def told() -> list[tuple[str, str]]:
    """Who was told of what, without the version."""
    rows = Notice.objects.order_by("pk").values_list("user__name", "key")
    return [(name, key.split(":", 2)[2]) for name, key in rows]


def test_the_end_is_told_in_time_each_step_once(
    settings: Any, acme: Tenant, ana: Actor, vera: Actor, harbour: Tenant
) -> None:
    settings.META_API_VERSION = "v24.0"
    make_integration(acme)
    make_member(harbour, "Hal")  # nothing is connected there
    make_user("Sam", "sam@support.example", is_staff=True)
    for today in (
        date(2026, 7, 7),  # 91 days before
        date(2026, 7, 8),
        date(2026, 8, 1),
        date(2026, 9, 6),
        date(2026, 9, 29),
        date(2026, 10, 6),
        date(2026, 10, 12),
        date(2026, 10, 13),
    ):
        for _ in range(2):
            tell_of_version(today)
    steps = ["ends:90", "ends:30", "ends:7", "ended:0", "ended:1"]
    assert told() == [pair for step in steps for pair in (("Sam", step), ("Ana", step))]


def test_the_mails_lead_to_the_next_step(settings: Any, acme: Tenant, ana: Actor) -> None:
    settings.META_API_VERSION = "v24.0"
    make_integration(acme)
    make_user("Sam", "sam@support.example", is_staff=True)
    make_user("Gone", "gone@support.example", is_staff=True, is_active=False)
    tell_of_version(date(2026, 9, 29))
    assert send_notices() == 2
    operators, admins = mail.outbox
    assert operators.to == ["sam@support.example"]
    assert operators.subject == "[Leadmetrics] Meta's API v24.0 ends on 6 Oct 2026."
    assert admins.subject == "[Acme Outdoor] Meta's API v24.0 ends on 6 Oct 2026."
    for message in mail.outbox:
        assert f"META_API_VERSION={NEWEST}" in message.body
    assert "/t/acme/connections/" in admins.body


def test_an_operator_who_is_none_any_more_gets_no_mail(settings: Any, db: None) -> None:
    settings.META_API_VERSION = "v24.0"
    sam = make_user("Sam", "sam@support.example", is_staff=True)
    tell_of_version(date(2026, 9, 29))
    sam.is_staff = False
    sam.save()
    assert send_notices() == 0
    assert Notice.objects.get().dropped_at is not None


def test_another_version_and_a_warning_are_told_once(
    settings: Any, acme: Tenant, ana: Actor
) -> None:
    make_integration(acme)
    for _ in range(3):
        VersionWatch().on_version("v27.0", "")
        tell_of_version()
    VersionWatch().on_version("v27.0", "This version is going away")
    tell_of_version()
    assert told() == [("Ana", "answered:v27.0"), ("Ana", "warned")]


@pytest.mark.parametrize(
    ("version", "words", "is_problem"),
    [
        ("v26.0", "Meta has announced no end.", False),
        ("v19.0", "has ended on 4 Feb 2025.", True),
    ],
)
def test_support_sees_the_end_on_every_admin_page(
    settings: Any, client: Client, db: None, version: str, words: str, is_problem: bool
) -> None:
    settings.META_API_VERSION = version
    client.force_login(make_user("Sam", "sam@support.example", is_staff=True))
    for page in ("admin:index", "admin:integrations_integration_changelist"):
        text = html.unescape(page_text(client.get(reverse(page))))
        assert words in text
        assert ("The operator sets META_API_VERSION" in text) == is_problem
    client.logout()
    assert words not in html.unescape(page_text(client.get(reverse("admin:login"), follow=True)))


def test_stand_in_keeps_the_same_calendar() -> None:
    assert {v: end.isoformat() if end else None for v, end in ENDS.items()} == {
        version: ends[1] for version, ends in VERSIONS.items()
    }
    assert max(ENDS) == NEWEST


def test_system_check_names_an_ended_version(settings: Any) -> None:
    settings.META_API_VERSION = "v19.0"
    (found,) = [m for m in run_checks() if m.id == "leadmetrics.W001"]
    assert NEWEST in found.hint


def test_warned_and_upgraded_answer_is_kept_logged_once_and_shown(
    settings: Any,
    stand_in: StandIn,
    grant: Integration,
    account: AdAccount,
    acme: Tenant,
    as_ana: Client,
    caplog: pytest.LogCaptureFixture,
) -> None:
    settings.META_API_VERSION = "v25.0"
    stand_in.control(auto_upgrade=["*"])
    assert list(meta_client(grant).list_campaigns(account.ad_account_id))
    assert version_problem() is None
    settings.META_API_VERSION = "v24.0"
    with caplog.at_level(logging.WARNING):
        for _ in range(3):
            list(meta_client(grant).list_campaigns(account.ad_account_id))
    assert len([r for r in caplog.records if "answered with version" in r.message]) == 1
    problem = version_problem(date(2026, 1, 1))
    assert problem is not None
    assert "v25.0 answers" in problem.text
    page = as_ana.get(reverse("connections:list", args=[acme.slug]))
    assert "META_API_VERSION" in page_text(page)
