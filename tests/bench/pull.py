"""Pulling performance, beside the official SDK: one ad account, then fifty.

Against a stand-in of its own that takes 100 ms for every answer. The SDK only reads, once with its
own cursor loop, account after account, and once with its batch mode, 50 calls in one request; ours
also checks, converts and stores, in the same run and on the same machine.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
import urllib.request
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import connection
from django.db.models import Count, Max, Min, Sum

from integrations.days import today_of
from integrations.meta_ads.insights import FIELDS, PAGE_SIZE
from integrations.models import AdAccount, CampaignInsight, SyncRun
from integrations.sandbox.seed import BENCH_PERSON, account_id, build_world
from integrations.services.insights import pull_insights, request_pull
from tests.bench.measure import Measure, seconds, side_by_side
from tests.builders import make_ad_account, make_integration, make_tenant
from tests.stack import ROOT, answers, free_ports, wait_until

ACCOUNTS, CAMPAIGNS, DAYS, LATENCY_MS = 50, 100, 90, 100
# A server database may take its time elsewhere; SQLite is part of our own process.
ON_POSTGRES = connection.vendor == "postgresql"
FLEET_GOAL = 1 / 6 if ON_POSTGRES else 1 / 4
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
        return [*one_account(base_url, token), *fleet(base_url, token)]


def one_account(base_url: str, token: str) -> list[Measure]:
    """One large ad account, three times in turns."""
    account = make_account(token)
    until = today_of(account)
    since = until - timedelta(days=DAYS - 1)
    counts: dict[str, int] = {}

    def ours() -> None:
        counts["ours"] = pull(account, since, until)

    def theirs() -> None:
        with sdk(base_url, token) as api:
            counts["sdk"] = read_with_sdk(api, account.ad_account_id, since, until)

    own, loop = side_by_side(ours, theirs, rounds=3)
    assert counts["ours"] == counts["sdk"] > 8000, counts
    return [
        Measure("pull: one account, against the SDK's loop", own / loop, "ratio", 1.0),
        Measure("pull: one account, rows stored", own, "s", 3.0),
        Measure("pull: one account, the SDK's loop", loop, "s"),
        Measure("pull: one account, rows", counts["ours"], "rows"),
    ]


def fleet(base_url: str, token: str) -> list[Measure]:
    """Fifty such accounts, read by as many fresh processes as the queue has workers."""
    acts = [f"act_{account_id(str(100 + number))}" for number in range(ACCOUNTS)]
    integration = make_integration(make_tenant("fleet", "Fleet"), token=token)
    CampaignInsight.objects.all().delete()
    accounts = [make_ad_account(integration, ad_account_id=act) for act in acts]
    # Up to yesterday: today moves on every quarter of an hour, perhaps before the ledger is asked.
    until = today_of(accounts[0]) - timedelta(days=1)
    since = until - timedelta(days=DAYS - 1)
    for account in accounts:
        request_pull(account, since, until)
    own = run_workers(base_url)
    assert not SyncRun.objects.exclude(state="complete").exists()
    rows = check_against_ledger(base_url)
    seen: dict[str, int] = {}
    with sdk(base_url, token) as api:

        def loop() -> None:
            seen["loop"] = sum(read_with_sdk(api, act, since, until) for act in acts)

        def batch() -> None:
            seen["batch"] = read_in_batches(api, acts, since, until)

        by_batch, by_loop = seconds(batch), seconds(loop)
    assert seen == {"loop": rows, "batch": rows}, (seen, rows)
    name = f"pull: {ACCOUNTS} accounts"
    return [
        Measure(f"{name}, against the SDK's loop", own["seconds"] / by_loop, "ratio", FLEET_GOAL),
        Measure(f"{name}, against its batch mode", own["seconds"] / by_batch, "ratio", 1.0),
        Measure(f"{name}, own CPU for a row", own["cpu"] / rows * 1e6, "µs", 60.0),
        Measure(f"{name}, memory of a worker", own["megabytes"], "MB", 150.0),
        Measure(f"{name}, rows stored, equal to the ledger", own["seconds"], "s"),
        Measure(f"{name}, the SDK's loop, rows only read", by_loop, "s"),
        Measure(f"{name}, its batch mode, rows only read", by_batch, "s"),
        Measure(f"{name}, rows", rows, "rows"),
    ]


def run_workers(base_url: str) -> dict[str, float]:
    """Seconds, all CPU seconds and the most megabytes of the workers that do all waiting runs."""
    told = {
        "base_url": base_url,
        "database": str(connection.settings_dict["NAME"]),
        "keys": {name: key.hex() for name, key in settings.ENCRYPTION_KEYS.items()},
    }
    workers = [
        subprocess.Popen(
            [sys.executable, "-m", "tests.bench.puller"],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            bufsize=1,
        )
        for _ in range(settings.Q_CLUSTER["workers"])
    ]
    for worker in workers:
        assert worker.stdin
        worker.stdin.write(json.dumps(told) + "\n")
    for worker in workers:
        assert worker.stdout
        assert worker.stdout.readline() == "ready\n"
    began = time.perf_counter()
    for worker in workers:
        assert worker.stdin
        worker.stdin.write("go\n")
    said = [json.loads(worker.communicate()[0]) for worker in workers]
    return {
        "seconds": time.perf_counter() - began,
        "cpu": sum(one["cpu"] for one in said),
        "megabytes": max(one["megabytes"] for one in said),
    }


def check_against_ledger(base_url: str) -> int:
    """Every account's stored totals are the stand-in's own; how many rows there are."""
    stored = CampaignInsight.objects.values("ad_account__ad_account_id").annotate(
        rows=Count("pk"),
        since=Min("date_start"),
        until=Max("date_start"),
        spend=Sum("spend"),
        impressions=Sum("impressions"),
        clicks=Sum("clicks"),
        purchases=Sum("conversions"),
        purchase_value=Sum("conversion_value"),
    )
    assert len(stored) == ACCOUNTS
    for row in stored:
        until = row["since"] + timedelta(days=DAYS - 1)
        query = f"account={row['ad_account__ad_account_id']}&since={row['since']}&until={until}"
        with urllib.request.urlopen(f"{base_url}/sandbox/ledger?{query}") as response:
            truth = json.load(response)
        for metric in ("rows", "spend", "impressions", "clicks", "purchases", "purchase_value"):
            # SQLite adds money up in floating point.
            assert round(row[metric], 4) == Decimal(truth[metric]), (row, truth[metric])
    return sum(row["rows"] for row in stored)


@contextmanager
def stand_in(folder: Path) -> Iterator[str]:
    """A stand-in in a process of its own, with the large ad accounts."""
    with serving(folder, build_world(ACCOUNTS, CAMPAIGNS)) as base_url:
        yield base_url


@contextmanager
def serving(folder: Path, world: dict[str, Any]) -> Iterator[str]:
    """A stand-in in a process of its own that holds this world."""
    (port,) = free_ports(1)
    seed = folder / "seed.json"
    seed.write_text(json.dumps(world))
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


@contextmanager
def sdk(base_url: str, token: str) -> Iterator[Any]:
    """The official SDK's API object, talking to the stand-in."""
    with warnings.catch_warnings():
        # Its generated modules hold old escapes, and it does not know its own fields.
        warnings.simplefilter("ignore")
        from facebook_business.api import FacebookAdsApi
        from facebook_business.session import FacebookSession

        class LocalSession(FacebookSession):  # type: ignore[misc]  # the SDK has no types
            GRAPH = base_url

        session = LocalSession(settings.META_APP_ID, settings.META_APP_SECRET, token, timeout=120)
        try:
            yield FacebookAdsApi(session, api_version=settings.META_API_VERSION)
        finally:
            session.requests.close()


def sdk_params(since: date, until: date) -> dict[str, Any]:
    """The same query as ours."""
    return {
        "level": "campaign",
        "time_increment": 1,
        "time_range": {"since": since.isoformat(), "until": until.isoformat()},
        "limit": PAGE_SIZE,
    }


def read_with_sdk(api: Any, act: str, since: date, until: date) -> int:
    """The same rows through the SDK's cursor; returns how many it saw."""
    from facebook_business.adobjects.adaccount import AdAccount as SdkAccount

    rows = SdkAccount(act, api=api).get_insights(
        fields=FIELDS.split(","), params=sdk_params(since, until)
    )
    return sum(1 for _ in rows)


def read_in_batches(api: Any, acts: Sequence[str], since: date, until: date) -> int:
    """The same rows with one batch request for a page of every account at a time."""
    from facebook_business.api import FacebookRequest

    seen = 0
    cursors = dict.fromkeys(acts, "")

    def note(act: str) -> Callable[[Any], None]:
        def take(response: Any) -> None:
            nonlocal seen
            answer = response.json()
            seen += len(answer["data"])
            paging = answer.get("paging", {})
            if "next" in paging:
                cursors[act] = paging["cursors"]["after"]
            else:
                del cursors[act]

        return take

    while cursors:
        batch = api.new_batch()
        for act, after in cursors.items():
            request = FacebookRequest(node_id=act, method="GET", endpoint="/insights", api=api)
            request.add_fields(FIELDS.split(","))
            request.add_params(sdk_params(since, until) | ({"after": after} if after else {}))
            batch.add_request(request, success=note(act), failure=fail)
        batch.execute()
    return seen


def fail(response: Any) -> None:
    """No call of a batch may go wrong."""
    raise AssertionError(response.body())
