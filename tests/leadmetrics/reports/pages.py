"""Reading the report page as people do, for its tests."""

from __future__ import annotations

import re
from typing import Any

URL = "/t/acme/reports/"


def text_of(response: Any) -> str:
    """The page's words, without markup and runs of blanks."""
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", response.content.decode()))


def cells_of(response: Any, name: str) -> list[str]:
    """The figures of the table row that begins with ``name``."""
    (row,) = [
        row
        for row in re.findall(r"<tr>.*?</tr>", response.content.decode(), re.S)
        if f"<bdi>{name}</bdi>" in row.split("</th>")[0]
    ]
    cells = re.findall(r'<td class="table__num">(.*?)</td>', row, re.S)
    return ["–" if "missing" in cell else cell for cell in cells]


def link_of(response: Any, name: str) -> str:
    """Where a click on the row's name leads."""
    pattern = rf'<a href="([^"]*)"><bdi>{name}</bdi>'
    (url,) = re.findall(pattern, response.content.decode())
    return str(url).replace("&amp;", "&")


def order_of(response: Any) -> list[str]:
    rows = re.findall(
        r'<th scope="row" class="table__main">(?:<a [^>]*>)?<bdi>(.*?)</bdi>',
        response.content.decode(),
    )
    return [name for name in rows if not name.startswith("Total")]
