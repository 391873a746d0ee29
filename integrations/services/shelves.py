"""Where the pages of a window wait until it is whole, and how it then replaces the stored days.

A few rows wait in memory as lines for COPY, more of them in a temporary table of this connection
(on SQLite all): memory stays small, no lock is held while Meta is asked, and what a cut reading
leaves behind is gone with the connection. Once the window is whole, the stored days are made equal
to it. Rows that did not change are not written again: reading 28 days anew is cheap.
"""

# ruff: noqa: S608 - only names of our own tables and columns are put into statements

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
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
# So many rows of a window wait in memory, at 200 bytes each.
SPILL_ROWS = 5000
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
        self._is_made = False
        self._times_used = 0
        self._forget()

    def _forget(self) -> None:
        self._pages = self._rows = 0
        # Lines for COPY by page, as long as they are few.
        self._lines: list[tuple[int, list[str]]] = []
        self._keys: set[int] = set()
        self._has_repeated = self._is_in_table = False

    def clear(self) -> None:
        """Make room for a window, whatever became of the last one."""
        if self._is_in_table:
            with connection.cursor() as cursor:
                self._empty(cursor)
        self._forget()

    def abandon(self) -> None:
        """After a cut: its rows are nobody's, and a rollback may have taken the table itself."""
        self._is_made = False
        self._forget()

    def add(self, rows: Sequence[InsightRow]) -> None:
        """Put a page down. Of rows that come twice the later one counts."""
        self._pages += 1
        unique = {self._key_of(row): row for row in rows}
        self._rows += len(unique)
        self._keys.update(map(hash, unique))
        self._has_repeated = len(self._keys) < self._rows
        values = map(self._values, unique.values())
        if connection.vendor != "postgresql":
            self._insert(values)
            return
        self._lines.append((self._pages, _copy_lines(values)))
        if sum(len(lines) for _, lines in self._lines) > SPILL_ROWS:
            self._spill()

    def count(self) -> int:
        """How many rows the window has."""
        if self._has_repeated:
            self._spill()
            with connection.cursor() as cursor:
                cursor.execute(
                    f"DELETE FROM {self._table} WHERE ({self.key}, date_start, page) NOT IN "
                    f"(SELECT {self.key}, date_start, MAX(page) FROM {self._table} GROUP BY 1, 2)"
                )
                cursor.execute(f"SELECT COUNT(*) FROM {self._table}")
                self._rows = int(cursor.fetchone()[0])
        return self._rows

    def replace(
        self, ad_account_pk: int, first: date, last: date, settled: Sequence[date], now: datetime
    ) -> None:
        """Make the stored days equal to the window. In a transaction, after ``count``.

        What changed on ``settled`` days, which were over when last read, leaves its old value.
        """
        scope = (ad_account_pk, first, last)
        with connection.cursor() as cursor:
            cursor.execute(
                f"SELECT 1 FROM {self._target} "
                "WHERE ad_account_id = %s AND date_start BETWEEN %s AND %s LIMIT 1",
                scope,
            )
            is_new = cursor.fetchone() is None and not settled
            if is_new and self._lines and not self._is_in_table:
                self._copy(cursor, self._target, "ad_account_id", lambda _: ad_account_pk)
            else:
                self._spill()
                if not is_new:
                    self._take_out(cursor, scope, settled, now)
                self._upsert(cursor, ad_account_pk)
                self._empty(cursor)
        self._forget()

    def _take_out(
        self, cursor: Any, scope: tuple[int, date, date], settled: Sequence[date], now: datetime
    ) -> None:
        """Note what changed, and delete the stored rows that the window no longer has."""
        if settled and self.level == InsightDay.Level.CAMPAIGN:
            self._note_revisions(cursor, scope[0], settled, now)
        cursor.execute(
            f"DELETE FROM {self._target} WHERE id IN (SELECT o.id FROM {self._target} o "
            f"LEFT JOIN {self._table} s ON {self._same_key()} WHERE o.ad_account_id = %s "
            f"AND o.date_start BETWEEN %s AND %s AND s.{self.key} IS NULL)",
            scope,
        )

    def _make(self, cursor: Any) -> None:
        if not self._is_made:
            # An earlier reading on this connection may have left one, with rows of another account.
            cursor.execute(f"DROP TABLE IF EXISTS {self._table}")
            cursor.execute(
                f"CREATE TEMP TABLE {self._table} AS SELECT "
                f"{', '.join(self._columns)}, 0 AS page FROM {self._target} WHERE 1 = 0"
            )
            self._is_made = True
        self._is_in_table = True

    def _spill(self) -> None:
        """From memory into the temporary table."""
        with connection.cursor() as cursor:
            self._make(cursor)
            if self._lines:
                self._copy(cursor, self._table, "page", lambda page: page)
                self._lines.clear()

    def _empty(self, cursor: Any) -> None:
        """TRUNCATE gives the space back, but waits for the disk; it has to be done now and then."""
        self._times_used += 1
        truncate = connection.vendor == "postgresql" and self._times_used % 8 == 0
        cursor.execute(f"{'TRUNCATE' if truncate else 'DELETE FROM'} {self._table}")

    def _copy(self, cursor: Any, table: str, last_column: str, last: Callable[[int], int]) -> None:
        columns = ", ".join(self._columns)
        with cursor.copy(f"COPY {table} ({columns}, {last_column}) FROM STDIN") as copy:
            for page, lines in self._lines:
                end = f"\t{last(page)}\n"
                if lines:
                    copy.write(end.join(lines) + end)

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
            self._make(cursor)
            cursor.executemany(f"INSERT INTO {self._table} VALUES ({marks})", rows)

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


@contextmanager
def lenient_commits() -> Iterator[None]:
    """Do not wait for the disk: rows and marks that a power cut takes are read again together."""
    if connection.vendor != "postgresql":
        yield
        return
    with connection.cursor() as cursor:
        cursor.execute("SET synchronous_commit TO off")
    try:
        yield
    finally:
        with connection.cursor() as cursor:
            cursor.execute("RESET synchronous_commit")


def _copy_lines(values: Iterable[tuple[Any, ...]]) -> list[str]:
    plain = len(_SHARED)
    return [
        "\t".join(
            [r"\N" if value is None else str(value) for value in row[:plain]]
            + [_escaped(text) for text in row[plain:]]
        )
        for row in values
    ]


def _differs(left: str, right: str, names: Sequence[str]) -> str:
    """Whether any of these columns is not the same, NULL being a value like any other."""
    operator = "IS DISTINCT FROM" if connection.vendor == "postgresql" else "IS NOT"
    return "(" + " OR ".join(f"{left}.{name} {operator} {right}.{name}" for name in names) + ")"


@lru_cache(maxsize=4096)
def _escaped(text: str) -> str:
    """As COPY wants it; names repeat day after day."""
    return text.translate(_ESCAPES)
