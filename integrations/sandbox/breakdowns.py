"""Breakdowns as exact shares of a row, and the combinations Meta allows."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product
from math import prod

from integrations.sandbox.errors import GraphError, invalid

_VALUES: dict[str, tuple[tuple[str, int], ...]] = {
    "age": (("18-24", 12), ("25-34", 27), ("35-44", 25), ("45-54", 19), ("55-64", 11), ("65+", 6)),
    "gender": (("female", 52), ("male", 46), ("unknown", 2)),
    "country": (("DE", 78), ("AT", 22)),
    "publisher_platform": (("facebook", 58), ("instagram", 38), ("audience_network", 4)),
    "platform_position": (("feed", 61), ("story", 24), ("reels", 15)),
    "impression_device": (("android_smartphone", 55), ("iphone", 37), ("desktop", 8)),
    "device_platform": (("mobile_app", 90), ("desktop", 10)),
}
_TOGETHER = (
    frozenset({"age", "gender"}),
    frozenset({"country"}),
    frozenset({"publisher_platform", "platform_position", "impression_device", "device_platform"}),
)


def combinations(names: Sequence[str]) -> tuple[list[str], list[int]]:
    """JSON text (leading comma) and weight of every combination of the breakdowns' values.

    Raises 2/1504041 for breakdowns that do not go together, 100 for one this stand-in lacks.
    """
    if not names:
        return [""], [1]
    for name in names:
        if name not in _VALUES:
            raise invalid(f"The breakdown {name} is not available here.", "breakdowns")
    if not any(group.issuperset(names) for group in _TOGETHER) or names == ["impression_device"]:
        raise GraphError(
            2,
            "(#2) The combination of breakdowns is not valid.",
            subcode=1504041,
            title="Invalid breakdowns",
        )
    texts, weights = [], []
    for values in product(*[_VALUES[name] for name in names]):
        pairs = zip(names, values, strict=True)
        texts.append("".join(f',"{name}":"{value}"' for name, (value, _) in pairs))
        weights.append(prod(weight for _, weight in values))
    return texts, weights
