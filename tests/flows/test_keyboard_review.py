"""Sixty ads worked through with the keyboard alone, and ten without JavaScript."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from tests.stack import Stack, sign_in

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = pytest.mark.browser

# In the running product's own database: ads that differ enough not to be alike.
PROPOSE = """
import json, sys
from approvals.limits import AdCopy
from approvals.models import AdVariant
from approvals.services.propose import ProposalInput, VariantInput, propose_variants
from integrations.models import PushTarget
from leadmetrics.tenancy.actors import Actor, ActorKind
from leadmetrics.tenancy.models import Tenant
acme = Tenant.objects.get(slug="acme")
target = PushTarget.objects.filter(tenant=acme).order_by("pk").first()
agent = Actor(ActorKind.AGENT, "Copy agent", acme.pk, key_id=1)
items = [
    VariantInput(
        str(target.pk),
        AdCopy(f"Walk number {n}, with {chr(97 + n % 26) * 12} and {n * 7919} steps.",
               f"{NAME} {n:02}", "", "https://acme.example/spring", "SHOP_NOW"),
    )
    for n in range(1, COUNT + 1)
]
propose_variants(actor=agent, proposal=ProposalInput(items=items))
"""
STATES = """
import json
from approvals.models import AdVariant
rows = AdVariant.objects.filter(head__headline__startswith=NAME).select_related("head")
print(json.dumps({row.head.headline: [row.status, row.decisions.count()] for row in rows}))
"""


def in_product(stack: Stack, code: str, **names: object) -> str:
    """Run a few lines in the product's own shell; what they print."""
    given = "".join(f"{name} = {value!r}\n" for name, value in names.items())
    return stack.manage("shell", "--no-imports", "-c", given + code)


def states(stack: Stack, name: str) -> dict[str, tuple[str, int]]:
    found = json.loads(in_product(stack, STATES, NAME=name).strip().splitlines()[-1])
    return {headline: tuple(row) for headline, row in found.items()}


@pytest.fixture
def second(browser: Browser, stack: Stack) -> Iterator[Page]:
    """Ana at another desk."""
    context = browser.new_context(viewport={"width": 1280, "height": 800})
    page = context.new_page()
    sign_in(page, stack, "ana@acme.example")
    yield page
    context.close()


def title(page: Page) -> str:
    return page.locator(".desk__stage:not([inert]) .stage-head__title").inner_text()


def press(page: Page, key: str, *, leaves: str) -> None:
    """Press a key and wait until another ad is there to be decided."""
    page.keyboard.press(key)
    page.wait_for_function(
        """(was) => {
          const there = ".desk__stage:not([inert]):not([hidden]) .stage-head__title";
          const title = document.querySelector(there);
          const done = document.querySelector("#desk > .desk__done");
          return done || (title && !title.innerText.includes(was));
        }""",
        arg=leaves,
    )
    page.wait_for_timeout(320)  # a decision in the first 300 ms after a card appears does not count


def test_sixty_ads_by_keyboard(page: Page, second: Page, stack: Stack) -> None:
    in_product(stack, PROPOSE, NAME="Keys", COUNT=60)
    sign_in(page, stack, "ben@acme.example")
    page.goto(f"{stack.base_url}/t/acme/review/?q=Keys")
    page.keyboard.press("j")
    page.wait_for_url("**/review/*-*/**")
    page.keyboard.press("k")
    page.get_by_role("heading", name="Keys 01").first.wait_for()
    page.wait_for_timeout(320)
    wanted: dict[str, tuple[str, int]] = {}
    for number in range(1, 41):
        name = f"Keys {number:02}"
        assert title(page) == name
        if number == 20:  # Ana changes the ad that Ben has on his screen
            edit_as(second, stack, name, "Keys 20 by Ana")
            page.keyboard.press("a")
            page.get_by_text("This ad changed while you were reading").first.wait_for()
            page.wait_for_timeout(320)
            press(page, "j", leaves="Keys 20")
            wanted["Keys 20 by Ana"] = ("proposed", 0)
        elif number % 10 == 3:
            page.keyboard.press("r")
            page.get_by_role("button", name=re.compile("Not our voice")).wait_for()
            press(page, "1", leaves=name)
            wanted[name] = ("rejected", 1)
        elif number % 10 == 7:
            page.keyboard.press("c")
            page.keyboard.press("1")
            page.keyboard.type("Say the weight.")
            page.keyboard.press("Tab")
            press(page, "Enter", leaves=name)
            wanted[name] = ("changes_requested", 1)
        elif number == 30:  # a slip: taken back, then decided otherwise
            press(page, "a", leaves=name)
            page.keyboard.press("u")
            page.get_by_text("Taken back").first.wait_for()
            assert title(page) == name
            page.wait_for_timeout(320)
            page.keyboard.press("r")
            page.get_by_role("button", name=re.compile("Not our voice")).wait_for()
            press(page, "2", leaves=name)
            wanted[name] = ("rejected", 3)
        else:
            press(page, "a", leaves=name)
            wanted[name] = ("approved", 1)
    for number in range(41, 60):  # looked at, not decided; the sixtieth is never opened
        assert title(page) == f"Keys {number:02}"
        if number < 59:
            press(page, "j", leaves=f"Keys {number:02}")
    page.keyboard.press("b")
    page.get_by_role("heading", name="Decide together").wait_for()
    assert "You have not had it on your screen" in page.get_by_role("main").inner_text()
    page.keyboard.press("a")
    page.get_by_role("heading", name=re.compile("Approved: ")).wait_for()
    wanted |= {f"Keys {number}": ("approved", 1) for number in range(41, 60)}
    wanted["Keys 20 by Ana"] = ("approved", 1)  # Ben saw her words before he went on
    wanted["Keys 60"] = ("proposed", 0)
    assert states(stack, "Keys") == wanted
    assert Counter(state for state, _ in wanted.values())["approved"] == 50


def edit_as(page: Page, stack: Stack, name: str, headline: str) -> None:
    page.goto(f"{stack.base_url}/t/acme/review/?q={name.replace(' ', '+')}")
    page.locator(".queue__item", has_text=name).click()
    page.wait_for_url("**/review/*-*/**")
    page.get_by_role("link", name=re.compile("Edit")).click()
    page.get_by_label("Headline").fill(headline)
    page.get_by_role("button", name=re.compile("Save")).first.click()
    page.get_by_text("Saved as version 2").first.wait_for()


def test_the_next_card_is_there_before_the_server_answers(page: Page, stack: Stack) -> None:
    in_product(stack, PROPOSE, NAME="Quick", COUNT=3)
    sign_in(page, stack, "ben@acme.example")
    page.goto(f"{stack.base_url}/t/acme/review/?q=Quick")
    page.locator(".queue__item").first.click()
    page.wait_for_url("**/review/*-*/**")
    page.wait_for_load_state("networkidle")
    page.route("**/review/**", lambda _route: None)  # no request is answered any more
    page.keyboard.press("j")
    shown = page.locator("#desk > .desk__stage:not([hidden]) .stage-head__title")
    shown.filter(has_text="Quick 02").wait_for()


def test_ten_ads_without_javascript(browser: Browser, second: Page, stack: Stack) -> None:
    in_product(stack, PROPOSE, NAME="Plain", COUNT=10)
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    sign_in(page, stack, "ben@acme.example")
    page.goto(f"{stack.base_url}/t/acme/review/?q=Plain")
    page.locator(".queue__item").first.click()
    wanted = {}
    for number in range(1, 9):
        name = f"Plain {number:02}"
        page.get_by_role("heading", name=name).first.wait_for()
        if number == 3:
            page.locator("summary", has_text="Reject").click()
            page.get_by_role("button", name=re.compile("Offer, price")).click()
            wanted[name] = ("rejected", 1)
        elif number == 5:
            page.locator("summary", has_text="Ask for changes").click()
            page.get_by_label(re.compile("What should change")).fill("Shorter, please.")
            page.get_by_role("button", name="Ask for changes").click()
            wanted[name] = ("changes_requested", 1)
        elif number == 7:
            page.get_by_role("button", name=re.compile("Approve")).click()
            page.get_by_role("button", name=re.compile("Undo")).click()
            page.get_by_role("heading", name=name).first.wait_for()
            page.get_by_role("button", name=re.compile("Approve")).click()
            wanted[name] = ("approved", 3)
        elif number == 8:  # Ana changes the ad that Ben has on his screen
            edit_as(second, stack, name, "Plain 08 by Ana")
            page.get_by_role("button", name=re.compile("Approve")).click()
            notice = page.get_by_role("alert")
            notice.get_by_text("This ad changed while you were reading").wait_for()
            assert "by Ana" in notice.locator("ins").inner_text()
            page.get_by_role("button", name=re.compile("Approve")).click()
            wanted["Plain 08 by Ana"] = ("approved", 1)
        else:
            page.get_by_role("button", name=re.compile("Approve")).click()
            wanted[name] = ("approved", 1)
    page.get_by_role("heading", name="Plain 09").first.wait_for()
    page.get_by_role("link", name=re.compile("Next")).click()
    page.get_by_role("link", name=re.compile("Decide together")).click()
    page.get_by_role("button", name=re.compile("Approve")).click()
    page.get_by_role("heading", name="Approved: 2").wait_for()
    wanted |= {"Plain 09": ("approved", 1), "Plain 10": ("approved", 1)}
    context.close()
    assert states(stack, "Plain") == wanted
