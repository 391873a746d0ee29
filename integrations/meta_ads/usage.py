"""Reading Meta's usage headers ("Rate Limits", Graph API; "Rate Limiting", Marketing API)."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from integrations.meta_ads.types import UsageSnapshot

_MINUTES_TO_REGAIN = "estimated_time_to_regain_access"
_SECONDS_TO_RESET = "reset_time_duration"
_TIER = "ads_api_access_tier"
_PERCENTAGES = (
    "call_count",
    "total_time",
    "total_cputime",
    "acc_id_util_pct",
    "app_id_util_pct",
)
_LARGEST = 1_000_000
_HEADERS = (
    "x-app-usage",
    "x-ad-account-usage",
    "x-business-use-case-usage",
    "x-business-use-case",
    "x-fb-ads-insights-throttle",
)


def read_usage(headers: Mapping[str, str]) -> UsageSnapshot | None:
    """The worst figures of all usage headers; None when there are none, which means nothing.

    Counts are percentages of a budget and can pass 100. Waits come in minutes or in seconds.
    """
    records = [record for name in _HEADERS for record in _records(headers.get(name))]
    if not records:
        return None
    percent = max(
        (_figure(record.get(name)) for record in records for name in _PERCENTAGES), default=0.0
    )
    wait = max(
        max(
            _figure(record.get(_MINUTES_TO_REGAIN)) * 60,
            _figure(record.get(_SECONDS_TO_RESET)) if percent >= 100 else 0.0,
        )
        for record in records
    )
    tiers = (record.get(_TIER) for record in records)
    tier = next((name for name in tiers if isinstance(name, str) and len(name) <= 40), "")
    return UsageSnapshot(percent, wait, tier)


def _records(text: str | None) -> Iterator[Mapping[str, Any]]:
    try:
        value = json.loads(text) if text else None
    except (ValueError, RecursionError):
        return
    if not isinstance(value, dict):
        return
    nested = [entry for entries in value.values() if isinstance(entries, list) for entry in entries]
    yield from (entry for entry in nested or [value] if isinstance(entry, dict))


def _figure(value: Any) -> float:
    """A figure as it stands; what is no sensible number counts as nothing used."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return 0.0
    return float(value) if 0 <= value <= _LARGEST else 0.0
