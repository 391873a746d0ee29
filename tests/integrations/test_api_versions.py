"""The version of Meta's API: its end is said, and what answers say of it is kept."""

from __future__ import annotations

import logging
from datetime import date
from typing import Any

import pytest
from django.core.checks import run_checks
from django.test import Client
from django.urls import reverse

from integrations.api_versions import ENDS, NEWEST, version_problem
from integrations.models import AdAccount, Integration
from integrations.sandbox.schema import VERSIONS
from integrations.services.clients import meta_client
from leadmetrics.tenancy.models import Tenant
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
