"""The review queue: what waits for a decision, in which order, and how much."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.db.models import Exists, OuterRef, Q, QuerySet, Value

from approvals.models import AdVariant, Seen
from approvals.queue_order import OLDEST_FIRST, Place, QueueOrder
from approvals.selectors.variants import variants_with_content
from approvals.short_lists import CountOf, ids_of
from approvals.states import VariantStatus
from leadmetrics.templatetags.ui import COUNTED_TO
from leadmetrics.tenancy.models import Tenant, User

PAGE_SIZE = 50


@dataclass(frozen=True, slots=True)
class QueueFilter:
    """How the review queue is narrowed; empty means everything."""

    search: str = ""
    ad_account_id: int | None = None
    campaign_id: int | None = None
    agent: str = ""
    proposed_before: datetime | None = None
    has_warnings: bool = False

    @property
    def condition(self) -> Q:
        """The filter as a condition on variants."""
        fits = Q()
        if self.ad_account_id:
            fits &= Q(account_group=self.ad_account_id)
        if self.search:
            fits &= (
                Q(head__primary_text__icontains=self.search)
                | Q(head__headline__icontains=self.search)
                | Q(target__name__icontains=self.search)
            )
        if self.campaign_id:
            fits &= Q(campaign_group=self.campaign_id)
        if self.agent:
            fits &= Q(submitted_by=self.agent)
        if self.proposed_before:
            fits &= Q(created_at__lte=self.proposed_before)
        if self.has_warnings:
            fits &= Q(has_warnings=True)
        return fits


def variants_to_review(
    tenant: Tenant,
    narrow: QueueFilter | None = None,
    user: User | None = None,
    order: QueueOrder = OLDEST_FIRST,
) -> QuerySet[AdVariant]:
    """What waits for a decision, oldest first unless told otherwise.

    With ``user`` each says whether this person has seen it (``is_seen``, ``is_marked``).
    """
    waiting = variants_with_content(tenant.pk).filter(status=VariantStatus.PROPOSED)
    if narrow:
        waiting = waiting.filter(narrow.condition)
    if user:
        drawn = Seen.objects.filter(
            user=user, variant=OuterRef("pk"), content_hash=OuterRef("head__content_hash")
        )
        waiting = waiting.annotate(
            is_seen=Exists(drawn), is_marked=Exists(drawn.filter(is_selected=True))
        )
    return waiting.order_by(*order.fields)


def waiting_siblings(tenant: Tenant, shown: AdVariant) -> QuerySet[AdVariant]:
    """What else of the same proposal waits for the same target, in the queue's order."""
    waiting = variants_to_review(tenant).filter(
        proposal_id=shown.proposal_id, target_id=shown.target_id
    )
    return waiting.exclude(pk=shown.pk)


@dataclass(frozen=True, slots=True)
class QueueCounts:
    """The queue in figures: all, what fits the filter, and of that what is ahead of a place.

    Nobody reads a figure beyond a thousand, and counting a hundred thousand rows for each card
    would make every card wait: anything above COUNTED_TO stands for "more than that".
    """

    total: int
    matching: int
    ahead: int


def queue_counts(
    tenant: Tenant,
    narrow: QueueFilter,
    order: QueueOrder = OLDEST_FIRST,
    place: Place | None = None,
) -> QueueCounts:
    """The queue in figures, in one query."""
    waiting = AdVariant.objects.filter(tenant=tenant, status=VariantStatus.PROPOSED)
    fitting = waiting.filter(narrow.condition)
    before = order.pieces_before(fitting, place) if place else []
    ahead = [CountOf(piece.values("pk")[: COUNTED_TO + 1]) for piece in before]
    figures = Tenant.objects.filter(pk=tenant.pk).values_list(
        CountOf(waiting.values("pk")[: COUNTED_TO + 1]),
        CountOf(fitting.values("pk")[: COUNTED_TO + 1]),
        sum(ahead, Value(0)),
    )
    return QueueCounts(*figures.get())


def rows_around(
    waiting: QuerySet[AdVariant], order: QueueOrder, place: Place, *, before: int, after: int
) -> list[AdVariant]:
    """The part of a queue around a place, in order: up to so many rows before and from it on.

    One query: short ranges of the index name the rows, whatever the length of the queue.
    """
    pieces = [
        *(piece[:before] for piece in order.pieces_before(waiting, place)),
        *(piece[:after] for piece in order.pieces_from(waiting, place)),
    ]
    found = order.in_order(list(waiting.filter(pk__among=ids_of(pieces))))
    at = sum(order.is_before(order.place_of(row), place) for row in found)
    return found[max(at - before, 0) : at + after]


def first_from(waiting: QuerySet[AdVariant], order: QueueOrder, place: Place) -> AdVariant | None:
    """The first row at a place or after it; None at the end of the queue."""
    pieces = order.pieces_from(waiting, place)
    return next((row for piece in pieces for row in piece[:1]), None)


def count_to_review(tenant: Tenant) -> int:
    """How many variants wait for a decision; COUNTED_TO + 1 for anything above COUNTED_TO."""
    waiting = AdVariant.objects.filter(tenant=tenant, status=VariantStatus.PROPOSED)
    return waiting[: COUNTED_TO + 1].count()
