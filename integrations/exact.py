"""Sums that are exact on every database and have no end: integers, decimals in millionths.

SQLite adds decimals up in floating point, which leaves dust behind the last digit, and has no
integers beyond 64 bits.
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

from django.db.models import Aggregate, BigIntegerField
from django.utils.functional import cached_property

# The stored precision: six decimals of money, four of conversions.
PLACES = 6
_BILLION = 10**9


class WholeSum(Aggregate):
    """The sum of integers as an int; None when every one of them is NULL.

    With ``is_stored`` one integer of the database, for a column that holds it. What does not fit
    there is DataError on PostgreSQL and "integer overflow" on SQLite.
    """

    output_field = BigIntegerField()
    template = "SUM(%(expressions)s)"
    as_integer = "%(expressions)s"

    def as_sqlite(
        self, compiler: Any, connection: Any, **extra: Any
    ) -> tuple[str, tuple[str | int, ...]]:
        """In billions and the rest, either of which fits whatever is added up."""
        one = self.as_integer
        template = f"SUM({one})"
        if not self.extra.get("is_stored"):
            template = f"SUM({one} / {_BILLION}) || ' ' || SUM({one} %%%% {_BILLION})"
        sql, params = self.as_sql(compiler, connection, template=template, **extra)
        return sql, tuple(params)

    @cached_property
    def convert_value(self) -> Callable[[Any, Any, Any], int | None]:
        """What the database hands out, as an int."""
        return _whole


class MillionthsSum(WholeSum):
    """The sum of decimals in whole millionths; on SQLite each is made whole before it is added."""

    template = "SUM(%(expressions)s) * 1000000"
    as_integer = "CAST(ROUND(%(expressions)s * 1000000) AS INTEGER)"


def _whole(value: Any, _expression: Any, _connection: Any) -> int | None:
    if isinstance(value, str):
        billions, rest = value.split()
        return int(billions) * _BILLION + int(rest)
    return None if value is None else int(value)


def _sums(*, is_stored: bool) -> dict[str, Aggregate]:
    """What is added up of ``DailyFigures``, in the order of ``AddedUp.COLUMNS``."""
    return {
        "sum_spend": MillionthsSum("spend", is_stored=is_stored),
        "sum_impressions": WholeSum("impressions", is_stored=is_stored),
        "sum_clicks": WholeSum("clicks", is_stored=is_stored),
        "sum_conversions": MillionthsSum("conversions", is_stored=is_stored),
        "sum_conversion_value": MillionthsSum("conversion_value", is_stored=is_stored),
    }


SUMS, STORED_SUMS = _sums(is_stored=False), _sums(is_stored=True)


def from_millionths(value: int | None) -> Decimal | None:
    """The exact figure again."""
    return None if value is None else Decimal(value).scaleb(-PLACES)
