"""A quiet installation: from the click on Approve to the PAUSED ad, after its workers died, and how
soon nothing more is sent once sending is stopped amid many pushes.

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

ADS, AMID, LATENCY = 6, 40, 0.1
# Two seconds plus three round trips.
APPROVED, HEALED, STOPPED = 2 + 3 * LATENCY, 120.0, 5.0


def run() -> list[Measure]:
    """The figures of this benchmark."""
    with tempfile.TemporaryDirectory() as folder:
        product = Campaign(
            Path(folder) / "it",
            pushes=ADS + 2 * AMID,
            DJANGO_SETTINGS_MODULE="leadmetrics.settings",
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
    prepared = product.ask(f"prepare {product.pushes}")
    product.control(latency_ms=round(LATENCY * 1000))
    browser = Browser(product.base_url)
    browser.sign_in(prepared["email"], prepared["password"])
    wait_until(lambda: len(kinds_of(product.processes()).get("job", [])) > 1, seconds=30)

    def approve(number: int) -> None:
        pk, shown = prepared["variants"][number]
        path = f"/t/{prepared['slug']}/review/{pk}/approve/"
        browser.post(path, {"content_hash": shown})

    def push(number: int) -> float:
        return seconds(
            lambda: (
                approve(number),
                wait_until(lambda: _paused(product) > number, seconds=180),
            )
        )

    def stop(where: str, first: int) -> float:
        for number in range(first, first + AMID):
            approve(number)
        product.ask(f"stop {where}")
        return _last_write(product)

    quiet = [push(number) for number in range(ADS - 1)]
    for pid in kinds_of(product.processes())["job"]:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    time.sleep(1)  # whoever survives this is not what is measured
    healed = push(ADS - 1)
    here = stop("here", ADS)
    product.ask("resume")
    everywhere = stop("everywhere", ADS + AMID)
    left = product.ask("states")
    return [
        Measure("quiet: from Approve to PAUSED, slowest of 5", max(quiet), "s", APPROVED),
        Measure("quiet: the same after all workers died", healed, "s", HEALED),
        Measure("quiet: last write after sending was stopped here", here, "s", STOPPED),
        Measure("quiet: the same, stopped everywhere", everywhere, "s", STOPPED),
        Measure("quiet: ads that then waited", left.get("waiting", 0), ""),
    ]


def _last_write(product: Campaign) -> float:
    """How many seconds from now on writes still arrive at the stand-in."""
    began, last, count = time.monotonic(), 0.0, _writes(product)
    while time.monotonic() - began < last + 2 * STOPPED:
        if _writes(product) > count:
            last, count = time.monotonic() - began, _writes(product)
        time.sleep(0.05)
    return last


def _writes(product: Campaign) -> int:
    with urllib.request.urlopen(f"{product.sandbox_url}/sandbox/writes", timeout=10) as answer:
        return len(json.load(answer)["writes"])


def _paused(product: Campaign) -> int:
    """How many PAUSED ads the stand-in holds with a reference of ours."""
    with urllib.request.urlopen(f"{product.sandbox_url}/sandbox/state", timeout=10) as answer:
        ads = json.load(answer)["ads"]
    return sum(ad["status"] == "PAUSED" and " · lm-" in ad["name"] for ad in ads)
