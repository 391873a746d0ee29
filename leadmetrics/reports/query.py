"""What the address of a report asks for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import urlencode

from django.urls import reverse

from leadmetrics.errors import NotFound
from leadmetrics.reports.accounts import (
    Account,
    day_begun_anywhere,
    day_begun_everywhere,
    disused_account,
)
from leadmetrics.reports.exports import (
    DAY_SORT_KEYS,
    DEFAULT_DAY_SORT,
    DEFAULT_SORT,
    METRICS,
    SORT_KEYS,
)
from leadmetrics.reports.paging import read_place
from leadmetrics.reports.periods import DEFAULT, Period, read_period
from leadmetrics.reports.selectors import Scope
from leadmetrics.tenancy.middleware import TenantRequest
from leadmetrics.tenancy.models import Tenant


@dataclass(frozen=True, slots=True)
class ReportQuery:
    """What the address of a report asks for; ``url`` reproduces it."""

    tenant: str
    period: Period
    account: Account | None = None
    metric: str = "spend"
    sort: str = DEFAULT_SORT
    days: str = ""  # how the table under the chart is sorted, if somebody asked for it
    compare: bool = False
    after: str = ""
    search: str = ""
    campaign: str = ""  # "<ad account's key>-<campaign id>"
    ad_set: str = ""

    @property
    def day_sort(self) -> str:
        """The order of the table under the chart."""
        return self.days or DEFAULT_DAY_SORT

    @property
    def scope(self) -> Scope:
        """What part of the ad accounts it is about."""
        if not self.campaign:
            return Scope(search=self.search)
        pk, _, campaign_id = self.campaign.partition("-")
        return Scope((int(pk), campaign_id), self.ad_set)

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
            "days": other.days,
            "compare": "1" if other.compare else "",
            "q": other.search,
            "campaign": other.campaign,
            "ad_set": other.ad_set,
            "after": other.after,
        }
        path = reverse(f"reports:{name}", args=[self.tenant, *args])
        text = urlencode({key: value for key, value in query.items() if value})
        return f"{path}?{text}" if text else path


@dataclass(frozen=True, slots=True)
class Problems:
    """What of an address could not be used, in words; empty where all was well."""

    days: str = ""
    fields: str = ""
    account: str = ""

    def __bool__(self) -> bool:
        return bool(self.days or self.fields or self.account)


def read_query(
    request: TenantRequest, tenant: str, everyone: Sequence[Account]
) -> tuple[ReportQuery, Problems]:
    """The report asked for, and what of it cannot be shown. Raises NotFound."""
    params = {key: str(value).replace("\0", "") for key, value in request.GET.dict().items()}
    campaign = params.get("campaign", "")
    wanted = campaign.partition("-")[0] if campaign else params.get("account", "")
    if campaign and not wanted:
        raise NotFound
    account, disused = _account(wanted, everyone, request.tenant)
    if disused:
        campaign = ""
    accounts = [account] if account else everyone
    period, days = read_period(
        params,
        today=day_begun_everywhere(accounts, request.tenant),
        newest=day_begun_anywhere(accounts, request.tenant),
    )
    metric, sort, by_day = (params.get(key, "") for key in ("metric", "sort", "days"))
    wrong = [metric] if metric and metric not in METRICS else []
    wrong += [sort] if sort and sort.removeprefix("-") not in SORT_KEYS else []
    wrong += [by_day] if by_day and by_day.removeprefix("-") not in DAY_SORT_KEYS else []
    query = ReportQuery(
        tenant=tenant,
        period=period,
        account=account,
        metric=metric if metric in METRICS else "spend",
        sort=sort if sort.removeprefix("-") in SORT_KEYS else DEFAULT_SORT,
        days=by_day if by_day.removeprefix("-") in DAY_SORT_KEYS else "",
        compare=params.get("compare") == "1",
        after=params.get("after", ""),
        search="" if campaign else params.get("q", "").strip()[:100],
        campaign=campaign,
        ad_set=params.get("ad_set", "")[:32] if campaign else "",
    )
    return query, Problems(days, _unknown(wrong), disused)


def _account(
    wanted: str, everyone: Sequence[Account], tenant: Tenant
) -> tuple[Account | None, str]:
    """The account with this key; or none, and in words why not."""
    found = next((account for account in everyone if str(account.pk) == wanted), None)
    if found or not wanted:
        return found, ""
    pk = read_place(wanted)
    disused = disused_account(tenant, pk) if pk else None
    if disused is None:
        raise NotFound
    return None, f"{disused.name} is not used here any more; this is the whole report."


def _unknown(wrong: Sequence[str]) -> str:
    if not wrong:
        return ""
    names = " or ".join(f"“{name[:40]}”" for name in wrong)
    known = ", ".join(METRICS)
    return f"This report has no figure {names}; the usual one is shown. It has {known}."
