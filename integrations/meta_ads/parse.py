"""Reading single values strictly: whatever is not as the reference promises is Unreadable."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from integrations.meta_ads.errors import Unreadable

Json = Mapping[str, Any]


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
    """A string; absent counts as empty."""
    if value is None:
        return ""
    if not isinstance(value, str) or len(value) > limit:
        raise Unreadable
    return value


def read_id(value: Any) -> str:
    """An object id: digits only, as a string, at most 32 of them."""
    if not isinstance(value, str) or not value.isascii() or not value.isdigit() or len(value) > 32:
        raise Unreadable
    return value


def read_optional_id(value: Any) -> str:
    """An object id, or empty when Meta sent none."""
    return read_id(value) if value else ""


def read_int(value: Any) -> int | None:
    """An integer, which Meta writes as number or string; None when absent."""
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | str):
        raise Unreadable
    try:
        number = int(value)
    except ValueError:
        raise Unreadable from None
    if abs(number) >= 2**63:
        raise Unreadable
    return number


def read_decimal(value: Any) -> Decimal | None:
    """A finite decimal below a trillion, written as string or number; None when absent."""
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, str | int | Decimal):
        raise Unreadable
    try:
        number = Decimal(value)
    except InvalidOperation:
        raise Unreadable from None
    if not number.is_finite() or abs(number) >= 10**12:
        raise Unreadable
    return number


def read_day(value: Any) -> date:
    """A day like 2026-09-01."""
    try:
        return date.fromisoformat(value)
    except (TypeError, ValueError):
        raise Unreadable from None


def read_moment(value: Any) -> datetime | None:
    """A unix time in seconds; None when absent or 0, which Meta uses for never."""
    seconds = read_int(value)
    if not seconds:
        return None
    try:
        return datetime.fromtimestamp(seconds, UTC)
    except (OverflowError, OSError, ValueError):
        raise Unreadable from None
