"""Words typed at once after a click land where they were meant to."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from tests.stack import Stack, sign_in

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = pytest.mark.browser


def test_words_typed_while_the_edit_form_appears_stay_in_their_field(
    page: Page, stack: Stack
) -> None:
    sign_in(page, stack, "ben@acme.example")
    page.goto(f"{stack.base_url}/t/acme/review/")
    page.locator(".queue__item").first.click()
    page.wait_for_url("**/review/*-*/**")
    page.get_by_role("link", name=re.compile("Edit")).click()
    text = page.get_by_label("Primary text").input_value()
    for number in range(15):
        page.get_by_role("link", name="Cancel").click()
        page.get_by_role("link", name=re.compile("Edit")).click()
        page.get_by_label("Headline").fill(f"Typed at once {number}")
        page.wait_for_timeout(60)  # longer than any focus that comes late
        assert page.get_by_label("Headline").input_value() == f"Typed at once {number}"
        assert page.get_by_label("Primary text").input_value() == text


def test_the_ad_is_drawn_as_it_is_typed(page: Page, stack: Stack) -> None:
    sign_in(page, stack, "ben@acme.example")
    page.goto(f"{stack.base_url}/t/acme/review/")
    page.get_by_role("link", name=re.compile("Edit")).click()
    page.get_by_label("Headline").fill("Drawn while typed")
    page.locator("#as-typed").get_by_text("Drawn while typed").wait_for()
    page.get_by_label("Headline").press("End")
    page.keyboard.type(" on")
    page.locator("#as-typed").get_by_text("Drawn while typed on").wait_for()
    assert page.evaluate("document.activeElement.name") == "headline"
