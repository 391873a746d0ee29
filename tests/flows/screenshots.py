"""Draws every page of the demo at 1280 and 390 px into build/screenshots: `make screenshots`."""

from __future__ import annotations

import os
import re
import shutil
import tempfile
from pathlib import Path

import django
from playwright.sync_api import Page

from tests.flows.every_page import every_page
from tests.stack import ROOT, Stack, open_browser, sign_in

FOLDER = ROOT / "build" / "screenshots"
WIDTHS = {1280: 800, 390: 844}


def draw(page: Page, stack: Stack) -> None:
    """Every page that links lead to, at both widths, and what the stand-in shows."""
    page.goto(f"{stack.base_url}/sign-in/")
    shoot(page, "sign-in")
    sign_in(page, stack, "ana@acme.example")
    for name, path in every_page(page, stack).items():
        page.goto(stack.base_url + path, wait_until="networkidle")
        shoot(page, "-".join(re.findall(r"[\w-]+", name)))
    page.goto(f"{stack.sandbox_url}/sandbox/")
    shoot(page, "stand-in")


def shoot(page: Page, name: str) -> None:
    """The window's page at both widths. The review desk fits the window, others are long."""
    for width, height in WIDTHS.items():
        page.set_viewport_size({"width": width, "height": height})
        page.screenshot(path=FOLDER / f"{name}-{width}.png", full_page="review" not in name)


def main() -> None:
    """Start the product, draw, stop it."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.settings")
    django.setup()
    shutil.rmtree(FOLDER, ignore_errors=True)
    FOLDER.mkdir(parents=True)
    stack = Stack(Path(tempfile.mkdtemp(prefix="leadmetrics-screens-")))
    stack.up()
    try:
        with open_browser() as browser:
            page = browser.new_context(device_scale_factor=1).new_page()
            draw(page, stack)
        stack.stop()
    finally:
        stack.close()
    print(f"Drawn into {FOLDER.relative_to(ROOT)}.")


if __name__ == "__main__":
    main()
