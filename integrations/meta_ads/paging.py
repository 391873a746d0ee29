"""Reading a list to its end: by cursor only, in smaller pages when Meta finds one too heavy."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from integrations.meta_ads.errors import ErrorKind, MetaError, Unreadable
from integrations.meta_ads.parse import Json, read_object
from integrations.meta_ads.transport import Transport
from integrations.meta_ads.types import AccessToken

PAGE_SIZE = 100
SMALLEST_PAGE = 25
# Far above any list of ours; it ends a list of ever new cursors.
MOST_PAGES = 10_000


def pages(
    transport: Transport,
    path: str,
    params: Mapping[str, Any],
    token: AccessToken,
    *,
    limit: int = PAGE_SIZE,
) -> Iterator[tuple[list[Any], str]]:
    """Each page's items, and the cursor of the next one, empty after the last. Raises MetaError.

    The ``next`` address carries the token and is never followed; only its absence ends the list, a
    page may be empty before that. When a page is too heavy, the same cursor is asked for again with
    half the limit, down to 25. A cursor that comes back would go on for ever, so it is Unreadable.
    """
    # Graph API: Paginated Results
    after, seen = "", set[str]()
    while True:
        asked = {**params, "limit": limit, **({"after": after} if after else {})}
        try:
            items, after = transport.read(path, asked, token, read_page)
        except MetaError as exc:
            if exc.kind != ErrorKind.TOO_MUCH_DATA or limit <= SMALLEST_PAGE:
                raise
            limit = max(limit // 2, SMALLEST_PAGE)
            continue
        if after in seen or len(seen) >= MOST_PAGES:
            raise Unreadable
        yield items, after
        if not after:
            return
        seen.add(after)


def read_page(answer: Json) -> tuple[list[Any], str]:
    """The items of a page and the cursor of the following one, empty at the end."""
    items = answer.get("data")
    if not isinstance(items, list):
        raise Unreadable
    paging = read_object(answer.get("paging"))
    if paging.get("next") is None:
        return items, ""
    after = read_object(paging.get("cursors")).get("after")
    if not isinstance(after, str) or not after:
        raise Unreadable
    return items, after
