"""What the address of a report asks for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import urlencode

from django.urls import reverse

from leadmetrics.errors import NotFound
from leadmetrics.reports.accounts import Account, day_begun_anywhere, day_begun_everywhere
from leadmetrics.reports.exports import DEFAULT_SORT, METRICS, SORT_KEYS
from leadmetrics.reports.periods import DEFAULT, Period, read_period
from leadmetrics.tenancy.middleware import TenantRequest


@dataclass(frozen=True, slots=True)
class ReportQuery:
    """What the address of a report asks for; ``url`` reproduces it."""

    tenant: str
    period: Period
    account: Account | None = None
    metric: str = "spend"
    sort: str = DEFAULT_SORT
    compare: bool = False
    after: str = ""

    def url(self, name: str = "performance", *args: str, **changes: Any) -> str:
        """The address of this report, or of one that differs by ``changes``."""
        other = replace(self, **changes)
        query = {
            "range": other.period.preset if other.period.preset != DEFAULT else "",
            "since": "" if other.period.preset else other.period.since.isoformat(),
            "until": "" if other.period.preset else other.period.until.isoformat(),
            "account": other.account.pk if other.account else "",
            "metric": other.metric if other.metric != "spend" else "",
            "sort": other.sort if other.sort != DEFAULT_SORT else "",
            "compare": "1" if other.compare else "",
            "after": other.after,
        }
        path = reverse(f"reports:{name}", args=[self.tenant, *args])
        text = urlencode({key: value for key, value in query.items() if value})
        return f"{path}?{text}" if text else path


def read_query(
    request: TenantRequest, tenant: str, everyone: Sequence[Account]
) -> tuple[ReportQuery, str]:
    """The report asked for, and what was wrong with its range. Raises NotFound."""
    params = request.GET
    account = None
    if wanted := params.get("account"):
        account = next((a for a in everyone if str(a.pk) == wanted), None)
        if account is None:
            raise NotFound
    accounts = [account] if account else everyone
    period, problem = read_period(
        params.dict(),
        today=day_begun_everywhere(accounts, request.tenant),
        newest=day_begun_anywhere(accounts, request.tenant),
    )
    sort = params.get("sort", DEFAULT_SORT)
    query = ReportQuery(
        tenant=tenant,
        period=period,
        account=account,
        metric=params.get("metric", "") if params.get("metric") in METRICS else "spend",
        sort=sort if sort.removeprefix("-") in SORT_KEYS else DEFAULT_SORT,
        compare=params.get("compare") == "1",
        after=params.get("after", ""),
    )
    return query, problem
