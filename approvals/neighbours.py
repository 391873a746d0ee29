"""What reads nearly like the open ad: variants of the same proposal, and texts rejected before."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from uuid import UUID

from approvals.alike import closest, folded, is_alike
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


@dataclass(slots=True)
class Group:
    """Alike rows that stand together; ``like`` leads an earlier group that they are alike to."""

    rows: list[AdVariant]
    text: str
    like: AdVariant | None = None

    @property
    def first(self) -> AdVariant:
        """The row that leads the group."""
        return self.rows[0]


def groups_of(rows: Iterable[AdVariant]) -> list[Group]:
    """Rows of the queue in their order; what stands under an alike one of its proposal joins it."""
    groups: list[Group] = []
    kin: dict[tuple[int, UUID], list[Group]] = defaultdict(list)
    for row in rows:
        assert row.head is not None
        family, text = kin[row.proposal_id, row.target_id], folded(copy_of(row.head))
        alike = [group for group in family if is_alike(group.text, text)]
        if alike and alike[-1] is groups[-1]:
            groups[-1].rows.append(row)
            continue
        groups.append(Group([row], text, alike[0].first if alike else None))
        family.append(groups[-1])
    return groups


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
    decisions = list(recent_rejections(tenant, shown.pk))
    found = closest(copy_of(shown.head), [copy_of(one.revision) for one in decisions])
    return [RejectedBefore(decisions[place], score) for place, score in found[:MOST_REJECTED]]
