"""Figures that were added up: rates from sums, gaps kept as gaps."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from functools import reduce
from typing import TypeVar

from integrations.exact import from_millionths

N = TypeVar("N", int, Decimal)


@dataclass(frozen=True, slots=True)
class Sums:
    """Figures added up over days and campaigns. None: Meta said nothing for any of them."""

    spend: Decimal | None = None
    impressions: int | None = None
    clicks: int | None = None
    conversions: Decimal | None = None
    conversion_value: Decimal | None = None

    def __add__(self, other: Sums) -> Sums:
        return Sums(
            _plus(self.spend, other.spend),
            _plus(self.impressions, other.impressions),
            _plus(self.clicks, other.clicks),
            _plus(self.conversions, other.conversions),
            _plus(self.conversion_value, other.conversion_value),
        )

    @property
    def ctr(self) -> Decimal | None:
        """Clicks per impression in percent, as Meta writes it."""
        return _ratio(self.clicks, self.impressions, 100)

    @property
    def cpc(self) -> Decimal | None:
        """Spend per click."""
        return _ratio(self.spend, self.clicks)

    @property
    def cpm(self) -> Decimal | None:
        """Spend per thousand impressions."""
        return _ratio(self.spend, self.impressions, 1000)

    @property
    def cost_per_conversion(self) -> Decimal | None:
        """Spend per conversion."""
        return _ratio(self.spend, self.conversions)


NOTHING = Sums()


def as_sums(values: Iterable[int | None]) -> Sums:
    """What the sums of ``exact`` give, as decimals and counts again."""
    spend, impressions, clicks, conversions, value = values
    return Sums(
        from_millionths(spend),
        impressions,
        clicks,
        from_millionths(conversions),
        from_millionths(value),
    )


def add_up(parts: Iterable[Sums]) -> Sums:
    """The sum of sums."""
    return reduce(Sums.__add__, parts, NOTHING)


def _plus(a: N | None, b: N | None) -> N | None:
    if a is None or b is None:
        return b if a is None else a
    return a + b


def _ratio(
    part: Decimal | int | None, whole: Decimal | int | None, times: int = 1
) -> Decimal | None:
    """None when either is missing, or nothing is there to divide by."""
    if part is None or not whole:
        return None
    return Decimal(part) / Decimal(whole) * times
