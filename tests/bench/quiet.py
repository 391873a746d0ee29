"""A quiet installation: from the click on Approve to the PAUSED ad, and after its workers died.

Real web, job clusters and stand-in with the product's own times; 100 ms for every answer of Meta's.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import tempfile
import time
import urllib.request
from pathlib import Path

from tests.bench.measure import Measure, seconds
from tests.campaign.campaign import Browser, Campaign, kinds_of
from tests.stack import answers, wait_until

ADS, LATENCY = 6, 0.1
# Two seconds plus three round trips.
APPROVED, HEALED = 2 + 3 * LATENCY, 120.0


def run() -> list[Measure]:
    """The figures of this benchmark."""
    with tempfile.TemporaryDirectory() as folder:
        product = Campaign(
            Path(folder) / "it", pushes=ADS, DJANGO_SETTINGS_MODULE="leadmetrics.settings"
        )
        try:
            return _measure(product)
        finally:
            product.close()


def _measure(product: Campaign) -> list[Measure]:
    product.manage("migrate", "--verbosity", "0")
    product.manage("collectstatic", "--noinput", "--verbosity", "0")
    product.start("-m", "tests.campaign.processes", log=product.log)
    wait_until(lambda: answers(f"{product.base_url}/healthz"), seconds=60)
    wait_until(lambda: answers(f"{product.sandbox_url}/sandbox/"), seconds=60)
    prepared = product.ask(f"prepare {ADS}")
    product.control(latency_ms=round(LATENCY * 1000))
    browser = Browser(product.base_url)
    browser.sign_in(prepared["email"], prepared["password"])
    wait_until(lambda: len(kinds_of(product.processes()).get("job", [])) > 1, seconds=30)

    def push(number: int) -> float:
        pk, shown = prepared["variants"][number]
        path = f"/t/{prepared['slug']}/review/{pk}/approve/"
        return seconds(
            lambda: (
                browser.post(path, {"content_hash": shown}),
                wait_until(lambda: _paused(product) > number, seconds=180),
            )
        )

    quiet = [push(number) for number in range(ADS - 1)]
    for pid in kinds_of(product.processes())["job"]:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    time.sleep(1)  # whoever survives this is not what is measured
    healed = push(ADS - 1)
    return [
        Measure("quiet: from Approve to PAUSED, slowest of 5", max(quiet), "s", APPROVED),
        Measure("quiet: the same after all workers died", healed, "s", HEALED),
    ]


def _paused(product: Campaign) -> int:
    """How many PAUSED ads the stand-in holds with a reference of ours."""
    with urllib.request.urlopen(f"{product.sandbox_url}/sandbox/state", timeout=10) as answer:
        ads = json.load(answer)["ads"]
    return sum(ad["status"] == "PAUSED" and " · lm-" in ad["name"] for ad in ads)
