"""The commands: what they print, whom they touch, and their exit code."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from integrations.days import today_of
from integrations.models import AdAccount, Integration, SyncRun
from leadmetrics.tenancy.models import Tenant
from tests.builders import make_ad_account, make_integration
from tests.conftest import StandIn
from tests.integrations.dance import ACME_EU, ACME_US, ANA


def run(*args: str, **options: Any) -> str:
    out = StringIO()
    call_command(*args, stdout=out, **options)
    return out.getvalue()


@pytest.fixture
def elsewhere(harbour: Tenant) -> AdAccount:
    return make_ad_account(make_integration(harbour))


def test_sync_catalog_prints_a_line_per_reading(
    grant: Integration, account: AdAccount, elsewhere: AdAccount
) -> None:
    lines = run("sync_catalog", "--tenant", "acme").splitlines()
    assert lines[0].startswith("acme: Ana Keller, Ad accounts and Pages: ")
    assert lines[1].startswith("acme: Ana Keller, Acme Outdoor EU: campaigns and audiences: ")
    assert len(lines) == 2
    assert account.ad_sets.exists()
    assert not elsewhere.integration.sync_runs.exists()


def test_sync_catalog_fails_with_what_could_not_be_read(
    grant: Integration, account: AdAccount, stand_in: StandIn
) -> None:
    stand_in.control(fail={"path": f"{ACME_EU}/campaigns", "code": 10, "status": 400, "times": 9})
    with pytest.raises(CommandError, match="1 could not be read"):
        run("sync_catalog")


def test_pull_insights_prints_a_line_per_account(grant: Integration, account: AdAccount) -> None:
    make_ad_account(grant, ad_account_id=ACME_US, enabled=False)
    (line,) = run("pull_insights").splitlines()
    today = today_of(account)
    assert line.startswith(f"acme: Acme Outdoor EU {today - timedelta(days=89)} to {today}: ")
    assert "90 of 90 days" in line


def test_pull_insights_takes_days(grant: Integration, account: AdAccount) -> None:
    out = run("pull_insights", "--since", "2026-09-01", "--until", "2026-09-10")
    assert "2026-09-01 to 2026-09-10: 10 of 10 days" in out
    assert account.insights.order_by("date_start").first().date_start.isoformat() == "2026-09-01"


def test_pull_insights_says_when_it_joined_an_open_pull(
    grant: Integration, account: AdAccount
) -> None:
    from integrations.services.insights import request_pull

    request_pull(account)
    assert "an open pull of these days was joined" in run("pull_insights", "--since", "2026-11-01")


def test_pull_insights_fails_when_one_is_incomplete(
    grant: Integration, account: AdAccount, stand_in: StandIn
) -> None:
    other = make_ad_account(grant, ad_account_id=ACME_US)
    stand_in.control(fail={"path": f"{ACME_EU}/insights", "code": 10, "status": 400, "times": 9})
    with pytest.raises(CommandError, match="1 of 2 could not be read completely"):
        run("pull_insights")
    assert other.insights.exists()


@pytest.mark.parametrize(
    ("args", "words"),
    [
        (["--since", "yesterday"], "not a day like"),
        (["--since", "2026-02-30"], "not a day like"),
        (["--since", "2026-09-02", "--until", "2026-09-01"], "later than the last day"),
        (["--since", "2999-01-01"], "later than the last day"),
        (["--until", "2999-01-01"], "still to come"),
        (["--since", "2020-01-01"], "37 months"),
        (["--account", "act_404"], "No ad account act_404 is known here"),
        (["--tenant", "nobody"], "nobody"),
    ],
)
def test_pull_insights_refuses_nonsense(elsewhere: AdAccount, args: list[str], words: str) -> None:
    with pytest.raises(CommandError, match=words):
        run("pull_insights", *args)
    assert not SyncRun.objects.exists()


@pytest.mark.parametrize(
    ("account", "grant", "words"),
    [
        ({"enabled": False}, {}, "is not used here"),
        ({"gone_at": datetime.now(UTC)}, {}, "no longer shared with Ana Keller"),
        ({}, {"status": "revoked"}, "cannot be read: access withdrawn at facebook"),
    ],
)
def test_pull_insights_says_why_an_account_is_not_read(
    acme: Tenant, account: dict[str, Any], grant: dict[str, Any], words: str
) -> None:
    make_ad_account(make_integration(acme, **grant), ad_account_id="act_9", **account)
    with pytest.raises(CommandError, match=words):
        run("pull_insights", "--account", "act_9")
    assert not SyncRun.objects.exists()


def test_pull_insights_takes_one_account(grant: Integration, account: AdAccount) -> None:
    make_ad_account(grant, ad_account_id=ACME_US)
    (line,) = run("pull_insights", "--account", ACME_EU).splitlines()
    assert "Acme Outdoor EU" in line


def test_nothing_to_do_is_said(db: None, acme: Tenant) -> None:
    assert run("pull_insights") == "No ad account is in use.\n"
    assert run("sync_catalog") == "No Facebook account is connected.\n"
    assert run("refresh_tokens") == "Nothing is due.\n"


def test_refresh_tokens_goes_on_after_one_that_fails(
    acme: Tenant, harbour: Tenant, stand_in: StandIn
) -> None:
    soon = datetime.now(UTC) + timedelta(days=1)
    broken = make_integration(acme, expires_at=soon, token="EAAnobody")
    foreign = make_integration(harbour, expires_at=soon)
    token = stand_in.control(sign_in={"user": "ana", "kind": "short"})["result"]["sign_in"]
    good = make_integration(
        acme, token=token, meta_user_id=ANA, expires_at=soon, granted_scopes=["ads_read"]
    )
    with pytest.raises(CommandError, match="1 of 2 need somebody"):
        run("refresh_tokens", "--tenant", "acme")
    for row in (broken, good, foreign):
        row.refresh_from_db()
    assert (broken.status, good.status) == ("needs_reconnect", "connected")
    assert foreign.last_checked_at is None


def test_graph_sandbox_says_where_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    from integrations.management.commands import graph_sandbox

    served: dict[str, Any] = {}
    monkeypatch.setattr(graph_sandbox, "serve", lambda **options: served.update(options))
    out = run("graph_sandbox", "--port", "8555", "--latency-ms", "100")
    assert out == "Stand-in Graph API on http://localhost:8555/sandbox/\n"
    assert (served["port"], served["latency_ms"]) == (8555, 100)


def test_graph_sandbox_names_a_busy_port(monkeypatch: pytest.MonkeyPatch) -> None:
    from integrations.management.commands import graph_sandbox

    def busy(**_options: Any) -> None:
        raise OSError(98, "Address already in use")

    monkeypatch.setattr(graph_sandbox, "serve", busy)
    with pytest.raises(CommandError, match="Port 8555 cannot be used"):
        run("graph_sandbox", "--port", "8555")
