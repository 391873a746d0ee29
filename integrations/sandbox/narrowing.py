"""`filtering` and `sort` of insights: which objects, which rows, in which order."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from integrations.sandbox import statuses
from integrations.sandbox.errors import invalid
from integrations.sandbox.metrics import Metrics
from integrations.sandbox.routes import Call
from integrations.sandbox.seed import Node
from integrations.sandbox.units import Unit, units

RowTest = Callable[[Metrics], bool]
_METRICS = {
    "impressions": "impressions",
    "reach": "reach",
    "clicks": "clicks",
    "spend": "spend",
    "inline_link_clicks": "links",
}
_PARTS = {"campaign": "campaign", "adset": "ad_set", "ad": "ad"}


def narrow(call: Call, level: str, rules: Sequence[Node]) -> tuple[list[Unit], RowTest]:
    """The objects a query is about, and the test its rows must pass."""
    parsed = [_Rule(rule) for rule in rules]
    hidden_too = any(
        rule.key == "effective_status" and set(rule.values) & set(statuses.HIDDEN)
        for rule in parsed
    )
    found = units(call.world, call.node, level, hidden_too=hidden_too)
    for rule in parsed:
        if rule.key not in _METRICS:
            found = [unit for unit in found if rule.fits_unit(call, unit)]
    tests = [rule for rule in parsed if rule.key in _METRICS]
    if not tests:
        return found, _always
    return found, lambda row: all(rule.fits_row(row) for rule in tests)


def _always(_: Metrics) -> bool:
    return True


class _Rule:
    """One `{field, operator, value}`."""

    def __init__(self, rule: Node) -> None:
        field, self.operator = str(rule.get("field", "")), str(rule.get("operator", ""))
        self.level, _, self.key = field.rpartition(".")
        value = rule.get("value")
        self.values = [str(item) for item in (value if isinstance(value, list) else [value])]
        known = self.key in ("id", "name", "effective_status") and self.level in _PARTS
        if not known and self.key not in _METRICS:
            raise invalid(f"Filtering field '{field}' is invalid.", "filtering")

    def fits_unit(self, call: Call, unit: Unit) -> bool:
        node = getattr(unit, _PARTS[self.level])
        if node is None:
            return True
        own = (
            node[self.key]
            if self.key != "effective_status"
            else statuses.effective(call.world, node)
        )
        return self._compare(str(own))

    def fits_row(self, row: Metrics) -> bool:
        actual = getattr(row, _METRICS[self.key])
        if self.key == "spend":
            actual /= 100
        try:
            wanted = float(self.values[0])
        except ValueError:
            raise invalid("The filter value must be a number.", "filtering") from None
        compare: dict[str, Callable[[float, float], bool]] = {
            "GREATER_THAN": float.__gt__,
            "GREATER_THAN_OR_EQUAL": float.__ge__,
            "LESS_THAN": float.__lt__,
            "LESS_THAN_OR_EQUAL": float.__le__,
            "EQUAL": float.__eq__,
            "NOT_EQUAL": float.__ne__,
        }
        if self.operator not in compare:
            raise invalid(f"Filtering operator '{self.operator}' is invalid.", "filtering")
        return compare[self.operator](float(actual), wanted)

    def _compare(self, own: str) -> bool:
        match self.operator:
            case "IN" | "EQUAL":
                return own in self.values
            case "NOT_IN" | "NOT_EQUAL":
                return own not in self.values
            case "CONTAIN":
                return self.values[0].lower() in own.lower()
        raise invalid(f"Filtering operator '{self.operator}' is invalid.", "filtering")


def sort_key(order: list[str]) -> tuple[Callable[[Metrics], Any], bool]:
    """The metric and direction of a one-element `sort`."""
    name, _, direction = (order[0] if len(order) == 1 else "").rpartition("_")
    if name not in _METRICS or direction not in ("ascending", "descending"):
        raise invalid("Param sort must be one metric with _ascending or _descending.", "sort")
    return lambda row: getattr(row, _METRICS[name]), direction == "descending"
