"""What reads nearly like the open ad: variants of the same proposal, and texts rejected before."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from approvals.alike import closest, is_alike
from approvals.diff import FieldChange, diff_copy
from approvals.models import AdVariant, Decision
from approvals.rules import copy_of
from approvals.selectors.queue import waiting_siblings
from approvals.selectors.verdicts import recent_rejections
from leadmetrics.tenancy.models import Tenant

MOST_REJECTED = 3


@dataclass(frozen=True, slots=True)
class Sibling:
    """A waiting variant with the words in which it differs from the open one."""

    variant: AdVariant
    changes: tuple[FieldChange, ...]


@dataclass(frozen=True, slots=True)
class RejectedBefore:
    """A rejection of nearly this text: when, why, and how alike in per cent."""

    decision: Decision
    likeness: int


def groups_of(rows: Iterable[AdVariant]) -> list[list[AdVariant]]:
    """Rows of the queue in their order; what stands under an alike one of its proposal joins it."""
    groups: list[list[AdVariant]] = []
    for row in rows:
        if groups and _belongs_to(groups[-1][0], row):
            groups[-1].append(row)
        else:
            groups.append([row])
    return groups


def _belongs_to(first: AdVariant, row: AdVariant) -> bool:
    assert first.head is not None
    assert row.head is not None
    is_kin = (row.proposal_id, row.target_id) == (first.proposal_id, first.target_id)
    return is_kin and is_alike(copy_of(first.head), copy_of(row.head))


def siblings_of(tenant: Tenant, shown: AdVariant) -> list[Sibling]:
    """Waiting variants of the same proposal and target that differ little, the closest first."""
    assert shown.head is not None
    others = list(waiting_siblings(tenant, shown))
    mine = copy_of(shown.head)
    texts = [copy_of(other.head) for other in others if other.head]
    return [
        Sibling(others[place], diff_copy(mine, texts[place])) for place, _ in closest(mine, texts)
    ]


def rejected_before(tenant: Tenant, shown: AdVariant) -> list[RejectedBefore]:
    """This tenant's rejections of nearly the same text, the closest first, at most three."""
    assert shown.head is not None
    decisions = list(recent_rejections(tenant, shown))
    found = closest(copy_of(shown.head), [copy_of(one.revision) for one in decisions])
    return [RejectedBefore(decisions[place], score) for place, score in found[:MOST_REJECTED]]
