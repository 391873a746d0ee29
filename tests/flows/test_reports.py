"""The report page in a browser: its table by keyboard, its address, and what it hands out."""

from __future__ import annotations

import csv
import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.stack import Stack, sign_in

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = pytest.mark.browser


def test_the_report_sorts_narrows_and_hands_out_what_it_shows(page: Page, stack: Stack) -> None:
    sign_in(page, stack, "ana@acme.example")
    page.goto(f"{stack.base_url}/t/acme/reports/")
    table = page.locator(".report__table").first

    heading = table.get_by_role("link", name="Clicks", exact=True)
    heading.focus()
    page.keyboard.press("Enter")
    page.wait_for_url("**sort=-clicks**")
    clicks = [
        int(text.replace(",", ""))
        for text in table.locator("tbody tr td:nth-of-type(3)").all_inner_texts()
        if text[:1].isdigit()
    ]
    assert clicks == sorted(clicks, reverse=True)
    assert table.locator("th[aria-sort=descending]").inner_text().strip() == "Clicks"

    name = table.locator("tbody th bdi").first.inner_text()
    page.get_by_label("Campaign", exact=True).fill(name)
    page.get_by_role("button", name="Show").click()
    page.wait_for_url("**q=**")
    shown = page.locator(".report__table tbody th bdi").all_inner_texts()
    assert name in shown

    page.locator("summary", has_text="Export").click()
    with page.expect_download() as handed:
        page.get_by_role("link", name="Campaigns and totals CSV").first.click()
    with Path(handed.value.path()).open(encoding="utf-8-sig") as file:
        rows = list(csv.DictReader(file))
    assert [row["Campaign"] for row in rows if row["Row"] == "Campaign"] == shown
    with page.expect_download() as handed:
        page.get_by_role("link", name="Campaigns and totals, XLSX").click()
    assert Path(handed.value.path()).read_bytes().startswith(b"PK")

    address = page.url  # reproduces the view
    page.goto(f"{stack.base_url}/t/acme/")
    page.goto(address)
    assert page.locator(".report__table tbody th bdi").all_inner_texts() == shown

    page.get_by_role("link", name=name).first.click()
    page.get_by_role("navigation", name="Where you are").wait_for()
    assert name in page.get_by_role("navigation", name="Where you are").inner_text()


def test_the_chart_tells_the_day_under_the_pointer_and_zooms(page: Page, stack: Stack) -> None:
    sign_in(page, stack, "ana@acme.example")
    page.goto(f"{stack.base_url}/t/acme/reports/?compare=1")
    card = page.locator(".report__block .card", has=page.locator(".chart")).first
    frame, live, tip = (card.locator(f".chart__{part}") for part in ("frame", "live", "tip"))
    assert page.evaluate("typeof uPlot") == "undefined"  # only who points at a chart loads it
    card.locator("summary").click()
    rows = [
        (row.locator("th").inner_text(), row.locator("td").first.inner_text())
        for row in card.locator("table tbody tr").all()
    ]
    days = {" ".join(day.split()[1:3]): figure for day, figure in rows}

    def point_at(part: float) -> str:
        assert box is not None
        page.mouse.move(box["x"] + box["width"] * part, box["y"] + box["height"] / 2)
        return tip.inner_text()

    frame.hover()
    live.locator("canvas").wait_for()
    box = live.locator(".u-over").bounding_box()
    edges = [point_at(part).split(":")[0] for part in (0.001, 0.999)]
    newest, *_, oldest = days
    assert edges == [oldest, newest]
    for part in (0.2, 0.5, 0.8):
        day, figure = point_at(part).split(" (")[0].split(": ")
        assert days[day] == figure

    back = card.get_by_role("button", name="All days")
    assert back.is_hidden()
    first = point_at(0.25).split(":")[0]
    page.mouse.down()
    last = point_at(0.5).split(":")[0]
    page.mouse.up()
    assert (point_at(0.01).split(":")[0], point_at(0.99).split(":")[0]) == (first, last)
    assert box is not None
    page.mouse.dblclick(box["x"] + box["width"] / 2, box["y"] + 20)
    assert point_at(0.01).split(":")[0] == oldest
    assert back.is_hidden()

    page.mouse.down()
    point_at(0.3)
    page.mouse.up()
    back.click()
    assert point_at(0.99).split(":")[0] == newest

    page.emulate_media(media="print")
    assert live.is_hidden()
    assert frame.locator("svg").first.evaluate("svg => getComputedStyle(svg).opacity") == "1"


CUT_SHORT = """
from integrations.models import AdAccount, SyncRun
account = AdAccount.objects.filter(tenant__slug="acme", enabled=True).first()
run = SyncRun.objects.create(
    tenant=account.tenant, integration=account.integration, ad_account=account,
    kind="insights", state="failed", error="Meta stopped answering.",
)
print(run.pk)
"""
FORGET = "from integrations.models import SyncRun; SyncRun.objects.filter(pk='{}').delete()"


def test_paper_has_every_day_and_what_is_wrong_with_them(page: Page, stack: Stack) -> None:
    sign_in(page, stack, "ana@acme.example")
    run = stack.manage("shell", "--no-imports", "-c", CUT_SHORT).strip()
    page.goto(f"{stack.base_url}/t/acme/reports/?metric=love")
    stack.manage("shell", "--no-imports", "-c", FORGET.format(run))

    page.emulate_media(media="print")

    top, controls = (".top-bar", ".page-header__action"), (".report__presets", ".toolbar")
    for part in (*top, *controls, ".chart__hint"):
        assert page.locator(part).first.is_hidden(), part
    assert page.get_by_text("This report has no figure “love”").is_visible()
    freshness = page.locator(".report__freshness")
    assert freshness.get_by_text("was cut short").is_visible()
    assert freshness.locator("a").first.is_hidden()
    for days in page.locator(".report__days").all():  # nobody has opened them
        assert days.evaluate(
            "days => days.checkVisibility() && days.scrollHeight <= days.clientHeight"
        )
        assert days.locator("tr").last.bounding_box()


def test_the_demo_leads_from_campaign_to_ad_set_to_ad(page: Page, stack: Stack) -> None:
    sign_in(page, stack, "ana@acme.example")
    page.goto(f"{stack.base_url}/t/acme/reports/")
    path = page.get_by_role("navigation", name="Where you are")
    rows = page.locator(".report__table tbody tr")
    seen = []
    page.get_by_role("link", name="Spring hiking boots", exact=True).click()
    for level in ("Ad set", "Ad"):
        path.wait_for()
        page.locator(".report__table thead", has_text=level).first.wait_for()
        assert rows.count() > 0, level
        assert re.search(r"\d", rows.first.locator("td").nth(1).inner_text()), level
        seen.append(rows.first.locator("th").inner_text())
        if level == "Ad set":
            rows.first.locator("th").get_by_role("link").click()
            page.wait_for_url("**ad_set=**")
    assert seen[0] != seen[1]


def test_without_script_the_chart_is_drawn_and_promises_nothing(
    browser: Browser, stack: Stack
) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    sign_in(page, stack, "ana@acme.example")
    page.goto(f"{stack.base_url}/t/acme/reports/")
    assert page.locator(".chart__plot").first.is_visible()
    assert page.locator(".chart__hint").first.is_hidden()
    context.close()


def test_the_report_can_be_read_at_twice_the_size(page: Page, stack: Stack) -> None:
    sign_in(page, stack, "ana@acme.example")
    page.set_viewport_size({"width": 640, "height": 400})  # what 200 % leaves of 1280 x 800
    for path in ("reports/", "catalog/ad-sets/", "sync/"):
        page.goto(f"{stack.base_url}/t/acme/{path}")
        assert page.evaluate("document.documentElement.scrollWidth") <= 640, path
