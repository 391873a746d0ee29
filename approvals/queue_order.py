"""In which order the queue is worked through, and where a place in it is. Runs no query."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from django.db.models import Q, QuerySet

from approvals.models import AdVariant


class Place(NamedTuple):
    """Where a row stands: its group (0 without groups), its time, its id."""

    group: int
    at: datetime
    pk: UUID


@dataclass(frozen=True, slots=True)
class QueueOrder:
    """A total order of the waiting variants; every one has an index of its own.

    ``name`` stands in the address; ``at`` is the time that sorts; ``group`` a number whose equals
    stand together.
    """

    name: str
    label: str
    at: str = "queue_at"
    group: str = ""
    newest_first: bool = False

    @property
    def fields(self) -> list[str]:
        """For order_by."""
        sign = "-" if self.newest_first else ""
        return [*([self.group] if self.group else []), f"{sign}{self.at}", f"{sign}pk"]

    def place_of(self, row: AdVariant) -> Place:
        """Where a row stands now."""
        group = getattr(row, self.group) if self.group else 0
        return Place(group, getattr(row, self.at), row.pk)

    def in_order(self, rows: list[AdVariant]) -> list[AdVariant]:
        """Rows as the database would sort them."""
        return sorted(rows, key=self.place_of, reverse=self.newest_first)

    def is_before(self, one: Place, other: Place) -> bool:
        """Whether the first place comes before the second."""
        return one > other if self.newest_first else one < other

    def pieces_from(self, waiting: QuerySet[AdVariant], place: Place) -> list[QuerySet[AdVariant]]:
        """What stands at a place or after it: one query per range of the index, nearest first."""
        return self._pieces(waiting, place, forward=True)

    def pieces_before(
        self, waiting: QuerySet[AdVariant], place: Place
    ) -> list[QuerySet[AdVariant]]:
        """What stands before a place: one query per range of the index, nearest first."""
        return self._pieces(waiting, place, forward=False)

    def _pieces(
        self, waiting: QuerySet[AdVariant], place: Place, *, forward: bool
    ) -> list[QuerySet[AdVariant]]:
        way = "gt" if forward != self.newest_first else "lt"
        own = f"pk__{way}e" if forward else f"pk__{way}"
        ordered = waiting.order_by(*self.fields)
        if not forward:
            ordered = ordered.reverse()
        # The first condition follows from the second, but only the first can use the index.
        near = ordered.filter(**{f"{self.at}__{way}e": place.at}).filter(
            Q(**{f"{self.at}__{way}": place.at}) | Q(**{own: place.pk})
        )
        if not self.group:
            return [near]
        other_groups = ordered.filter(**{f"{self.group}__{way}": place.group})
        return [near.filter(**{self.group: place.group}), other_groups]


OLDEST_FIRST = QueueOrder("", "Oldest first")
ORDERS = {
    order.name: order
    for order in (
        OLDEST_FIRST,
        QueueOrder("due", "Due first", at="created_at"),
        QueueOrder("newest", "Newest first", at="created_at", newest_first=True),
        QueueOrder("account", "By account", group="account_group"),
        QueueOrder("campaign", "By campaign", group="campaign_group"),
    )
}
