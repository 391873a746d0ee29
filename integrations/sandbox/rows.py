"""Insight rows as JSON text: strings everywhere, nothing sent for what is empty (fact sheet 5.2).

Rows are written as text straight away; building dictionaries first would halve the speed, and
benchmarks pull hundreds of thousands of rows through here.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from integrations.sandbox.errors import GraphError
from integrations.sandbox.metrics import Metrics
from integrations.sandbox.paging import dumps
from integrations.sandbox.schema import FIELDS
from integrations.sandbox.seed import Node
from integrations.sandbox.units import LEVELS, Unit

Piece = Callable[[Unit, Metrics], str]
DEFAULT_FIELDS = ("impressions", "spend")
WHOLE_CURRENCIES = frozenset({"JPY", "KRW", "CLP", "ISK", "VND", "TWD", "HUF", "COP", "PYG"})
_PURCHASES = {
    "web": (
        "purchase",
        "omni_purchase",
        "offsite_conversion.fb_pixel_purchase",
        "onsite_web_purchase",
        "web_in_store_purchase",
    ),
    "app": ("omni_purchase", "onsite_app_purchase", "app_custom_event.fb_mobile_purchase"),
}
# Windows that no longer hold data since 2026-01-12 answer with nothing (fact sheet 1.3).
_WINDOW_SHARE = {"1d_click": 52, "7d_click": 86, "28d_click": 93, "1d_view": 14, "1d_ev": 3}


class RowWriter:
    """Writes rows of one query: its fields, level, attribution windows and currency."""

    def __init__(
        self, account: Node, names: Sequence[str], level: str, windows: Sequence[str] = ()
    ) -> None:
        self.account = account
        self.level = level
        self.windows = [window for window in windows if window != "default"]
        self.whole = account["currency"] in WHOLE_CURRENCIES
        self.prefixes: dict[str, str] = {}
        self.pieces = self._pieces(names)

    def write(self, unit: Unit, row: Metrics, start: str, stop: str, extra: str = "") -> str:
        """One row; `extra` is JSON text of breakdown values, with a leading comma."""
        text = ",".join([part for part in [piece(unit, row) for piece in self.pieces] if part])
        head = self.prefixes.get(unit.node["id"])
        if head is None:
            head = self.prefixes[unit.node["id"]] = self._prefix(unit)
        dates = f'"date_start":"{start}","date_stop":"{stop}"'
        return f"{{{head}{text},{dates}{extra}}}" if text else f"{{{head}{dates}{extra}}}"

    def _pieces(self, names: Sequence[str]) -> list[Piece]:
        pieces, self.fixed = [], []
        for name in dict.fromkeys(names or DEFAULT_FIELDS):
            if name not in FIELDS["AdsInsights"] and name not in _EXTRA_FIELDS:
                raise GraphError(
                    100,
                    f"(#100) {name} is not valid for fields param. please check "
                    "https://developers.facebook.com/docs/marketing-api/reference/ads-insights/ "
                    "for all valid values",
                )
            if name in _FIXED:
                self.fixed.append(name)
            elif name in _MONEY:
                pieces.append(self._money(name))
            elif name in _LISTS:
                pieces.append(_LISTS[name](self))
            elif name in _PLAIN:
                pieces.append(_PLAIN[name])
        return pieces

    def _prefix(self, unit: Unit) -> str:
        """The parts that are the same in every row of an object."""
        parts = []
        for name in self.fixed:
            value = _FIXED[name](self, unit)
            if value:
                parts.append(f'"{name}":{dumps(value)}')
        return ",".join(parts) + ("," if parts else "")

    def money(self, amount: int) -> str:
        """Major units, as many decimals as the currency has."""
        return str(amount) if self.whole else f"{amount // 100}.{amount % 100:02d}"

    def _money(self, name: str) -> Piece:
        if name == "spend":
            return lambda _, row: f'"spend":"{self.money(row.spend)}"'
        base = 1.0 if self.whole else 100.0
        factor, per = _MONEY[name]

        def piece(_: Unit, row: Metrics) -> str:
            below = row[per]
            return f'"{name}":"{row.spend * factor / below / base:.6f}"' if below else ""

        return piece

    # --- action lists --------------------------------------------------------------------------
    def _entry(self, kind: str, text: str, count: int, whole: bool = True) -> str:
        if not self.windows:
            return f'{{"action_type":"{kind}","value":"{text}"}}'
        parts = [f'"action_type":"{kind}"', f'"value":"{text}"']
        for window in self.windows:
            part = count * _WINDOW_SHARE.get(window, 0) // 100
            if window == "7d_click":
                part = count - count * _WINDOW_SHARE["1d_view"] // 100
            if window in _WINDOW_SHARE:
                parts.append(f'"{window}":"{part if whole else self.money(part)}"')
        return "{" + ",".join(parts) + "}"

    def actions(self, unit: Unit, row: Metrics) -> str:
        """Nested engagement kinds, clicks, and every alias of a purchase."""
        links = row.links
        found = []
        if links:
            engaged = links + row.clicks // 4
            found = [
                self._entry("page_engagement", str(engaged), engaged),
                self._entry("post_engagement", str(engaged), engaged),
                self._entry("link_click", str(links), links),
            ]
            viewed = links * 82 // 100
            if viewed:
                found.append(self._entry("landing_page_view", str(viewed), viewed))
        if row.purchases:
            text = str(row.purchases)
            found += [self._entry(kind, text, row.purchases) for kind in _PURCHASES[unit.aliases]]
        return f'"actions":[{",".join(found)}]' if found else ""

    def action_values(self, unit: Unit, row: Metrics) -> str:
        """What the purchases were worth, once per alias."""
        if not row.value:
            return ""
        text = self.money(row.value)
        kinds = _PURCHASES[unit.aliases]
        entries = [self._entry(kind, text, row.value, whole=False) for kind in kinds]
        return f'"action_values":[{",".join(entries)}]'

    def roas(self, _: Unit, row: Metrics) -> str:
        """Return on ad spend by `omni_purchase`; absent without purchases."""
        if not (row.value and row.spend):
            return ""
        text = f"{row.value / row.spend:.6f}"
        return f'"purchase_roas":[{{"action_type":"omni_purchase","value":"{text}"}}]'

    def cost_per_action(self, unit: Unit, row: Metrics) -> str:
        """Spend per link click and per purchase alias."""
        counts = [("link_click", row.links)]
        counts += [(kind, row.purchases) for kind in _PURCHASES[unit.aliases]]
        base = 1.0 if self.whole else 100.0
        entries = [
            f'{{"action_type":"{kind}","value":"{row.spend / count / base:.6f}"}}'
            for kind, count in counts
            if count
        ]
        return f'"cost_per_action_type":[{",".join(entries)}]' if entries else ""

    def outbound(self, _: Unit, row: Metrics) -> str:
        """Clicks that leave Meta, as an action list of one."""
        if not row.links:
            return ""
        return f'"outbound_clicks":[{{"action_type":"outbound_click","value":"{row.links}"}}]'

    def conversions(self, unit: Unit, row: Metrics) -> str:
        """Conversion events other than purchases (what Meta puts here is not documented)."""
        leads = unit.campaign is not None and unit.campaign["objective"] == "OUTCOME_LEADS"
        count = row.links // 18 if leads else 0
        text = f'{{"action_type":"subscribe_total","value":"{count}"}}'
        return f'"conversions":[{text}]' if count else ""


def _ratio(name: str, above: int, below: int, factor: int = 1) -> Piece:
    def piece(_: Unit, row: Metrics) -> str:
        return f'"{name}":"{row[above] * factor / row[below]:.6f}"' if row[below] else ""

    return piece


IMPRESSIONS, REACH, CLICKS, LINKS = range(4)
# name: (factor, index of the divisor)
_MONEY = {
    "spend": (1, IMPRESSIONS),
    "cpm": (1000, IMPRESSIONS),
    "cpc": (1, CLICKS),
    "cpp": (1000, REACH),
    "cost_per_inline_link_click": (1, LINKS),
}
_PLAIN: dict[str, Piece] = {
    "impressions": lambda _, row: f'"impressions":"{row.impressions}"',
    "reach": lambda _, row: f'"reach":"{row.reach}"' if row.reach else "",
    "clicks": lambda _, row: f'"clicks":"{row.clicks}"',
    "inline_link_clicks": lambda _, r: f'"inline_link_clicks":"{r.links}"' if r.links else "",
    "frequency": _ratio("frequency", IMPRESSIONS, REACH),
    "ctr": _ratio("ctr", CLICKS, IMPRESSIONS, 100),
    "inline_link_click_ctr": _ratio("inline_link_click_ctr", LINKS, IMPRESSIONS, 100),
}
_LISTS: dict[str, Callable[[RowWriter], Piece]] = {
    "actions": lambda writer: writer.actions,
    "action_values": lambda writer: writer.action_values,
    "purchase_roas": lambda writer: writer.roas,
    "cost_per_action_type": lambda writer: writer.cost_per_action,
    "outbound_clicks": lambda writer: writer.outbound,
    "conversions": lambda writer: writer.conversions,
}
# Asked as fields although the insights object does not list them.
_EXTRA_FIELDS = frozenset({"date_start", "date_stop"})


def _above(level: str, part: str, key: str) -> Callable[[RowWriter, Unit], str]:
    def value(writer: RowWriter, unit: Unit) -> str:
        node: Node | None = getattr(unit, part)
        deep_enough = LEVELS.index(writer.level) >= LEVELS.index(level)
        return str(node[key]) if node and deep_enough else ""

    return value


_FIXED: dict[str, Callable[[RowWriter, Unit], str]] = {
    "account_id": lambda writer, _: str(writer.account["account_id"]),
    "account_name": lambda writer, _: str(writer.account["name"]),
    "account_currency": lambda writer, _: str(writer.account["currency"]),
    "campaign_id": _above("campaign", "campaign", "id"),
    "campaign_name": _above("campaign", "campaign", "name"),
    "objective": _above("campaign", "campaign", "objective"),
    "buying_type": _above("campaign", "campaign", "buying_type"),
    "adset_id": _above("adset", "ad_set", "id"),
    "adset_name": _above("adset", "ad_set", "name"),
    "optimization_goal": _above("adset", "ad_set", "optimization_goal"),
    "ad_id": _above("ad", "ad", "id"),
    "ad_name": _above("ad", "ad", "name"),
    "attribution_setting": lambda _, __: "7d_click_1d_view",
}
