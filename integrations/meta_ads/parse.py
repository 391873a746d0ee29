"""Reading single values strictly: whatever is not as the reference promises is Unreadable."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, date, datetime
from decimal import Decimal, InvalidOperation
from functools import lru_cache
from typing import Any

from integrations.meta_ads.errors import Unreadable

Json = Mapping[str, Any]

_INTEGER = re.compile(r"-?[0-9]{1,18}")
_NUMBER = re.compile(r"-?[0-9]{1,18}(\.[0-9]{1,30})?([eE][+-]?[0-9]{1,2})?")
# What needs no further look: these are below every bound.
_PLAIN_NUMBER = re.compile(r"-?[0-9]{1,11}(\.[0-9]{1,30})?")
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
# PostgreSQL stores neither NUL nor half a surrogate pair, and JSON can carry both.
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")
_SMALL = 2**31
_LARGE = 2**63
_DECIMAL_LIMIT = Decimal(999_999_999_999)


def read_object(value: Any) -> Json:
    """A JSON object; absent counts as empty."""
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise Unreadable
    return value


def read_list(value: Any) -> list[Any]:
    """A JSON list; absent counts as empty."""
    if value is None:
        return []
    if not isinstance(value, list):
        raise Unreadable
    return value


def read_text(value: Any, limit: int = 10_000) -> str:
    """A string of at most ``limit`` characters; absent counts as empty.

    Characters that no database can hold are replaced.
    """
    if value is None:
        return ""
    if not isinstance(value, str) or len(value) > limit:
        raise Unreadable
    if value.isascii() and "\x00" not in value:
        return value
    return _UNSTORABLE.sub("\ufffd", value)


def read_name(value: Any, limit: int = 400) -> str:
    """A name for people to read, cut at ``limit``; one long name must not stop a whole list."""
    return read_text(value, 100_000)[:limit]


def read_id(value: Any) -> str:
    """An object id: digits only, as a string, at most 32 of them."""
    if not isinstance(value, str) or not value.isascii() or not value.isdigit() or len(value) > 32:
        raise Unreadable
    return value


def read_optional_id(value: Any) -> str:
    """An object id, or empty when Meta sent none."""
    return read_id(value) if value else ""


def read_int(value: Any) -> int | None:
    """A 64-bit integer, which Meta writes as number or string; None when absent."""
    if value.__class__ is str and value.isdigit() and value.isascii() and len(value) < 19:
        return int(value)
    return _integer(value, _LARGE)


def read_code(value: Any) -> int | None:
    """A status number of 32 bits; None when absent."""
    return _integer(value, _SMALL)


def read_decimal(value: Any) -> Decimal | None:
    """A finite decimal below a trillion, written as string or number; None when absent."""
    if value.__class__ is str and _PLAIN_NUMBER.fullmatch(value):
        return Decimal(value)
    if value is None:
        return None
    if isinstance(value, str):
        if not _NUMBER.fullmatch(value):
            raise Unreadable
    elif isinstance(value, bool) or not isinstance(value, int | Decimal):
        raise Unreadable
    try:
        number = Decimal(value)
    except InvalidOperation:
        raise Unreadable from None
    if not number.is_finite() or abs(number) > _DECIMAL_LIMIT:
        raise Unreadable
    return number


def read_day(value: Any) -> date:
    """A day like 2026-09-01."""
    if not isinstance(value, str):
        raise Unreadable
    return _day(value)


def read_moment(value: Any) -> datetime | None:
    """A unix time in seconds; None when absent or 0, which Meta uses for never."""
    seconds = read_int(value)
    if not seconds:
        return None
    try:
        return datetime.fromtimestamp(seconds, UTC)
    except (OverflowError, OSError, ValueError):
        raise Unreadable from None


@lru_cache(maxsize=4096)
def _day(text: str) -> date:
    """Days repeat row after row."""
    if not _DAY.fullmatch(text):
        raise Unreadable
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise Unreadable from None


def _integer(value: Any, bound: int) -> int | None:
    if value is None:
        return None
    if isinstance(value, str):
        if not _INTEGER.fullmatch(value):
            raise Unreadable
        value = int(value)
    elif isinstance(value, bool) or not isinstance(value, int):
        raise Unreadable
    if not -bound < value < bound:
        raise Unreadable
    return int(value)
