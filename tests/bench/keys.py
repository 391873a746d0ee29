"""From a key to the next card: the real product with sixty ads, and Chromium at a desk."""

from __future__ import annotations

import statistics
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from tests.bench.measure import Measure
from tests.flows.test_keyboard_review import PROPOSE, in_product
from tests.stack import Stack, open_browser, sign_in

if TYPE_CHECKING:
    from playwright.sync_api import Page

PRESSES, SOONEST = 35, 100.0
# A glance at the card, in milliseconds, once the one after it has been fetched.
GLANCE = 500
WATCH = """() => {
  const there = (part) => document.querySelector(`#desk > .desk__stage${part} .stage-head__title`);
  const words = (part) => there(part)?.textContent;
  window.times = {painted: [], answered: []};
  addEventListener("keydown", (event) => {
    const was = words(":not([hidden])");
    // The frame that draws the new card is painted when the one after it begins.
    const watch = (part, found) => {
      const look = () => {
        if ([was, undefined].includes(words(part))) return requestAnimationFrame(look);
        requestAnimationFrame(() => found.push(performance.now() - event.timeStamp));
      };
      requestAnimationFrame(look);
    };
    watch(":not([hidden])", window.times.painted);
    watch(":not([hidden]):not([inert])", window.times.answered);
  }, true);
}"""


def run() -> list[Measure]:
    """The figures of this benchmark."""
    with _product() as (page, address):
        moves, decisions = _times(page, address, "j"), _times(page, address, "a")
    return [
        Measure("keys: from j to the next card", _p95(moves["painted"]), "ms p95", SOONEST),
        Measure("keys: from a to the next card", _p95(decisions["painted"]), "ms p95", SOONEST),
        Measure("keys: from j to its buttons", _p95(moves["answered"]), "ms p95"),
        Measure("keys: from a to its buttons", _p95(decisions["answered"]), "ms p95"),
    ]


@contextmanager
def _product() -> Iterator[tuple[Page, str]]:
    """Ben's window, and the address of a queue of sixty ads."""
    with tempfile.TemporaryDirectory() as folder:
        stack = Stack(Path(folder) / "it")
        try:
            stack.up()
            in_product(stack, PROPOSE, NAME="Pressed", COUNT=60)
            with open_browser() as browser:
                page = browser.new_page(viewport={"width": 1280, "height": 800})
                sign_in(page, stack, "ben@acme.example")
                yield page, f"{stack.base_url}/t/acme/review/?q=Pressed"
            stack.stop()
        finally:
            stack.close()


def _times(page: Page, address: str, key: str) -> dict[str, list[float]]:
    """Milliseconds from each press to the next card painted, and to the server's own answer."""
    with _fetched_ahead(page):
        page.goto(address)
    page.locator(".queue__item").first.click()
    page.wait_for_url("**/review/*-*/**")
    page.wait_for_timeout(GLANCE)
    page.evaluate(WATCH)
    for _ in range(PRESSES):
        with _fetched_ahead(page):
            page.keyboard.press(key)
    times: dict[str, list[float]] = page.evaluate("window.times")
    assert {len(found) for found in times.values()} == {PRESSES}, "a press led to no card"
    return times


@contextmanager
def _fetched_ahead(page: Page) -> Iterator[None]:
    """Until the card after the one that comes is there, and the person has had a look."""
    with page.expect_response(lambda answer: "x-prefetch" in answer.request.headers):
        yield
    page.wait_for_timeout(GLANCE)


def _p95(times: list[float]) -> float:
    return statistics.quantiles(times, n=20)[-1]
