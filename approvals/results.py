"""How an ad does beside the others of its ad set, with "not enough data" as the answer at first."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from math import sqrt

# Below these, chance decides more than the words do.
ENOUGH_IMPRESSIONS, ENOUGH_CLICKS = 1000, 30
_Z = 1.96  # 95 %


@dataclass(frozen=True, slots=True)
class Sums:
    """The figures of one ad, or of several together, over the same days."""

    impressions: int
    clicks: int
    spend: Decimal | None
    conversions: Decimal | None

    @property
    def is_enough(self) -> bool:
        return self.impressions >= ENOUGH_IMPRESSIONS and self.clicks >= ENOUGH_CLICKS

    @property
    def rate(self) -> float | None:
        """Link clicks per hundred impressions."""
        return self.clicks * 100 / self.impressions if self.impressions else None


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the figures allow to say."""

    tone: str
    word: str
    words: str


def judge(mine: Sums, others: Sums) -> Verdict:
    """Whether people click more or less often than on the other ads, if that can be said at all."""
    if not mine.is_enough or not others.is_enough:
        short = "this ad" if not mine.is_enough else "the other ads of its ad set"
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


def _interval(sums: Sums) -> tuple[float, float]:
    """Wilson's interval for the rate of link clicks."""
    views, rate = sums.impressions, min(sums.clicks / sums.impressions, 1.0)
    middle = rate + _Z**2 / (2 * views)
    spread = _Z * sqrt(rate * (1 - rate) / views + _Z**2 / (4 * views**2))
    scale = 1 + _Z**2 / views
    return (middle - spread) / scale, (middle + spread) / scale
