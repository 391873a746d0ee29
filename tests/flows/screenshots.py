"""Draws every page of the demo at 1280 and 390 px into build/screenshots: `make screenshots`."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

from playwright.sync_api import Page

from tests.stack import ROOT, Stack, open_browser, sign_in

FOLDER = ROOT / "build" / "screenshots"
WIDTHS = {1280: 800, 390: 844}
ACME = "/t/acme"
PAGES = {
    "home": f"{ACME}/",
    "review": f"{ACME}/review/",
    "ads": f"{ACME}/ads/",
    "reports": f"{ACME}/reports/",
    "audiences": f"{ACME}/audiences/",
    "connections": f"{ACME}/connections/",
    "activity": f"{ACME}/activity/",
    "settings": f"{ACME}/settings/",
    "keys": f"{ACME}/settings/keys/",
    "empty-home": "/t/harbour/",
    "empty-connections": "/t/harbour/connections/",
    "api-docs": "/api/v1/docs",
}


def draw(page: Page, stack: Stack, width: int, height: int) -> None:
    """Every page at one width."""
    page.set_viewport_size({"width": width, "height": height})
    page.context.clear_cookies()
    page.goto(f"{stack.base_url}/sign-in/")
    page.screenshot(path=FOLDER / f"sign-in-{width}.png")
    sign_in(page, stack, "ana@acme.example")
    for name, path in PAGES.items():
        page.goto(stack.base_url + path, wait_until="networkidle")
        page.screenshot(path=FOLDER / f"{name}-{width}.png", full_page=name != "review")
    page.goto(f"{stack.base_url}{ACME}/review/")
    page.locator(".queue__item").first.click()
    page.wait_for_url("**/review/*-*/**")
    page.wait_for_load_state("networkidle")
    page.screenshot(path=FOLDER / f"review-card-{width}.png")
    page.goto(f"{stack.base_url}{ACME}/ads/")
    page.get_by_role("main").get_by_role("link", name="Up early, coffee first").first.click()
    page.wait_for_url("**/ads/*-*/")
    page.screenshot(path=FOLDER / f"ad-{width}.png", full_page=True)
    page.goto(f"{stack.sandbox_url}/sandbox/")
    page.screenshot(path=FOLDER / f"stand-in-{width}.png")


def main() -> None:
    """Start the product, draw, stop it."""
    shutil.rmtree(FOLDER, ignore_errors=True)
    FOLDER.mkdir(parents=True)
    stack = Stack(Path(tempfile.mkdtemp(prefix="leadmetrics-screens-")))
    stack.up()
    try:
        with open_browser() as browser:
            page = browser.new_context(device_scale_factor=1).new_page()
            for width, height in WIDTHS.items():
                draw(page, stack, width, height)
        stack.stop()
    finally:
        stack.close()
    print(f"Drawn into {FOLDER.relative_to(ROOT)}.")


if __name__ == "__main__":
    main()
