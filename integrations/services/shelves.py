"""Where the pages of a window wait until it is whole, and how they then replace the stored days.

A temporary table of this connection takes each page as it comes: memory holds one page, no lock is
held while Meta is asked, and what a cut reading leaves behind is gone with the connection. Once the
window is whole, three statements make the stored days equal to it. Rows that did not change are not
written again, so reading 28 days anew every few hours costs little.
"""

# ruff: noqa: S608 - only names of our own tables and columns are put into statements

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, datetime
from decimal import Decimal
from functools import lru_cache
from operator import itemgetter
from typing import Any

from django.db import connection

from integrations.meta_ads.types import InsightRow
from integrations.models import AdInsight, CampaignInsight, InsightDay, InsightRevision

_FIGURES = (
    "impressions",
    "reach",
    "clicks",
    "inline_link_clicks",
    "spend",
    "conversions",
    "conversion_value",
)
_SHARED = (
    "campaign_id",
    "date_start",
    "impressions",
    "reach",
    "clicks",
    "inline_link_clicks",
    "spend",
    "cpm",
    "cpc",
    "ctr",
    "conversions",
    "conversion_value",
)
_MODELS: dict[str, type[CampaignInsight] | type[AdInsight]] = {
    InsightDay.Level.CAMPAIGN: CampaignInsight,
    InsightDay.Level.AD: AdInsight,
}
_TEXTS: dict[str, dict[str, str]] = {
    InsightDay.Level.CAMPAIGN: {
        "campaign_name": "campaign_name",
        "conversion_action_type": "conversion_type",
    },
    InsightDay.Level.AD: {
        "ad_set_id": "ad_set_id",
        "ad_id": "ad_id",
        "ad_name": "ad_name",
        "conversion_action_type": "conversion_type",
    },
}
# As many decimals as the columns have: SQLite does not round by itself.
_MONEY, _COUNT = Decimal("0.000001"), Decimal("0.0001")
_PLACES = {
    "spend": _MONEY,
    "cpm": _MONEY,
    "cpc": _MONEY,
    "ctr": _MONEY,
    "conversions": _COUNT,
    "conversion_value": _COUNT,
}
_ESCAPES = str.maketrans({"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r"})


class Shelf:
    """The pages of one window of one level. ``number`` tells it from others in use."""

    def __init__(self, level: str, number: int) -> None:
        self.level = level
        self.key = "ad_id" if level == InsightDay.Level.AD else "campaign_id"
        self._target = _MODELS[level]._meta.db_table
        self._table = f"shelf_{level}_{number}"
        self._columns = (*_SHARED, *_TEXTS[level])
        index = InsightRow._fields.index
        self._values = itemgetter(*map(index, _SHARED), *map(index, _TEXTS[level].values()))
        self._key_of = itemgetter(index(self.key), index("date_start"))
        self._pages = 0

    def clear(self) -> None:
        """Make room for a window."""
        self._pages = 0
        columns = ", ".join(self._columns)
        with connection.cursor() as cursor:
            cursor.execute(
                f"CREATE TEMP TABLE IF NOT EXISTS {self._table} AS "
                f"SELECT {columns}, 0 AS page FROM {self._target} WHERE 1 = 0"
            )
            emptying = "TRUNCATE" if connection.vendor == "postgresql" else "DELETE FROM"
            cursor.execute(f"{emptying} {self._table}")

    def add(self, rows: Sequence[InsightRow]) -> None:
        """Put a page down. Of rows that come twice the later one counts."""
        self._pages += 1
        unique = {self._key_of(row): row for row in rows}.values()
        values = map(self._values, unique)
        if connection.vendor == "postgresql":
            self._copy(values)
        else:
            self._insert(values)

    def replace(
        self, ad_account_pk: int, first: date, last: date, settled: Sequence[date], now: datetime
    ) -> int:
        """Make the stored days equal to the window; how many rows it has. In a transaction.

        What changed on ``settled`` days, which were over when last read, leaves its old value.
        """
        scope = (ad_account_pk, first, last)
        with connection.cursor() as cursor:
            count = self._drop_repeated(cursor)
            cursor.execute(
                f"SELECT 1 FROM {self._target} "
                "WHERE ad_account_id = %s AND date_start BETWEEN %s AND %s LIMIT 1",
                scope,
            )
            if cursor.fetchone() or settled:
                if settled and self.level == InsightDay.Level.CAMPAIGN:
                    self._note_revisions(cursor, ad_account_pk, settled, now)
                cursor.execute(
                    f"DELETE FROM {self._target} WHERE id IN (SELECT o.id FROM {self._target} o "
                    f"LEFT JOIN {self._table} s ON {self._same_key()} WHERE o.ad_account_id = %s "
                    f"AND o.date_start BETWEEN %s AND %s AND s.{self.key} IS NULL)",
                    scope,
                )
            self._upsert(cursor, ad_account_pk)
        return count

    def _copy(self, values: Iterable[tuple[Any, ...]]) -> None:
        columns = ", ".join(self._columns)
        page = f"\t{self._pages}\n"
        lines = [
            "\t".join(
                [
                    r"\N"
                    if value is None
                    else _escaped(value)
                    if value.__class__ is str
                    else str(value)
                    for value in row
                ]
            )
            for row in values
        ]
        if not lines:
            return
        with (
            connection.cursor() as cursor,
            cursor.copy(f"COPY {self._table} ({columns}, page) FROM STDIN") as copy,
        ):
            copy.write(page.join(lines) + page)

    def _insert(self, values: Iterable[tuple[Any, ...]]) -> None:
        places = [_PLACES.get(name) for name in self._columns]
        marks = ", ".join(["%s"] * (len(places) + 1))
        rows = [
            [
                value if place is None or value is None else str(value.quantize(place))
                for value, place in zip(row, places, strict=True)
            ]
            + [self._pages]
            for row in values
        ]
        with connection.cursor() as cursor:
            cursor.executemany(f"INSERT INTO {self._table} VALUES ({marks})", rows)

    def _drop_repeated(self, cursor: Any) -> int:
        """A list that changes while it is paged through shows a row twice; the later one counts."""
        cursor.execute(f"SELECT COUNT(*) FROM {self._table}")
        (count,) = cursor.fetchone()
        if self._pages < 2:
            return int(count)
        cursor.execute(
            f"SELECT COUNT(*) FROM (SELECT DISTINCT {self.key}, date_start FROM {self._table}) d"
        )
        (unique,) = cursor.fetchone()
        if unique < count:
            cursor.execute(
                f"DELETE FROM {self._table} WHERE ({self.key}, date_start, page) NOT IN (SELECT "
                f"{self.key}, date_start, MAX(page) FROM {self._table} GROUP BY 1, 2)"
            )
        return int(unique)

    def _note_revisions(
        self, cursor: Any, ad_account_pk: int, settled: Sequence[date], now: datetime
    ) -> None:
        """The old figures of rows that changed or went, and nothing for rows that are new."""
        names = ", ".join(_FIGURES)
        days = ", ".join(["%s"] * len(settled))
        old = ", ".join(f"o.{name}" for name in _FIGURES)
        # Typed by the stored column, which a bare NULL is not on PostgreSQL.
        table = InsightRevision._meta.db_table
        cursor.execute(
            f"INSERT INTO {table} (ad_account_id, campaign_id, date_start, noted_at, {names}) "
            f"SELECT o.ad_account_id, o.campaign_id, o.date_start, %s, {old} "
            f"FROM {self._target} o LEFT JOIN {self._table} s ON {self._same_key()} "
            f"WHERE o.ad_account_id = %s AND o.date_start IN ({days}) "
            f"AND (s.campaign_id IS NULL OR {_differs('o', 's', _FIGURES)})",
            (now, ad_account_pk, *settled),
        )
        cursor.execute(
            f"INSERT INTO {table} (ad_account_id, campaign_id, date_start, noted_at) "
            "SELECT %s, s.campaign_id, s.date_start, %s "
            f"FROM {self._table} s LEFT JOIN {self._target} o "
            f"ON o.ad_account_id = %s AND {self._same_key()} "
            f"WHERE s.date_start IN ({days}) AND o.id IS NULL",
            (ad_account_pk, now, ad_account_pk, *settled),
        )

    def _upsert(self, cursor: Any, ad_account_pk: int) -> None:
        columns = ", ".join(self._columns)
        changing = [name for name in self._columns if name not in (self.key, "date_start")]
        sets = ", ".join(f"{name} = excluded.{name}" for name in changing)
        cursor.execute(
            f"INSERT INTO {self._target} (ad_account_id, {columns}) "
            f"SELECT %s, {columns} FROM {self._table} WHERE true "
            f"ON CONFLICT (ad_account_id, date_start, {self.key}) DO UPDATE SET {sets} "
            f"WHERE {_differs(self._target, 'excluded', changing)}",
            (ad_account_pk,),
        )

    def _same_key(self) -> str:
        return f"s.date_start = o.date_start AND s.{self.key} = o.{self.key}"


def _differs(left: str, right: str, names: Sequence[str]) -> str:
    """Whether any of these columns is not the same, NULL being a value like any other."""
    operator = "IS DISTINCT FROM" if connection.vendor == "postgresql" else "IS NOT"
    return "(" + " OR ".join(f"{left}.{name} {operator} {right}.{name}" for name in names) + ")"


@lru_cache(maxsize=4096)
def _escaped(text: str) -> str:
    """As COPY wants it; names repeat day after day."""
    return text.translate(_ESCAPES)
