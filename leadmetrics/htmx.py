"""The little we need of htmx on the server."""

from __future__ import annotations

import json

from django.http import HttpRequest, HttpResponse


def is_fragment(request: HttpRequest) -> bool:
    """Whether htmx asks, which gets the same fragment that the page includes."""
    return request.headers.get("HX-Request") == "true"


def announce(response: HttpResponse, message: str, *, url: str = "") -> HttpResponse:
    """Have the page's live region say ``message``; with ``url`` also show that address."""
    response["HX-Trigger"] = json.dumps({"announce": message})
    if url:
        response["HX-Push-Url"] = url
    return response
