"""What a browser keeps at the review desk: the place after reload and back, text over a sign-in."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from tests.flows.test_keyboard_review import PROPOSE, in_product
from tests.stack import Stack, sign_in

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = pytest.mark.browser


def test_text_typed_while_the_session_ends_is_there_after_signing_in(
    stack: Stack, page: Page
) -> None:
    in_product(stack, PROPOSE, NAME="Kept", COUNT=2)
    sign_in(page, stack, "ben@acme.example")
    page.goto(f"{stack.base_url}/t/acme/review/?q=Kept&sort=newest")
    page.get_by_role("link", name=re.compile("^Edit")).click()
    page.get_by_label("Headline").fill("Kept over")
    page.context.clear_cookies(name=re.compile("session"))
    with page.expect_response("**/sign-in/**"):  # what the look of the typed words is told
        page.get_by_label("Headline").press_sequentially(" a sign-in")
    page.wait_for_load_state("networkidle")
    page.get_by_role("button", name="Save", exact=True).click()

    page.wait_for_url("**/sign-in/**")
    page.get_by_text("What you typed is kept").wait_for()
    page.get_by_label("E-mail").fill("ben@acme.example")
    page.get_by_label("Password").fill(stack.password)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url("**/edit/?q=Kept&sort=newest")
    assert page.get_by_label("Headline").input_value() == "Kept over a sign-in"
    page.get_by_role("button", name="Save", exact=True).click()
    page.get_by_text("Saved as version 2").first.wait_for()


def test_text_stays_when_the_look_of_it_finds_nothing_any_more(
    stack: Stack, browser: Browser
) -> None:
    in_product(stack, PROPOSE, NAME="Lost", COUNT=1)
    page = browser.new_page()  # htmx logs such an answer, which the shared window does not forgive
    sign_in(page, stack, "ben@acme.example")
    page.goto(f"{stack.base_url}/t/acme/review/?q=Lost")
    page.get_by_role("link", name=re.compile("^Edit")).click()
    page.route("**/draft/**", lambda route: route.fulfill(status=404, body="There is nothing."))
    page.get_by_label("Headline").fill("Still here")
    page.locator("#messages .notice").wait_for()
    page.wait_for_load_state("networkidle")
    assert page.get_by_label("Headline").input_value() == "Still here"
    page.close()


def test_an_answer_that_nothing_is_there_any_more_loads_the_page_anew(
    stack: Stack, browser: Browser
) -> None:
    in_product(stack, PROPOSE, NAME="Gone", COUNT=1)
    page = browser.new_page()  # htmx logs such an answer, which the shared window does not forgive
    sign_in(page, stack, "ben@acme.example")
    page.goto(f"{stack.base_url}/t/acme/review/?q=Gone")
    page.route("**/later/**", lambda route: route.fulfill(status=404, body="There is nothing."))
    with page.expect_navigation():
        page.keyboard.press("l")
    page.get_by_role("heading", name="Gone 01", exact=True).wait_for()
    page.close()


def test_reload_and_back_keep_the_card_the_filters_the_order_and_the_list(
    stack: Stack, page: Page
) -> None:
    in_product(stack, PROPOSE, NAME="Place", COUNT=40)
    sign_in(page, stack, "ben@acme.example")
    page.goto(f"{stack.base_url}/t/acme/review/?q=Place&sort=newest")
    page.locator(".queue__item").nth(24).click()
    title = page.locator(".desk__stage .stage-head__title")
    page.wait_for_url("**/review/*-*/?q=Place&sort=newest")
    first, address = title.inner_text(), page.url
    assert top_of_list(page) > 200

    page.reload()
    assert title.inner_text() == first
    assert page.locator("[aria-current=true] .queue__title").inner_text() == first
    assert page.locator("#queue-sort").input_value() == "newest"
    assert page.locator("#queue-search").input_value() == "Place"
    assert is_in_view(page, "[aria-current=true].queue__item")

    page.keyboard.press("j")
    page.wait_for_url(lambda url: url != address)
    second = title.inner_text()
    assert second != first
    before = top_of_list(page)
    page.go_back()
    page.wait_for_url(address)
    page.get_by_role("heading", name=first, exact=True).wait_for()
    assert is_in_view(page, "[aria-current=true].queue__item")
    assert abs(top_of_list(page) - before) < 200
    assert page.locator("#queue-sort").input_value() == "newest"
    page.go_forward()
    page.get_by_role("heading", name=second, exact=True).wait_for()
    assert is_in_view(page, "[aria-current=true].queue__item")


def top_of_list(page: Page) -> int:
    top: int = page.evaluate("document.querySelector('.desk__list').scrollTop")
    return top


def is_in_view(page: Page, selector: str) -> bool:
    """Whether the row is drawn inside the list's window."""
    seen: bool = page.evaluate(
        """(selector) => {
            const row = document.querySelector(selector).getBoundingClientRect();
            const list = document.querySelector(".desk__list").getBoundingClientRect();
            return row.top >= list.top && row.bottom <= list.bottom;
        }""",
        selector,
    )
    return seen
