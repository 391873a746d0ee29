"""Pulling performance from the stand-in, for the tests of the services."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from django.db.models import Sum

from integrations.meta_ads.errors import ErrorKind, MetaError
from integrations.meta_ads.transport import Transport
from integrations.models import AdAccount, SyncRun
from integrations.services.insights import pull_insights, request_pull
from tests.conftest import StandIn
from tests.integrations.dance import ACME_EU

Rows = list[dict[str, Any]]
REAL_READ = Transport.read
GRAPH = "http://graph.test/v26.0"


def pull(account: AdAccount, since: date | None = None, until: date | None = None) -> SyncRun:
    run = request_pull(account, since, until)
    pull_insights(run_id=run.pk)
    run.refresh_from_db()
    return run


def stored(account: AdAccount) -> Rows:
    """Every row without its key, in order."""
    rows = account.insights.order_by("date_start", "campaign_id").values()
    return [{name: value for name, value in row.items() if name != "id"} for row in rows]


def ledger(stand_in: StandIn, since: date, until: date) -> dict[str, Any]:
    answer: dict[str, Any] = stand_in.read(f"ledger?account={ACME_EU}&since={since}&until={until}")
    return answer


def cut_after(monkeypatch: pytest.MonkeyPatch, pages: int) -> None:
    """Lose the connection for good after so many requests."""
    real: Callable[..., Any] = Transport.read
    left = iter(range(pages))

    def read(self: Transport, *args: Any) -> Any:
        if next(left, None) is None:
            raise MetaError(ErrorKind.TRANSIENT)
        return real(self, *args)

    monkeypatch.setattr(Transport, "read", read)


def assert_equal_to_ledger(account: AdAccount, stand_in: StandIn, run: SyncRun) -> None:
    truth = ledger(stand_in, run.since, run.until)
    spend = account.insights.aggregate(Sum("spend"))["spend__sum"]
    # SQLite adds money up in floating point.
    assert (account.insights.count(), round(spend, 4)) == (truth["rows"], Decimal(truth["spend"]))
