"""HTML for people: escaping, the page frame, and headers that allow no script at all."""

from __future__ import annotations

from html import escape
from typing import Any

from integrations.sandbox.wire import Response


def esc(value: Any) -> str:
    """Text safe in HTML, attributes included."""
    return escape(str(value), quote=True)


def document(title: str, body: str) -> str:
    """A whole page around `body`."""
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta name="color-scheme" content="light dark">\n'
        f"<title>{esc(title)}</title>\n"
        '<link rel="icon" href="/sandbox/icon.svg">\n'
        '<link rel="stylesheet" href="/sandbox/style.css">\n</head>\n'
        f"<body>{body}</body>\n</html>\n"
    )


def page_response(
    text: str, *, status: int = 200, form_target: str = "", framed: bool = False
) -> Response:
    """A page with a strict policy; a form may lead to `form_target` (an origin) and home."""
    ancestors = "http://localhost:* http://127.0.0.1:*" if framed else "'none'"
    policy = (
        "default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'; "
        f"frame-ancestors {ancestors}; form-action 'self' {form_target}".rstrip()
    )
    headers = [
        ("Content-Security-Policy", policy),
        ("Referrer-Policy", "same-origin"),
        ("X-Content-Type-Options", "nosniff"),
        ("Cache-Control", "no-store"),
    ]
    return Response(status, text.encode(), headers, "text/html; charset=utf-8")


def redirect(where: str) -> Response:
    """303 to a page of our own."""
    return Response(303, b"", [("Location", where)], "text/html; charset=utf-8")
