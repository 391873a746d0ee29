"""Asking for the rows that a few short queries name, in one query. Runs none itself."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.db.models import Field, IntegerField, QuerySet, Subquery
from django.db.models.lookups import In


@Field.register_lookup
class Among(In):
    """``in`` for a subquery of few rows, which runs first however many joins stand around it.

    Beyond eight joins PostgreSQL plans them in the order written, and would read the whole table
    before it looks into an IN (...) at the end.
    """

    lookup_name = "among"

    def get_rhs_op(self, connection: Any, rhs: str) -> str:
        if connection.vendor == "postgresql":
            return f"= ANY(ARRAY{rhs})"
        return super().get_rhs_op(connection, rhs)


class CountOf(Subquery):
    """The number of rows of a query, as a column."""

    template = "(SELECT COUNT(*) FROM (%(subquery)s) AS counted)"
    output_field = IntegerField()


def ids_of(pieces: Sequence[QuerySet[Any, Any]]) -> QuerySet[Any, Any]:
    """The ids of several sliced queries as one; an OR of them would read the whole table."""
    parts: list[QuerySet[Any, Any]] = [
        piece.model._default_manager.filter(pk__in=piece.values("pk")).values("pk")
        for piece in pieces
    ]
    return parts[0].union(*parts[1:], all=True)
