"""Usage headers: how much of each quota is spent, in per cent (fact sheet 4)."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any

from integrations.sandbox.seed import Node
from integrations.sandbox.world import World

TIER = "standard_access"
# Calls of a rolling hour at the full tier, without the part that grows with active ads.
LIMITS = {"ads_management": 100_000, "ads_insights": 190_000, "custom_audience": 190_000}
APP_LIMIT = 20_000
SPAN = 3600


class Usage:
    """Counts calls by hour. `headers` adds what the `usage` and `throttle` switches dictate."""

    def __init__(self) -> None:
        self.hour = 0
        self.calls: Counter[tuple[str, str]] = Counter()

    def headers(
        self, world: World, account: str, edge: str, blocked: Node | None
    ) -> list[tuple[str, str]]:
        """The headers of one answer about an ad account (its digits) or, with "", about none.

        `blocked` is the throttle rule that refused the call. Nothing at all when the usage
        switch is "off".
        """
        told = world.setting("usage")
        if told == "off":
            return []
        told = told if isinstance(told, dict) else {}
        kind = {"insights": "ads_insights", "customaudiences": "custom_audience"}.get(
            edge, "ads_management"
        )
        self._count(world, account, kind)
        app = {
            "call_count": self.calls["", ""] * 100 // APP_LIMIT,
            "total_time": 1,
            "total_cputime": 1,
        }
        app |= told.get("x-app-usage", {})
        if blocked and not blocked["account"]:
            app["call_count"] = 100
        found = [("x-app-usage", app)]
        if account:
            found += self._of_account(account, kind, told, blocked)
        return [(name, json.dumps(value, separators=(",", ":"))) for name, value in found]

    def _of_account(
        self, account: str, kind: str, told: Node, blocked: Node | None
    ) -> list[tuple[str, Any]]:
        minutes = blocked["minutes"] if blocked else 0
        percent = 100 if blocked else self.calls[account, kind] * 100 // LIMITS[kind]
        case = {
            "type": kind,
            "call_count": percent,
            "total_cputime": percent // 2,
            "total_time": percent // 2,
            "estimated_time_to_regain_access": minutes,
            "ads_api_access_tier": TIER,
        }
        case |= told.get("x-business-use-case-usage", {})
        whole = {
            "acc_id_util_pct": float(percent),
            "reset_time_duration": minutes * 60,
            "ads_api_access_tier": TIER,
        }
        whole |= told.get("x-ad-account-usage", {})
        found: list[tuple[str, Any]] = [
            ("x-business-use-case-usage", {account: [case]}),
            ("x-ad-account-usage", whole),
        ]
        if kind == "ads_insights":
            throttle = {
                "app_id_util_pct": percent / 10,
                "acc_id_util_pct": percent,
                "ads_api_access_tier": TIER,
            }
            found.append(
                (
                    "x-fb-ads-insights-throttle",
                    throttle | told.get("x-fb-ads-insights-throttle", {}),
                )
            )
        return found

    def _count(self, world: World, account: str, kind: str) -> None:
        hour = int(world.now()) // SPAN
        if hour != self.hour:
            self.hour = hour
            self.calls.clear()
        self.calls["", ""] += 1
        if account:
            self.calls[account, kind] += 1
