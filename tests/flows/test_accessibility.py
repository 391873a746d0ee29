"""axe on every page: light and dark, on a desk and on a phone, no violation."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import pytest

from tests.flows.every_page import every_page
from tests.stack import Stack, sign_in

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = pytest.mark.browser

SIZES = ((1280, 800), (390, 844))
SCHEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")
# The two rules about colour are all that the scheme decides; the others are looked at in light.
RUN = {
    "light": "axe.run({resultTypes: ['violations'], preload: false})",
    "dark": "axe.run({runOnly: ['color-contrast', 'link-in-text-block'], preload: false})",
}
AT_REST = "Promise.allSettled(document.getAnimations().map((each) => each.finished)).then(() => 1)"


def test_no_page_has_an_accessibility_violation(page: Page, stack: Stack) -> None:
    from axe_playwright_python.sync_playwright import Axe

    script = Axe().axe_script
    sign_in(page, stack, "ana@acme.example")
    addresses = every_page(page, stack)
    assert len(addresses) > 25, sorted(addresses)
    violations: list[str] = []
    for name, path in addresses.items():
        page.emulate_media(color_scheme="light", reduced_motion="reduce")
        page.goto(stack.base_url + path)
        page.evaluate(script)
        for scheme in SCHEMES:
            page.emulate_media(color_scheme=scheme)
            page.evaluate(AT_REST)  # colours fade from one scheme to the other
            for width, height in SIZES:
                page.set_viewport_size({"width": width, "height": height})
                where = f"{name} at {width} px, {scheme}"
                needed = page.evaluate("document.documentElement.scrollWidth")
                if needed > width:
                    violations.append(f"{where}: scrolls sideways, {needed} px")
                violations += [
                    f"{where}: {each['id']} {node['html'][:160]}"
                    for each in page.evaluate(RUN[scheme])["violations"]
                    for node in each["nodes"]
                ]
    assert violations == [], "\n".join(violations)
