"""The report page over 500 campaigns and up to three years, and its exports of 100,000 rows."""

from __future__ import annotations

import resource
import statistics
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from django.db import connection, transaction
from django.test import Client
from django.utils import timezone

from integrations.models import AdAccount, Campaign, CampaignInsight, InsightDay, SyncRun
from integrations.services.adding_up import add_up
from leadmetrics.tenancy.models import Role
from tests.bench.measure import Measure, seconds
from tests.builders import client_for, make_ad_account, make_integration, make_member, make_tenant

CAMPAIGNS, DAYS, ROUNDS = 500, 36 * 30, 5
URL = "/t/report-bench/reports/"
MONTHS = {1: 30, 12: 360, 36: 1080}


def run() -> list[Measure]:
    """The figures of this benchmark."""
    tenant = make_tenant("report-bench", "Report bench")
    client = client_for(make_member(tenant, "Vera", Role.VIEWER))
    account = make_ad_account(make_integration(tenant), insights_complete_at=timezone.now())
    today = timezone.localdate(timezone=ZoneInfo(account.timezone))
    fill(account, today)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
    times = {months: look(client, today, days) for months, days in MONTHS.items()}
    return [
        Measure("report: 12 months of 500 campaigns, first look", times[12][0] * 1000, "ms", 250),
        Measure("report: 12 months of 500 campaigns, again", times[12][1] * 1000, "ms", 250),
        Measure("report: 1 month, first look", times[1][0] * 1000, "ms"),
        Measure("report: 36 months, first look", times[36][0] * 1000, "ms"),
        Measure(
            "report: 36 months against 12, first look", times[36][0] / times[12][0], "ratio", 3
        ),
        *exports(client, today),
    ]


def exports(client: Client, today: date) -> list[Measure]:
    """How much memory an export of 100,000 rows takes beside one of 10,000."""
    measures = []
    for kind in ("csv", "xlsx"):
        export(client, today, kind, 20)
        small, many = export(client, today, kind, 20), export(client, today, kind, 200)
        name = f"report: {kind} of 100,000 rows"
        measures += [
            Measure(f"{name}, more memory than 10,000", many[0] - small[0], "MB", 10),
            Measure(name, many[1], "s"),
        ]
    return measures


def export(client: Client, today: date, kind: str, days: int) -> tuple[float, float]:
    """By how many MB the process grows at most while it sends the file, and how long it takes."""
    url = f"{URL}export/every-row.{kind}"
    before = highest = resident()

    def get() -> None:
        nonlocal highest
        response: Any = client.get(url, _range(today, days))
        assert response.status_code == 200
        for _ in response.streaming_content:
            highest = max(highest, resident())

    took = seconds(get)
    return highest - before, took


def resident() -> float:
    """MB of memory that this process holds."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize() / 1e6


def _range(today: date, days: int) -> dict[str, str]:
    return {
        "since": (today - timedelta(days=days)).isoformat(),
        "until": (today - timedelta(days=1)).isoformat(),
    }


def fill(account: AdAccount, today: date) -> None:
    """Each campaign on each day, marked as read."""
    Campaign.objects.bulk_create(
        Campaign(
            ad_account=account,
            campaign_id=str(10_000 + n),
            name=f"Campaign {n}",
            status="ACTIVE",
            effective_status="ACTIVE",
        )
        for n in range(CAMPAIGNS)
    )
    for back in range(DAYS + 1):
        day = today - timedelta(days=back)
        CampaignInsight.objects.bulk_create(
            CampaignInsight(
                ad_account=account,
                campaign_id=str(10_000 + n),
                campaign_name=f"Campaign {n}",
                date_start=day,
                impressions=1000 + n,
                reach=900 + n,
                clicks=20 + n % 7,
                inline_link_clicks=10,
                spend=Decimal("12.34") + n,
                cpm=Decimal("12.1"),
                cpc=Decimal("0.5"),
                ctr=Decimal("2.1"),
                conversions=Decimal(n % 5),
                conversion_value=Decimal(n % 5) * 30,
                conversion_action_type="purchase",
            )
            for n in range(CAMPAIGNS)
        )
    with transaction.atomic():
        add_up(account.pk, today - timedelta(days=DAYS), today)
    InsightDay.objects.bulk_create(
        InsightDay(
            ad_account=account,
            level=InsightDay.Level.CAMPAIGN,
            day=today - timedelta(days=back),
            read_at=timezone.now(),
        )
        for back in range(DAYS + 1)
    )
    SyncRun.objects.create(
        tenant=account.tenant,
        integration=account.integration,
        ad_account=account,
        kind=SyncRun.Kind.INSIGHTS,
        state=SyncRun.State.COMPLETE,
        since=today - timedelta(days=DAYS),
        until=today,
    )


def look(client: Client, today: date, days: int) -> tuple[float, float]:
    """The medians of the page in seconds: at first sight, and when somebody has just looked."""
    query = _range(today, days)

    def get() -> None:
        assert client.get(URL, query).status_code == 200

    def fresh() -> float:
        return seconds(get)

    get()
    return (
        statistics.median(fresh() for _ in range(ROUNDS)),
        statistics.median(seconds(get) for _ in range(ROUNDS)),
    )
