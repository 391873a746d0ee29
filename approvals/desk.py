"""How somebody looks at the review queue: the place in it and the rows around that place."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, NamedTuple
from urllib.parse import urlencode
from uuid import UUID
from zoneinfo import ZoneInfo

from django.db.models import QuerySet
from django.urls import reverse
from django.utils import timezone

from approvals.models import AdVariant
from approvals.neighbours import groups_of
from approvals.preview import FEED, PLACEMENTS
from approvals.queue_order import OLDEST_FIRST, ORDERS, Place, QueueOrder
from approvals.selectors.queue import PAGE_SIZE, QueueFilter, queue_counts, rows_around
from leadmetrics.templatetags.ui import COUNTED_TO
from leadmetrics.tenancy.models import Tenant

ROWS = PAGE_SIZE
ROWS_BEFORE = 5
SEARCH_LENGTH = 100
DUE = {"overdue": "Overdue", "today": "Due today"}
SHADES = {"light": "Light", "dark": "Dark"}


@dataclass(frozen=True, slots=True)
class Desk:
    """How a person looks at the queue. It travels in the address, so that nothing is lost."""

    tenant: str
    narrow: QueueFilter
    view: str
    shade: str = ""
    due: str = ""
    order: QueueOrder = OLDEST_FIRST

    @classmethod
    def read(cls, tenant: Tenant, query: Mapping[str, str]) -> Desk:
        """What the address says; nonsense counts as nothing."""
        view, due, shade = (query.get(name, "") for name in ("view", "due", "shade"))
        return cls(
            tenant=tenant.slug,
            narrow=QueueFilter(
                search=query.get("q", "").replace("\x00", "").strip()[:SEARCH_LENGTH],
                ad_account_id=_number(query.get("account", "")),
                campaign_id=_number(query.get("campaign", "")),
                agent=query.get("agent", "").replace("\x00", "")[:SEARCH_LENGTH],
                proposed_before=_due_before(tenant, due),
                has_warnings=bool(query.get("warnings")),
            ),
            due=due if due in DUE else "",
            view=view if view in PLACEMENTS else FEED.name,
            shade=shade if shade in SHADES else "",
            order=ORDERS.get(query.get("sort", ""), OLDEST_FIRST),
        )

    @property
    def is_narrowed(self) -> bool:
        """Whether something of the queue is left out."""
        return bool(self.narrow.condition)

    def narrowed(self, **changes: Any) -> Desk:
        """The same desk with parts of its filter changed."""
        return replace(self, narrow=replace(self.narrow, **changes))

    def url(self, name: str = "queue", variant: AdVariant | None = None, **more: str) -> str:
        """The address of a page of the desk that looks at the same queue in the same way."""
        query = {
            "q": self.narrow.search,
            "account": str(self.narrow.ad_account_id or ""),
            "campaign": str(self.narrow.campaign_id or ""),
            "agent": self.narrow.agent,
            "due": self.due,
            "warnings": "1" if self.narrow.has_warnings else "",
            "sort": self.order.name,
            "view": "" if self.view == FEED.name else self.view,
            "shade": self.shade,
            **more,
        }
        path = reverse(f"review:{name}", args=[self.tenant, *([variant.pk] if variant else [])])
        carried = urlencode({key: value for key, value in query.items() if value})
        return f"{path}?{carried}" if carried else path


@dataclass(frozen=True, slots=True)
class Window:
    """The rows around one place of the queue; ``at`` is None when nothing is there.

    ``beyond`` is the first row that did not fit any more.
    """

    at: AdVariant | None = None
    rows: tuple[AdVariant, ...] = ()
    previous: AdVariant | None = None
    following: AdVariant | None = None
    beyond: AdVariant | None = None


class Row(NamedTuple):
    """A line of the list: how many belong to its group, and whether one above it leads that.

    ``like`` is an alike one further above.
    """

    variant: AdVariant
    url: str
    is_current: bool
    alike: int
    is_led: bool
    like: AdVariant | None


def window_from(waiting: QuerySet[AdVariant], desk: Desk, start: str) -> Window:
    """A page of the list, from the place that ``start`` names or from the beginning."""
    place = _read_start(start)
    if place is None:
        rows = list(waiting[: ROWS + 1])
        return _window([], rows, rows[0], before=0) if rows else Window()
    rows = rows_around(waiting, desk.order, place, before=1, after=ROWS + 1)
    earlier, found = _parted(desk, rows, place)
    return _window(earlier, found, found[0], before=0) if found else Window()


def window_around(waiting: QuerySet[AdVariant], desk: Desk, at: AdVariant) -> Window:
    """The rows around an ad, which itself is among them only if it waits and fits the filter."""
    place = desk.order.place_of(at)
    rows = rows_around(waiting, desk.order, place, before=ROWS_BEFORE, after=ROWS + 1)
    return _window(*_parted(desk, rows, place), at, before=ROWS_BEFORE)


def _parted(
    desk: Desk, rows: list[AdVariant], place: Place
) -> tuple[list[AdVariant], list[AdVariant]]:
    """The rows before a place, and those from it on."""
    earlier = [row for row in rows if desk.order.is_before(desk.order.place_of(row), place)]
    return earlier, rows[len(earlier) :]


def _window(
    earlier: list[AdVariant], found: list[AdVariant], at: AdVariant, *, before: int
) -> Window:
    rows = [*(earlier if before else ()), *found]
    return Window(
        at=at,
        rows=tuple(rows[:ROWS]),
        previous=earlier[-1] if earlier else None,
        following=next((row for row in found if row != at), None),
        beyond=rows[ROWS] if len(rows) > ROWS else None,
    )


def list_context(tenant: Tenant, desk: Desk, window: Window) -> dict[str, Any]:
    """The list: its rows, its counts, where its pages begin, and the ads before and after."""
    at, place = window.at, desk.order.place_of(window.at) if window.at else None
    counts = queue_counts(tenant, desk.narrow, desk.order, place)
    ahead, start = counts.ahead, _start_of(desk, at) if at else ""
    rows_ahead = len(_parted(desk, list(window.rows), place)[0]) if place else 0
    return {
        "nav_counts": {"review": counts.total},
        "total": counts.total,
        "matching": counts.matching,
        "rows": [
            Row(
                row,
                desk.url("variant", row),
                row == at,
                len(group.rows) - 1,
                row != group.first,
                None if row != group.first else group.like,
            )
            for group in groups_of(window.rows)
            for row in group.rows
        ],
        "place": ahead + 1 if at in window.rows and ahead < COUNTED_TO else None,
        "first_url": desk.url() if ahead > rows_ahead else "",
        "later_url": desk.url(start=_start_of(desk, window.beyond)) if window.beyond else "",
        "all_url": replace(desk, narrow=QueueFilter(), due="").url(),
        "filters": _filters_on(desk, window.rows[0] if window.rows else None),
        "here_url": desk.url(start=start),
        "filter_url": desk.url(start=start, filter="1"),
        "due_choices": DUE,
        "orders": ORDERS,
        "list_url": desk.url(),
        "marked": any(row == at and getattr(row, "is_marked", False) for row in window.rows),
        "bulk_url": desk.url("bulk"),
        "previous_url": desk.url("variant", window.previous) if window.previous else "",
        "next_url": desk.url("variant", window.following) if window.following else "",
    }


def _filters_on(desk: Desk, row: AdVariant | None) -> list[tuple[str, str]]:
    """What narrows the queue, in words, each with the address without it.

    Names come from ``row``, which fits them all; where nothing fits they stay unnamed.
    """
    narrow = desk.narrow
    target = row.target if row else None
    account = target.ad_account.name if target else "One ad account"
    campaign = target.ad_set.campaign.name if target else "One campaign"
    on = (
        (narrow.search, f"“{narrow.search}”", desk.narrowed(search="")),
        (narrow.ad_account_id, account, desk.narrowed(ad_account_id=None)),
        (narrow.campaign_id, campaign, desk.narrowed(campaign_id=None)),
        (narrow.agent, f"By {narrow.agent}", desk.narrowed(agent="")),
        (desk.due, DUE.get(desk.due, ""), replace(desk.narrowed(proposed_before=None), due="")),
        (narrow.has_warnings, "With warnings", desk.narrowed(has_warnings=False)),
    )
    return [(words, without.url()) for is_on, words, without in on if is_on]


def _number(text: str) -> int | None:
    return int(text) if text.isdecimal() and len(text) < 19 else None


def _due_before(tenant: Tenant, due: str) -> datetime | None:
    """The moment before which an ad was proposed that is overdue, or due by tonight."""
    if due not in DUE:
        return None
    now = timezone.now().astimezone(ZoneInfo(tenant.timezone))
    until = now if due == "overdue" else now.replace(hour=23, minute=59, second=59)
    return until - timedelta(hours=tenant.due_hours)


def place_of(at: datetime, pk: UUID) -> str:
    """A place in a list that is sorted by time and id, for an address."""
    return f"{at.isoformat()}_{pk}"


def read_place(text: str) -> tuple[datetime, UUID] | None:
    """The place that place_of wrote; None for anything else."""
    at, _, pk = text.partition("_")
    try:
        place = datetime.fromisoformat(at), UUID(pk)
    except ValueError:
        return None
    return place if place[0].tzinfo else None


def _start_of(desk: Desk, row: AdVariant) -> str:
    """Where a page of the queue begins, for an address."""
    place = desk.order.place_of(row)
    return f"{place.group}.{place_of(place.at, place.pk)}"


def _read_start(text: str) -> Place | None:
    """The place that _start_of wrote; None for anything else."""
    group, _, rest = text.partition(".")
    place = read_place(rest)
    return Place(_number(group) or 0, *place) if place else None
