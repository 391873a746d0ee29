"""Not collected by itself: test_suite runs it without a browser to see what the suite then says."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from playwright.sync_api import Browser


def test_that_needs_a_browser(browser: Browser) -> None:
    assert browser.version
