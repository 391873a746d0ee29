"""Pulling one ad account's performance, beside the official SDK's own loop.

100 campaigns x 90 days against a stand-in of its own that takes 100 ms for every answer. The SDK
only reads; ours also checks, converts and stores, in the same run and on the same machine. The goal
is to be no slower all the same.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import urllib.request
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from django.conf import settings

from integrations.meta_ads.insights import FIELDS, PAGE_SIZE
from integrations.models import AdAccount, CampaignInsight
from integrations.sandbox.seed import BENCH_PERSON, account_id, build_world
from integrations.services.days import today_of
from integrations.services.insights import pull_insights, request_pull
from tests.bench.measure import Measure, side_by_side
from tests.builders import make_ad_account, make_integration, make_tenant
from tests.stack import ROOT, answers, free_ports, wait_until

CAMPAIGNS, DAYS, LATENCY_MS = 100, 90, 100
SERVE = """
import sys
from pathlib import Path
from integrations.sandbox.server import serve
port, latency, seed, app_id, app_secret = sys.argv[1:]
serve(port=int(port), state_file=None, app_id=app_id, app_secret=app_secret,
      latency_ms=int(latency), seed_file=Path(seed))
"""


def run() -> list[Measure]:
    """The figures of this benchmark."""
    with tempfile.TemporaryDirectory() as folder, stand_in(Path(folder)) as base_url:
        settings.META_API_BASE_URL = base_url
        token = sign_in(base_url)
        account = make_account(token)
        until = today_of(account)
        since = until - timedelta(days=DAYS - 1)
        counts: dict[str, int] = {}

        def ours() -> None:
            counts["ours"] = pull(account, since, until)

        def theirs() -> None:
            counts["sdk"] = read_with_sdk(base_url, token, account.ad_account_id, since, until)

        own, sdk = side_by_side(ours, theirs, rounds=3)
    assert counts["ours"] == counts["sdk"] > 8000, counts
    return [
        Measure("pull: one account, against the SDK's loop", own / sdk, "ratio", 1.0),
        Measure("pull: ours, rows stored", own, "s"),
        Measure("pull: the SDK's loop, rows only read", sdk, "s"),
        Measure("pull: rows", counts["ours"], "rows"),
    ]


@contextmanager
def stand_in(folder: Path) -> Iterator[str]:
    """A stand-in in a process of its own, with one large ad account."""
    (port,) = free_ports(1)
    seed = folder / "seed.json"
    seed.write_text(json.dumps(build_world(1, CAMPAIGNS)))
    app = [settings.META_APP_ID, settings.META_APP_SECRET]
    process = subprocess.Popen(
        [sys.executable, "-c", SERVE, str(port), str(LATENCY_MS), str(seed), *app], cwd=ROOT
    )
    try:
        base_url = f"http://127.0.0.1:{port}"
        wait_until(lambda: answers(f"{base_url}/sandbox/"), seconds=30)
        yield base_url
    finally:
        process.terminate()
        process.wait()


def sign_in(base_url: str) -> str:
    """A token of the person whom the large account is granted to."""
    request = urllib.request.Request(
        f"{base_url}/sandbox/control",
        json.dumps({"sign_in": {"user": BENCH_PERSON}}).encode(),
        {"Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request) as response:
        token: str = json.load(response)["result"]["sign_in"]
    return token


def make_account(token: str) -> AdAccount:
    """The large ad account as a row of ours."""
    integration = make_integration(make_tenant("bench", "Bench"), token=token)
    return make_ad_account(integration, ad_account_id=f"act_{account_id('100')}")


def pull(account: AdAccount, since: date, until: date) -> int:
    """One whole pull, as the worker does it; returns the rows that are then stored."""
    CampaignInsight.objects.all().delete()
    sync_run = request_pull(account, since, until)
    while sync_run.is_open:
        pull_insights(run_id=sync_run.pk)
        sync_run.refresh_from_db()
    assert sync_run.state == sync_run.State.COMPLETE, sync_run.error
    return CampaignInsight.objects.count()


def read_with_sdk(base_url: str, token: str, act: str, since: date, until: date) -> int:
    """The same rows through the official SDK's cursor; returns how many it saw."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the SDK's generated modules hold old escapes
        from facebook_business.adobjects.adaccount import AdAccount as SdkAccount
        from facebook_business.api import FacebookAdsApi
        from facebook_business.session import FacebookSession

    class LocalSession(FacebookSession):  # type: ignore[misc]  # the SDK has no types
        GRAPH = base_url

    session = LocalSession(settings.META_APP_ID, settings.META_APP_SECRET, token, timeout=30)
    params: dict[str, Any] = {
        "level": "campaign",
        "time_increment": 1,
        "time_range": {"since": since.isoformat(), "until": until.isoformat()},
        "limit": PAGE_SIZE,
    }
    try:
        api = FacebookAdsApi(session, api_version=settings.META_API_VERSION)
        rows = SdkAccount(act, api=api).get_insights(fields=FIELDS.split(","), params=params)
        return sum(1 for _ in rows)
    finally:
        session.requests.close()
