"""The main job in a real browser, with real processes and real HTTP all the way.

Lantern Press is new and empty; the whole way is walked there: connect, choose, read performance,
propose, decide, and find the ad in the stand-in's Ads Manager.
"""

from __future__ import annotations

import json
import re
import urllib.request
from typing import TYPE_CHECKING, Any

import pytest

from tests.stack import Stack, sign_in, wait_until

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = pytest.mark.browser

LANTERN = "/t/lantern"
TEXT = "Stories for long evenings, sent in two days and wrapped by hand."
HEADLINE = "Books that arrive wrapped"
EDITED = "Books that arrive gift-wrapped"
UNWANTED = "Cheapest books on earth"


# In the running product's own database.
NEW_WORKSPACE = """
from leadmetrics.tenancy.models import Membership, Role, Tenant, User
made = Tenant.objects.create(
    slug="lantern", name="Lantern Press", timezone="Europe/London", undo_minutes=0
)
for email, role in (("ana@acme.example", Role.ADMIN), ("ben@acme.example", Role.REVIEWER)):
    Membership.objects.create(tenant=made, user=User.objects.get(email=email), role=role)
"""


@pytest.fixture(scope="module", autouse=True)
def _new_workspace(stack: Stack) -> None:
    """The way begins in a workspace that nobody has connected yet."""
    stack.manage("shell", "-v", "0", "-c", NEW_WORKSPACE)


def test_cancelling_at_facebook_is_a_designed_screen_and_stores_nothing(
    page: Page, stack: Stack
) -> None:
    sign_in(page, stack, "ana@acme.example")
    page.goto(f"{stack.base_url}{LANTERN}/connections/")
    page.get_by_role("button", name="Connect Facebook").click()
    page.get_by_role("button", name="Cancel").click()
    page.wait_for_url("**/connect/meta/callback/**")
    assert "access_denied" not in page.get_by_role("main").inner_text()
    page.goto(f"{stack.base_url}{LANTERN}/connections/")
    assert page.get_by_role("button", name="Connect Facebook").is_visible()


def test_rejecting_pushes_nothing(page: Page, stack: Stack) -> None:
    sign_in(page, stack, "ben@acme.example")
    page.goto(f"{stack.base_url}/t/acme/review/")
    page.locator(".queue__item", has_text="Wetterfest bis zum Gipfel").click()
    page.get_by_role("heading", name="Wetterfest bis zum Gipfel").first.wait_for()
    page.wait_for_timeout(400)  # a decision in the first 300 ms after a card appears does not count
    page.keyboard.press("r")
    page.get_by_role("button", name=re.compile("Not our voice")).click()
    page.get_by_text("Rejected “Wetterfest bis zum Gipfel”").first.wait_for()
    stack.manage("push_approved", "--tenant", "acme")
    page.goto(f"{stack.base_url}/t/acme/ads/")
    assert page.get_by_text("Wetterfest bis zum Gipfel").count() == 0
    assert "Wetterfest" not in json.dumps(writes_of(stack), ensure_ascii=False)


def test_from_sign_in_to_the_paused_ad(page: Page, stack: Stack) -> None:
    sign_in(page, stack, "ana@acme.example")
    connect(page, stack)
    read_performance(page, stack)
    key = make_key(page, stack)
    propose(stack, key)
    sign_out(page)

    sign_in(page, stack, "ben@acme.example")
    reject(page, stack)
    edit(page, stack)
    sign_out(page)

    sign_in(page, stack, "ana@acme.example")
    approve(page, stack)
    find_the_ad(page, stack)
    find_it_in_ads_manager(page, stack)
    assert "lantern" in stack.manage("verify_audit", "--tenant", "lantern")


def connect(page: Page, stack: Stack) -> None:
    page.goto(f"{stack.base_url}{LANTERN}/connections/")
    page.get_by_role("button", name="Connect Facebook").click()
    page.get_by_role("heading", name="Leadmetrics wants to connect").wait_for()
    page.get_by_role("button", name="Continue").click()
    account = page.get_by_role("checkbox", name=re.compile("Acme Outdoor EU"))
    account.wait_for()
    assert page.get_by_role("checkbox", checked=True).count() == 0
    account.check()
    page.get_by_role("button", name="Use these ad accounts").click()
    page.get_by_label("Name of this target").wait_for()
    page.get_by_label("Name of this target").fill("Evening readers")
    ad_set = page.get_by_label("Ad set")
    assert ad_set.input_value() == ""
    option = ad_set.locator("option", has_text="Runners 25-44").get_attribute("value")
    ad_set.select_option(option)
    page.get_by_label("Facebook Page").select_option(label="Acme Trail Club")
    page.get_by_label("Default link").fill("https://books.example/evenings")
    page.get_by_role("button", name="Make this target").click()
    page.get_by_role("heading", name="Evening readers").wait_for()


def read_performance(page: Page, stack: Stack) -> None:
    def is_read() -> bool:
        page.goto(f"{stack.base_url}{LANTERN}/reports/")
        return page.get_by_role("heading", name="Campaigns").count() > 0

    wait_until(is_read, seconds=30)
    assert page.get_by_role("img", name=re.compile("Spend")).count() >= 1
    table = page.get_by_role("table").filter(has_text="Spring hiking boots")
    assert table.count() >= 1


def make_key(page: Page, stack: Stack) -> str:
    page.goto(f"{stack.base_url}{LANTERN}/settings/keys/")
    page.get_by_label("Name").fill("Copy agent")
    page.get_by_role("button", name="Make key").click()
    key = page.locator(".secret__value").inner_text()
    assert key.startswith("lm_")
    return key


def propose(stack: Stack, key: str) -> None:
    targets = call(stack, key, "push-targets")["push_targets"]
    (target,) = [target for target in targets if target["name"] == "Evening readers"]
    variants = [
        {
            "client_ref": ref,
            "target_id": target["id"],
            "headline": headline,
            "primary_text": TEXT,
            "call_to_action": "SHOP_NOW",
        }
        for ref, headline in (("a1", HEADLINE), ("a2", UNWANTED), ("a3", "x" * 41))
    ]
    first = call(stack, key, "variants", {"variants": variants}, idempotency_key="run-1")
    again = call(stack, key, "variants", {"variants": variants}, idempotency_key="run-1")
    assert [item["status"] for item in first["results"]] == ["proposed", "proposed", "refused"]
    assert (first["replayed"], again["replayed"]) == (False, True)
    assert again["results"] == first["results"]


def call(stack: Stack, key: str, path: str, body: Any = None, *, idempotency_key: str = "") -> Any:
    request = urllib.request.Request(
        f"{stack.base_url}/api/v1/{path}",
        json.dumps(body).encode() if body is not None else None,
        {
            "Authorization": f"Bearer {key}",
            "Content-Type": "application/json",
            "Idempotency-Key": idempotency_key,
        },
    )
    with urllib.request.urlopen(request, timeout=10) as response:
        return json.load(response)


def reject(page: Page, stack: Stack) -> None:
    open_card(page, stack, UNWANTED)
    page.keyboard.press("r")
    page.get_by_role("button", name=re.compile("Claim is wrong")).wait_for()
    page.keyboard.press("2")
    page.get_by_text(f"Rejected “{UNWANTED}”").first.wait_for()


def edit(page: Page, stack: Stack) -> None:
    open_card(page, stack, HEADLINE)
    page.get_by_role("link", name=re.compile("Edit")).click()
    page.get_by_label("Headline").fill(EDITED)
    page.get_by_role("button", name=re.compile("Save")).first.click()
    page.get_by_role("article").get_by_text(EDITED).wait_for()
    assert page.get_by_role("button", name=re.compile("Approve")).count() == 0


def approve(page: Page, stack: Stack) -> None:
    open_card(page, stack, EDITED)
    article = page.get_by_role("article", name="Ad as it looks in the mobile feed")
    assert TEXT in article.inner_text()
    page.get_by_role("button", name=re.compile("Approve")).click()
    page.get_by_text(f"Approved “{EDITED}”").first.wait_for()


def open_card(page: Page, stack: Stack, headline: str) -> None:
    page.goto(f"{stack.base_url}{LANTERN}/review/")
    address = page.locator(".queue__item", has_text=headline).get_attribute("href")
    page.goto(f"{stack.base_url}{address}")
    page.get_by_role("heading", name=headline).first.wait_for()
    page.wait_for_timeout(400)  # a decision in the first 300 ms after a card appears does not count


def find_the_ad(page: Page, stack: Stack) -> None:
    def is_paused() -> bool:
        page.goto(f"{stack.base_url}{LANTERN}/ads/")
        row = page.get_by_role("row").filter(has_text=EDITED)
        return "In the ad account: paused" in row.inner_text()

    wait_until(is_paused, seconds=30)
    assert page.get_by_text(UNWANTED).count() == 0
    page.get_by_role("main").get_by_role("link", name=EDITED).first.click()
    page.get_by_text("text equal to what was approved").wait_for()


def find_it_in_ads_manager(page: Page, stack: Stack) -> None:
    page.goto(f"{stack.sandbox_url}/sandbox/")
    shown = page.get_by_role("main").inner_text()
    assert EDITED in shown
    assert TEXT in shown
    assert UNWANTED not in shown
    writes = writes_of(stack)
    ads = [write for write in writes if write["path"].endswith("/ads")]
    mine = [write for write in ads if write["params"]["name"].startswith(EDITED)]
    assert [write["params"]["status"] for write in mine] == ["PAUSED"]
    assert {write["params"]["status"] for write in ads} == {"PAUSED"}


def writes_of(stack: Stack) -> list[dict[str, Any]]:
    """Everything that was written to the stand-in so far."""
    with urllib.request.urlopen(f"{stack.sandbox_url}/sandbox/writes", timeout=10) as answer:
        writes: list[dict[str, Any]] = json.load(answer)["writes"]
    return writes


def sign_out(page: Page) -> None:
    page.locator("summary", has_text=re.compile("Ana|Ben")).last.click()
    page.get_by_role("button", name="Sign out").click()
    page.wait_for_url("**/sign-in/**")
