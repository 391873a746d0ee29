"""Every page of the product, found by following its links: a new page joins by itself."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING
from urllib.parse import urljoin, urlsplit

from django.urls import Resolver404, resolve

if TYPE_CHECKING:
    from playwright.sync_api import Page

    from tests.stack import Stack

# The demo's workspace, one that is still empty, and what people see before they sign in.
STARTS = ("/t/acme/", "/t/harbour/", "/sign-in/", "/no-such-page/", "/api/v1/docs")
_HREF = re.compile(r'href="([^"#]+)')


def every_page(page: Page, stack: Stack) -> dict[str, str]:
    """One address per page, by workspace and route; the window must be signed in.

    Django admin, whose pages are Django's own, and downloads are left out.
    """
    found: dict[str, str] = {}
    waiting = list(STARTS)
    while waiting:
        path = waiting.pop(0)
        name = _route(path)
        if not name or name in found:
            continue
        answer = page.request.get(stack.base_url + path)
        landed = urlsplit(answer.url)
        if "text/html" not in answer.headers.get("content-type", "") or answer.status >= 500:
            assert answer.status < 500, f"{path} answers {answer.status}"
            continue
        found[name] = path
        waiting += _links(answer.text(), f"{landed.path}?{landed.query}".rstrip("?"))
    return found


def _links(html: str, base: str) -> Iterator[str]:
    for href in _HREF.findall(html):
        parts = urlsplit(urljoin(base, href.replace("&amp;", "&")))
        if not parts.netloc and parts.path.startswith(("/t/", "/connect", "/mail")):
            yield f"{parts.path}?{parts.query}" if parts.query else parts.path


def _route(path: str) -> str:
    """The workspace and route of an address, with the names of its parameters; empty if none."""
    parts = urlsplit(path)
    try:
        match = resolve(parts.path)
    except Resolver404:
        return parts.path if parts.path in STARTS else ""
    names = sorted(pair.partition("=")[0] for pair in parts.query.split("&") if pair)
    # A list's own parameters (sort, page, range) show the same page again.
    query = "edit" if "edit" in names else ""
    route = re.sub(r"<\w+:(\w+)>", r"\1", match.route.removeprefix("t/<slug:tenant>/"))
    return " ".join(filter(None, [match.kwargs.get("tenant", ""), route or "home", query]))
