"""What Meta allows in an ad account, as its answers say: how many writes, and from when on."""

from __future__ import annotations

import time
from dataclasses import dataclass

from django.core.cache import cache

FULL_TIER = "standard_access"
_KEPT_SECONDS = 7 * 86400


@dataclass(frozen=True, slots=True)
class Allowance:
    """So many writes in so many minutes."""

    writes: int
    minutes: int


# Marketing API, Rate Limiting: a write is 3 points; 60 points (9,000 with full access) fade over
# 300 seconds.
_SMALL = Allowance(writes=60 // 3, minutes=5)
_FULL = Allowance(writes=9000 // 3, minutes=5)


def note_tier(ad_account_id: str, tier: str) -> None:
    """Remember which tier the usage headers of an ad account named."""
    cache.set(_key(ad_account_id), tier, timeout=_KEPT_SECONDS)


def allowance_of(ad_account_id: str) -> Allowance:
    """What Meta allows here; the smallest tier's until an answer named another."""
    return _FULL if cache.get(_key(ad_account_id)) == FULL_TIER else _SMALL


def note_closed(ad_account_id: str, seconds: float) -> None:
    """Remember for every worker that Meta asked to leave the ad account alone for so long."""
    cache.set(_closed_key(ad_account_id), time.time() + seconds, timeout=seconds)


def closed_for(ad_account_id: str) -> float:
    """Seconds until the time that Meta named; 0 when it named none, or nobody remembers it."""
    until: float = cache.get(_closed_key(ad_account_id), 0.0)
    return max(0.0, until - time.time())


def _closed_key(ad_account_id: str) -> str:
    return f"meta-closed:{ad_account_id}"


def _key(ad_account_id: str) -> str:
    return f"meta-tier:{ad_account_id}"
