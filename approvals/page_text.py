"""The words of a web page, as far as a figure or a date can be looked up in them. Pure."""

from __future__ import annotations

import re
from html.parser import HTMLParser

MAX_CHARACTERS = 50_000
_SILENT = frozenset({"script", "style", "noscript", "template", "svg"})
_CHARSET = re.compile(rb"""<meta[^>]{0,200}charset=["']?([\w-]{1,40})""", re.IGNORECASE)


def read_text(body: bytes, charset: str) -> str:
    """The text of an HTML page, single-spaced, at most 50,000 characters; never raises."""
    declared = _CHARSET.search(body[:4096])
    name = charset or (declared.group(1).decode("ascii", "ignore") if declared else "") or "utf-8"
    try:
        html = body.decode(name, "replace")
    except LookupError:
        html = body.decode("utf-8", "replace")
    reader = _Reader()
    reader.feed(html)
    text = re.sub(r"\s+", " ", " ".join(reader.parts)).strip()
    return text.replace("\0", "")[:MAX_CHARACTERS]


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.parts: list[str] = []
        self._silent = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._silent += tag in _SILENT
        values = dict(attrs)
        if tag == "meta" and values.get("content"):  # product data often stands here only
            self.parts.append(values["content"] or "")

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in _SILENT:
            self.handle_starttag(tag, attrs)

    def handle_endtag(self, tag: str) -> None:
        if tag in _SILENT and self._silent:
            self._silent -= 1

    def handle_data(self, data: str) -> None:
        if not self._silent:
            self.parts.append(data)
