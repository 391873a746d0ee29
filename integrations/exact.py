"""Sums that are exact on every database: as integers, of money and conversions in millionths.

SQLite adds decimals up in floating point, which leaves dust behind the last digit.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from django.db.models import Aggregate, BigIntegerField

# The stored precision: six decimals of money, four of conversions.
PLACES = 6


class WholeSum(Aggregate):
    """The sum of integers, as an integer; None when every one of them is NULL."""

    output_field = BigIntegerField()
    template = "CAST(SUM(%(expressions)s) AS bigint)"


class MillionthsSum(WholeSum):
    """The sum of decimals in whole millionths."""

    template = "CAST(SUM(%(expressions)s) * 1000000 AS bigint)"

    def as_sqlite(
        self, compiler: Any, connection: Any, **extra: Any
    ) -> tuple[str, tuple[str | int, ...]]:
        """Each value is made whole before it is added."""
        template = "SUM(CAST(ROUND(%(expressions)s * 1000000) AS INTEGER))"
        sql, params = self.as_sql(compiler, connection, template=template, **extra)
        return sql, tuple(params)


# What is added up of ``DailyFigures``, in the order of ``AddedUp.COLUMNS``.
SUMS: dict[str, Aggregate] = {
    "sum_spend": MillionthsSum("spend"),
    "sum_impressions": WholeSum("impressions"),
    "sum_clicks": WholeSum("clicks"),
    "sum_conversions": MillionthsSum("conversions"),
    "sum_conversion_value": MillionthsSum("conversion_value"),
}


def from_millionths(value: int | None) -> Decimal | None:
    """The exact figure again."""
    return None if value is None else Decimal(value).scaleb(-PLACES)
