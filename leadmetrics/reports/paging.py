"""Lists by name, a page at a time, found by key and not by counting."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Generic, TypeVar
from urllib.parse import urlencode

from django.db.models import Model, Q, QuerySet

PER_PAGE = 50
M = TypeVar("M", bound=Model)


@dataclass(frozen=True, slots=True)
class State:
    """What something is good for now, in words."""

    tone: str
    label: str
    detail: str = ""


# The lists that Meta gives hold neither, so from here they cannot be told apart.
DELETED = State(
    "neutral",
    "Archived or deleted at Meta",
    "Kept here for its history; nothing can go to it.",
)


@dataclass(frozen=True, slots=True)
class NamePage(Generic[M]):
    """Some rows and the keys the neighbouring pages begin beside (None: there are none)."""

    items: list[M]
    before: int | None
    after: int | None


def page_by_name(
    found: QuerySet[M], *, after: int | None = None, before: int | None = None
) -> NamePage[M]:
    """The page after (or before) the row with this key; ``found`` is ordered by name and key."""
    place = after or before
    anchor: Any = found.filter(pk=place).first() if place else None
    beside = found
    if anchor is not None:
        way = "gt" if after else "lt"
        beside = found.filter(
            Q(**{f"name__{way}": anchor.name}) | Q(name=anchor.name, **{f"pk__{way}": anchor.pk})
        )
    is_back = anchor is not None and not after
    rows = list((beside.reverse() if is_back else beside)[: PER_PAGE + 1])
    has_more, rows = len(rows) > PER_PAGE, rows[:PER_PAGE]
    if is_back:
        rows.reverse()
    has_before = has_more if is_back else anchor is not None
    has_after = is_back or has_more
    return NamePage(
        items=rows,
        before=rows[0].pk if rows and has_before else None,
        after=rows[-1].pk if rows and has_after else None,
    )


def page_url(path: str, narrow: Mapping[str, str], **place: int | None) -> str:
    """The address of a neighbouring page of a narrowed list; empty when there is none."""
    if not any(place.values()):
        return ""
    query = {key: value for key, value in {**narrow, **place}.items() if value}
    return f"{path}?{urlencode(query)}"


def read_place(text: str) -> int | None:
    """The key in an address, None for anything else."""
    return int(text) if text.isdecimal() and len(text) < 19 else None
