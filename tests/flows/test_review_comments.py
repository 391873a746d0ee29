"""Marking words of an ad in a browser and commenting on them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.flows.test_keyboard_review import PROPOSE, in_product
from tests.stack import Stack, sign_in

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = pytest.mark.browser

MARK = """([selector, from, to]) => {
    const text = document.querySelector(selector).firstChild;
    const range = document.createRange();
    range.setStart(text, from);
    range.setEnd(text, to);
    getSelection().removeAllRanges();
    getSelection().addRange(range);
}"""


def test_words_marked_in_the_ad_are_commented_on_and_stay_marked(stack: Stack, page: Page) -> None:
    in_product(stack, PROPOSE, NAME="Said", COUNT=1)
    sign_in(page, stack, "ben@acme.example")
    page.goto(f"{stack.base_url}/t/acme/review/?q=Said")
    page.get_by_role("heading", name="Said 01").wait_for()

    page.evaluate(MARK, [".desk__stage .stage-head__title span", 0, 4])
    page.get_by_role("link", name="Comment M").click()
    form = page.locator(".comment-form")
    assert form.get_by_label("About these words").input_value() == "Said"
    assert page.evaluate("document.activeElement.name") == "text"

    page.keyboard.type("Is that how we say it, @Vera?")
    form.get_by_label("Ana").check()
    form.get_by_role("button", name="Comment").click()
    page.locator("#comment-1").wait_for()
    assert page.locator("mark.remark").all_inner_texts() == ["Said"]
    assert "told" in page.locator("#comment-1").inner_text()
    page.locator(".ad-preview").get_by_role("link", name="Comment 1").click()
    assert page.url.endswith("#comment-1")
    assert page.locator(".decision-bar").bounding_box()["y"] > 700  # the desk itself stays

    page.evaluate(MARK, ["[data-field=primary_text]", 5, 11])
    page.keyboard.press("m")
    form.locator("textarea:focus").wait_for()
    assert form.get_by_label("About these words").input_value() == "number"
    assert form.locator("[name=field]").input_value() == "primary_text"
    assert form.locator("[name=near]").input_value() == "5"
