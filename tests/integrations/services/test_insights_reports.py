"""Reports that Meta prepares: asked for, resumed, halved, and lost."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
import time_machine

from integrations.models import (
    AdAccount,
    SyncRun,
)
from integrations.services import windows
from integrations.services.insights import (
    pull_insights,
    request_pull,
)
from tests.conftest import StandIn
from tests.integrations.dance import ACME_EU
from tests.integrations.services.pulls import (
    assert_equal_to_ledger,
    pull,
)

pytestmark = pytest.mark.usefixtures("usual_time")


@pytest.fixture
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """A report is looked after at once."""
    monkeypatch.setattr(windows, "FIRST_LOOK", 0.01)


def too_large(stand_in: StandIn, times: int = 1) -> None:
    """What the next direct queries are told."""
    path = f"{ACME_EU}/insights"
    fault = {"path": path, "method": "GET", "code": 100, "subcode": 1487534, "status": 400}
    stand_in.control(fail={**fault, "times": times})


def test_query_that_is_too_large_is_read_as_a_report(
    account: AdAccount, stand_in: StandIn, soon: None
) -> None:
    too_large(stand_in)
    run = pull(account)
    assert (run.state, run.days_done, run.reports) == ("complete", 90, {})
    assert_equal_to_ledger(account, stand_in, run)


def test_report_is_gone_on_with_after_a_restart(
    account: AdAccount, stand_in: StandIn, soon: None
) -> None:
    too_large(stand_in)
    run = request_pull(account)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(windows, "FIRST_LOOK", 60.0)
        pull_insights(run_id=run.pk)
    run.refresh_from_db()
    ((name, report_id),) = run.reports.items()
    assert (run.state, name.split()[0]) == ("waiting", "campaign")
    assert run.lease_until > datetime.now(UTC)
    with time_machine.travel(run.lease_until):
        pull_insights(run_id=run.pk)
    run.refresh_from_db()
    assert (run.state, run.reports) == ("complete", {})
    assert report_id
    assert_equal_to_ledger(account, stand_in, run)


@pytest.mark.parametrize("mode", ["fail", "skip"])
def test_report_that_fails_is_asked_for_in_smaller_parts(
    account: AdAccount, stand_in: StandIn, soon: None, mode: str
) -> None:
    too_large(stand_in)
    stand_in.control(async_reports=mode)
    run = pull(account)
    assert (run.state, run.days_done) == ("complete", 90)
    assert_equal_to_ledger(account, stand_in, run)


def test_report_that_meta_lost_is_asked_for_anew(
    account: AdAccount, stand_in: StandIn, soon: None
) -> None:
    run = request_pull(account)
    days = f"{run.until - timedelta(days=6)} {run.until}"
    SyncRun.objects.update(reports={f"campaign {days}": "999"})
    pull_insights(run_id=run.pk)
    run.refresh_from_db()
    assert (run.state, run.reports) == ("complete", {})
    assert_equal_to_ledger(account, stand_in, run)
