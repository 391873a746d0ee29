"""Switching an ad on and pausing it, in a real browser, and the story that its page then tells."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from tests.stack import Stack, sign_in, wait_until

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = pytest.mark.browser

PAUSED = "In the ad account: paused"


def test_a_person_with_the_right_switches_an_ad_on_and_another_pauses_it(
    page: Page, stack: Stack
) -> None:
    sign_in(page, stack, "ana@acme.example")
    open_paused_ad(page, stack)
    address = page.url
    ad_id = page.locator(".facts__row", has_text="Ad ID").locator("dd").inner_text()
    page.get_by_role("link", name=re.compile("Switch it on")).click()

    page.get_by_role("heading", name="Money and time").wait_for()
    said = page.get_by_role("main").inner_text()
    assert "a day" in said
    assert "are what was approved" in said
    page.get_by_label("Your password").fill("a guess")
    page.get_by_role("button", name="Switch it on").click()
    page.get_by_text("This is not your password").wait_for()
    assert ad_id not in stack.ads_asked_to_run()

    page.get_by_label("Your password").fill(stack.password)
    page.get_by_role("button", name="Switch it on").click()
    running = re.compile("^(Live|In Meta's review)$")
    page.get_by_role("heading", name=running).wait_for(timeout=30_000)
    assert ad_id in stack.ads_asked_to_run()
    read_story(page)
    sign_out(page)

    sign_in(page, stack, "ben@acme.example")
    page.goto(address)
    assert page.get_by_role("link", name=re.compile("Switch it on")).count() == 0
    page.get_by_role("button", name="Pause").click()
    page.get_by_role("heading", name="Being paused").wait_for()
    wait_until(lambda: shown_at_meta(page, stack, ad_id) == "PAUSED", seconds=30)


def open_paused_ad(page: Page, stack: Stack) -> None:
    def is_there() -> bool:
        page.goto(f"{stack.base_url}/t/acme/ads/?status=paused")
        return page.get_by_text(PAUSED).count() > 1

    wait_until(is_there, seconds=60)
    page.get_by_role("row").filter(has_text=PAUSED).first.get_by_role("link").first.click()
    page.get_by_role("heading", name=PAUSED).wait_for()


def read_story(page: Page) -> None:
    """Newest first, from the proposal to the act, with who did what."""
    story = page.locator(".timeline").inner_text()
    told = ["Switched on", "Switching on asked for", "Ad created, paused", "Approved:", "Proposed"]
    places = [story.index(title) for title in told]
    assert places == sorted(places)
    assert "Ana" in story
    assert "Text equal to what was approved" in story


def shown_at_meta(page: Page, stack: Stack, ad_id: str) -> str:
    """The last status that the stand-in was asked to set for the ad."""
    writes = page.request.get(f"{stack.sandbox_url}/sandbox/writes").json()["writes"]
    return str([write["params"]["status"] for write in writes if write["path"] == ad_id][-1])


def sign_out(page: Page) -> None:
    page.locator("summary", has_text=re.compile("Ana|Ben")).last.click()
    page.get_by_role("button", name="Sign out").click()
    page.wait_for_url("**/sign-in/**")
