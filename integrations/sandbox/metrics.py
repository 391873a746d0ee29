"""Plausible advertising numbers from integers alone: same campaign, day and age, same row.

Spend follows the week and the season. The last 28 days are still moving: conversions come in
late, spend settles within three days, today is only as old as the clock says (fact sheet 5.3).
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import NamedTuple

FINAL_AGE = 28
_MASK = (1 << 64) - 1
_WEEK = (930, 900, 920, 980, 1060, 1150, 1060)
_SEASON = (860, 880, 980, 1080, 1140, 1120, 1060, 1000, 980, 1000, 1120, 1240)
_SPEND_SEEN = (985, 992, 998)
_SALES_SEEN = (
    430,
    610,
    705,
    765,
    805,
    835,
    862,
    884,
    900,
    913,
    924,
    934,
    942,
    949,
    955,
    961,
    966,
    970,
    974,
    978,
    981,
    984,
    987,
    990,
    992,
    994,
    996,
    998,
)


class Metrics(NamedTuple):
    """One row's numbers; money in the account currency's smallest unit."""

    impressions: int
    reach: int
    clicks: int
    links: int
    spend: int
    purchases: int
    value: int


class Day(NamedTuple):
    """A day as the generator needs it: how strong it is and how much of it is known yet."""

    ordinal: int
    iso: str
    strength: int
    spend_seen: int
    sales_seen: int


def days(since: date, until: date, today: date, portion: int) -> list[Day]:
    """The days of a range that have begun; `portion` is today's part in thousandths."""
    found = []
    for ordinal in range(since.toordinal(), min(until, today).toordinal() + 1):
        day = date.fromordinal(ordinal)
        age = today.toordinal() - ordinal
        spend = _SPEND_SEEN[age] if age < len(_SPEND_SEEN) else 1000
        sales = _SALES_SEEN[age] if age < FINAL_AGE else 1000
        if age == 0:
            spend, sales = spend * portion // 1000, sales * portion // 1000
        strength = _WEEK[day.weekday()] * _SEASON[day.month - 1] // 1000
        found.append(Day(ordinal, day.isoformat(), strength, spend, sales))
    return found


def draw(number: int, pattern: Sequence[int], gap: int, day: Day) -> Metrics | None:
    """The row of object `number` on a day; None on the `gap`/64 of days without delivery.

    `pattern` is daily spend and cost of 1000 impressions (smallest unit), clicks per 10,000
    impressions, purchases per 1,000 link clicks, and value of a purchase (smallest unit).
    """
    h = (number * 0x9E3779B97F4A7C15 ^ day.ordinal * 0xC2B2AE3D27D4EB4F) & _MASK
    h = (h ^ h >> 29) * 0xBF58476D1CE4E5B9 & _MASK
    h ^= h >> 32
    if h & 63 < gap:
        return None
    daily, cpm, ctr, cvr, aov = pattern
    spend = daily * day.strength * (850 + (h >> 6 & 255)) * day.spend_seen // 1_000_000_000
    impressions = spend * 100_000 // (cpm * (88 + (h >> 14 & 31)))
    if not impressions:
        return None
    clicks = impressions * ctr * (88 + (h >> 19 & 31)) // 1_000_000
    links = clicks * (640 + (h >> 24 & 127)) // 1000
    reach = impressions * 1000 // (1060 + (h >> 31 & 255))
    sales = links * cvr * 65536 * day.sales_seen // 1_000_000
    purchases = sales + (h >> 39 & 0xFFFF) >> 16
    value = purchases * aov * (900 + (h >> 55 & 255)) // 1000
    return Metrics(impressions, reach or 1, clicks, links, spend, purchases, value)


def scale(row: Metrics, part: int, whole: int) -> Metrics | None:
    """`part`/`whole` of a row, rounded down; None without an impression."""
    scaled = Metrics(*[value * part // whole for value in row])
    return scaled if scaled.impressions else None


def share(row: Metrics, place: int, weights: Sequence[int]) -> Metrics | None:
    """The row's part at `place`. All parts together are exactly the row: place 0 takes the rest."""
    whole = sum(weights)
    if place:
        part = [value * weights[place] // whole for value in row]
    else:
        part = [value - sum(value * weight // whole for weight in weights[1:]) for value in row]
    return Metrics(*part) if part[0] else None


def add(left: Metrics | None, right: Metrics | None) -> Metrics | None:
    """Two rows that stand for different people: everything adds up."""
    if left is None or right is None:
        return left or right
    return Metrics(*[a + b for a, b in zip(left, right, strict=True)])


def over_days(rows: Sequence[Metrics]) -> Metrics | None:
    """Several days of one object. Reach is not a sum: some people come back."""
    if len(rows) < 2:
        return rows[0] if rows else None
    totals = [sum(column) for column in zip(*rows, strict=True)]
    most = max(row.reach for row in rows)
    totals[1] = most + (totals[1] - most) * 35 // 100
    return Metrics(*totals)
