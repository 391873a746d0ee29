"""How an ad does beside the others of its ad set, with "not enough data" as the answer at first."""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt

from integrations.sums import Sums

# Below these, chance decides more than the words do.
ENOUGH_IMPRESSIONS, ENOUGH_CLICKS = 1000, 30
_Z = 1.96  # 95 %


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the figures allow to say."""

    tone: str
    word: str
    words: str


def judge(mine: Sums, others: Sums) -> Verdict:
    """Whether people click more or less often than on the other ads, if that can be said at all."""
    if not _is_enough(mine) or not _is_enough(others):
        short = "this ad" if not _is_enough(mine) else "the other ads of its ad set"
        return Verdict(
            "neutral",
            "Not enough data",
            f"Nothing can be said before {short} had {ENOUGH_IMPRESSIONS:,} impressions and "
            f"{ENOUGH_CLICKS} link clicks.",
        )
    low, high = _interval(mine)
    other_low, other_high = _interval(others)
    if low > other_high:
        return Verdict("good", "Clicked more often", "Than the other ads of its ad set.")
    if high < other_low:
        return Verdict("warn", "Clicked less often", "Than the other ads of its ad set.")
    return Verdict("neutral", "No clear difference", "To the other ads of its ad set.")


def _is_enough(sums: Sums) -> bool:
    return (sums.impressions or 0) >= ENOUGH_IMPRESSIONS and (sums.clicks or 0) >= ENOUGH_CLICKS


def _interval(sums: Sums) -> tuple[float, float]:
    """Wilson's interval for the rate of link clicks."""
    views = sums.impressions or 1
    rate = min((sums.clicks or 0) / views, 1.0)
    middle = rate + _Z**2 / (2 * views)
    spread = _Z * sqrt(rate * (1 - rate) / views + _Z**2 / (4 * views**2))
    scale = 1 + _Z**2 / views
    return (middle - spread) / scale, (middle + spread) / scale
