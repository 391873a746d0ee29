"""Connecting in a real browser: partly, asking again, reconnecting, as somebody else, leaving.

In Harbour Books, as people whom no other flow connects.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from tests.stack import Stack, sign_in

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = pytest.mark.browser

CONNECTIONS = "/t/harbour/connections/"
WHO, OTHER = "Sam Rivera", "Vera Lindqvist"


def through_the_dialog(page: Page, *, who: str = WHO, without: str = "") -> None:
    """Choose the person, leave one permission out if asked, and go on."""
    page.get_by_role("link", name=re.compile(who)).click()
    if without:
        page.locator(f'input[name="scope:{without}"]').uncheck()
    page.get_by_role("button", name="Continue").click()
    page.wait_for_url("**/t/harbour/connections/**")


def card_of_sam(page: Page, stack: Stack) -> str:
    page.goto(f"{stack.base_url}{CONNECTIONS}")
    return page.locator("section.card", has_text=WHO).first.inner_text()


def disconnect(page: Page, who: str) -> None:
    page.get_by_label(f"More for {who}").click()
    page.locator("section.card", has_text=who).get_by_role("link", name="Disconnect…").click()
    page.get_by_role("button", name=re.compile("^Disconnect")).click()
    page.get_by_text(f"{who} is disconnected.").wait_for()


def test_partly_ask_again_reconnect_disconnect(page: Page, stack: Stack) -> None:
    sign_in(page, stack, "ana@acme.example")
    page.goto(f"{stack.base_url}{CONNECTIONS}")
    page.get_by_role("button", name=re.compile("Connect (Facebook|another)")).first.click()
    through_the_dialog(page, without="ads_management")
    page.get_by_role("heading", name="1 permission left out").wait_for()
    assert "Reads only" in card_of_sam(page, stack)

    page.locator("section.card", has_text=WHO).get_by_role("button", name="Ask again").click()
    through_the_dialog(page)
    assert "Working" in card_of_sam(page, stack)

    page.get_by_role("button", name=re.compile(f"Reconnect.*{WHO}|Reconnect")).first.click()
    through_the_dialog(page)
    page.goto(f"{stack.base_url}{CONNECTIONS}")
    assert page.get_by_role("heading", name=WHO).count() == 1

    page.get_by_role("button", name=re.compile(f"Reconnect.*{WHO}")).click()
    through_the_dialog(page, who=OTHER)
    page.get_by_text(f"Facebook signed you in as {OTHER}, not as {WHO}").wait_for()
    page.goto(f"{stack.base_url}{CONNECTIONS}")
    for who in (OTHER, WHO):
        disconnect(page, who)
    assert "Disconnected" in card_of_sam(page, stack)
