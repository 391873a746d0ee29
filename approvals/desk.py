"""What the review page shows: the place in the queue, the rows around it, the ad that is open."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode
from uuid import UUID
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db.models import QuerySet
from django.urls import reverse
from django.utils import timezone

from approvals.checklist import checklist, landing_lines
from approvals.content import content_hash
from approvals.diff import FieldChange, diff_copy
from approvals.limits import TEXTS
from approvals.marks import marks_on
from approvals.models import AdVariant, Comment, Decision, VariantRevision
from approvals.preview import FEED, PLACEMENTS, cta_label, domain_of, preview_of
from approvals.queue_order import OLDEST_FIRST, ORDERS, Place, QueueOrder
from approvals.rules import copy_of, findings_now
from approvals.selectors.pushed import PUSHED
from approvals.selectors.queue import PAGE_SIZE, QueueFilter, queue_counts, rows_around
from approvals.selectors.variants import comments_on, link_check_of, preflights_of, revisions_of
from approvals.selectors.verdicts import standing_approvals
from approvals.states import EDITABLE, VariantStatus
from approvals.timeline import VERDICTS
from leadmetrics.templatetags.ui import COUNTED_TO
from leadmetrics.tenancy.models import Tenant, User
from leadmetrics.tenancy.selectors import members_of

ROWS = PAGE_SIZE
ROWS_BEFORE = 5
HISTORY_LENGTH = 20
SEARCH_LENGTH = 100
# What the list can be narrowed to besides an ad account.
SHOWN = {
    "overdue": "Overdue",
    "today": "Due today",
    "warnings": "With warnings",
}
SHADES = {"light": "Light", "dark": "Dark"}
ACTS = (
    "approve",
    "reject",
    "edit",
    "withdraw",
    "changes",
    "defer",
    "reopen",
    "select",
    "alike",
    "comment",
    "draft",
)
DECIDED = (*PUSHED, VariantStatus.REJECTED, VariantStatus.CHANGES_REQUESTED)


@dataclass(frozen=True, slots=True)
class Desk:
    """How a person looks at the queue. It travels in the address, so that nothing is lost."""

    tenant: str
    narrow: QueueFilter
    view: str
    shade: str = ""
    show: str = ""
    order: QueueOrder = OLDEST_FIRST

    @classmethod
    def read(cls, tenant: Tenant, query: Mapping[str, str]) -> Desk:
        """What the address says; nonsense counts as nothing."""
        view, show = query.get("view", ""), query.get("show", "")
        shade = query.get("shade", "")
        return cls(
            tenant=tenant.slug,
            narrow=QueueFilter(
                search=query.get("q", "").replace("\x00", "").strip()[:SEARCH_LENGTH],
                ad_account_id=_number(query.get("account", "")),
                campaign_id=_number(query.get("campaign", "")),
                agent=query.get("agent", "").replace("\x00", "")[:SEARCH_LENGTH],
                proposed_before=_due_before(tenant, show),
                has_warnings=show == "warnings",
            ),
            show=show if show in SHOWN else "",
            view=view if view in PLACEMENTS else FEED.name,
            shade=shade if shade in SHADES else "",
            order=ORDERS.get(query.get("sort", ""), OLDEST_FIRST),
        )

    @property
    def is_narrowed(self) -> bool:
        """Whether something of the queue is left out."""
        return bool(self.narrow.condition)

    def url(self, name: str = "queue", variant: AdVariant | None = None, **more: str) -> str:
        """The address of a page of the desk that looks at the same queue in the same way."""
        query = {
            "q": self.narrow.search,
            "account": str(self.narrow.ad_account_id or ""),
            "campaign": str(self.narrow.campaign_id or ""),
            "agent": self.narrow.agent,
            "show": self.show,
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


@dataclass(frozen=True, slots=True)
class Happening:
    """One line of an ad's history in words."""

    icon: str
    tone: str
    title: str
    who: str
    when: datetime
    detail: str = ""
    changes: tuple[FieldChange, ...] = ()
    has_new_image: bool = False


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
    ahead = counts.ahead
    rows_ahead = len(_parted(desk, list(window.rows), place)[0]) if place else 0
    return {
        "nav_counts": {"review": counts.total},
        "total": counts.total,
        "matching": counts.matching,
        "accounts": counts.accounts,
        "rows": [(row, desk.url("variant", row), row == at) for row in window.rows],
        "place": ahead + 1 if at in window.rows and ahead < COUNTED_TO else None,
        "first_url": desk.url() if ahead > rows_ahead else "",
        "later_url": desk.url(start=_start_of(desk, window.beyond)) if window.beyond else "",
        "all_url": replace(desk, narrow=QueueFilter(), show="").url(),
        "shown_choices": SHOWN,
        "orders": ORDERS,
        "list_url": desk.url(),
        "marked": any(row == at and getattr(row, "is_marked", False) for row in window.rows),
        "bulk_url": desk.url("bulk"),
        "previous_url": desk.url("variant", window.previous) if window.previous else "",
        "next_url": desk.url("variant", window.following) if window.following else "",
    }


def card_context(
    tenant: Tenant, user: User, desk: Desk, shown: AdVariant, decisions: Sequence[Decision]
) -> dict[str, Any]:
    """Everything about the ad that is open; ``decisions`` are the newest HISTORY_LENGTH on it."""
    head, target = head_of(shown), shown.target
    comments = comments_on(shown)
    history = _history(shown, decisions, comments)
    runs_on_instagram = target.use_instagram and bool(target.page.instagram_account_id)
    placements = [
        placement
        for placement in PLACEMENTS.values()
        if placement.name != "instagram" or runs_on_instagram
    ]
    placement = PLACEMENTS[desk.view] if PLACEMENTS[desk.view] in placements else FEED
    looked_at = settings.LINK_CHECKS
    landing = link_check_of(tenant, head.link) if looked_at else None
    page_text = landing.page_text if landing and landing.is_read else None
    findings = findings_now(head, tenant, target, page_text=page_text)
    marks = marks_on(head, findings, comments)
    preview = preview_of(
        head,
        target,
        image_url=image_url(desk.tenant, head),
        placement=placement,
        marks=marks,
    )
    checks = checklist(
        head,
        tenant,
        target,
        findings,
        landing_lines(head, landing, findings, looked_at=looked_at),
    )
    noticed = sum(check.tone in ("bad", "warn") for check in checks)
    is_waiting = shown.status == VariantStatus.PROPOSED
    is_own = head.author_id == user.pk
    approvals = standing_approvals(shown, decisions) if is_waiting else []
    own_is_enough = tenant.author_may_approve or tenant.approvals_needed > 1
    tabs = [
        (one.label, replace(desk, view=one.name).url("variant", shown), one == placement)
        for one in placements
    ]
    shades = [
        (label, replace(desk, shade="" if is_on else shade).url("variant", shown), is_on)
        for shade, label in SHADES.items()
        for is_on in [shade == desk.shade]
    ]
    return {
        "variant": shown,
        "revision": head,
        "target": target,
        "hash": live_hash(shown),
        "preview": preview,
        "tabs": tabs,
        "shades": shades,
        "shade": desk.shade,
        "preview_template": placement.template,
        "at_meta_url": desk.url("at_meta", shown),
        "runs_on_instagram": runs_on_instagram,
        "domain": domain_of(head.link),
        "cta": cta_label(head.call_to_action) or "No button",
        "checks": checks,
        "preflights": preflights_of(shown, live_hash(shown)) if is_waiting else (),
        "noticed": noticed,
        "passed": sum(check.tone == "good" for check in checks),
        "comments": comments,
        "marked": {field: marks.on(field, getattr(head, field)) for field in TEXTS},
        "history": history,
        "latest": next((line for line in history if line.changes or line.has_new_image), None),
        "last_decision": decisions[0] if decisions and shown.status in DECIDED else None,
        "is_waiting": is_waiting,
        "is_approved": shown.status in PUSHED,
        "next_number": head.number + 1,
        "is_own": is_own,
        "own_allowed": own_is_enough,
        "needs_another": is_own and not own_is_enough,
        "approvals": approvals,
        "campaign_url": _narrower(desk, campaign_id=target.ad_set.campaign_id),
        "agent_url": _narrower(desk, agent=shown.proposal.submitted_by),
        "approved_by_me": any(given.reviewer_id == user.pk for given in approvals),
        "is_deferred": is_waiting and shown.queue_at > timezone.now(),
        "others": _other_approvers(tenant, user) if is_own and is_waiting else [],
        "may_edit": shown.status in EDITABLE,
        "url": desk.url("variant", shown),
        **{f"{act}_url": desk.url(act, shown) for act in ACTS},
    }


def _narrower(desk: Desk, **changes: Any) -> str:
    return replace(desk, narrow=replace(desk.narrow, **changes)).url()


def _history(
    shown: AdVariant, decisions: Sequence[Decision], comments: Sequence[Comment]
) -> list[Happening]:
    """Versions with what changed, verdicts, and who commented when, newest first."""
    revisions = list(revisions_of(shown)[: HISTORY_LENGTH + 1])
    lines = [*map(_verdict, decisions), *map(_comment, comments[-HISTORY_LENGTH:])]
    for revision, before in zip(revisions, [*revisions[1:], None], strict=True):
        if before or revision.number == 1:
            lines.append(_version(revision, before))
    return sorted(lines, key=lambda line: line.when, reverse=True)


def _verdict(decision: Decision) -> Happening:
    icon, tone, title = VERDICTS[Decision.Verdict(decision.verdict)]
    return Happening(
        icon=icon,
        tone=tone,
        title=title.format(decision.revision.number),
        who=decision.reviewer.name,
        when=decision.created_at,
        detail=": ".join(filter(None, [decision.get_reason_code_display(), decision.comment])),
    )


def _comment(comment: Comment) -> Happening:
    return Happening(
        icon="message-square",
        tone="",
        title=f"Comment {comment.number} on version {comment.revision.number}",
        who=comment.author.name,
        when=comment.created_at,
    )


def _version(revision: VariantRevision, before: VariantRevision | None) -> Happening:
    return Happening(
        icon="bot" if revision.author_kind == "agent" else "pencil",
        tone="info" if before else "",
        title=f"Version {revision.number}" if before else "Proposed",
        who=revision.author_label,
        when=revision.created_at,
        changes=changes_between(before, revision) if before else (),
        has_new_image=before is not None and before.image_id != revision.image_id,
    )


def changes_between(before: VariantRevision, after: VariantRevision) -> tuple[FieldChange, ...]:
    """The words that differ between two versions."""
    return diff_copy(copy_of(before), copy_of(after))


def head_of(variant: AdVariant) -> VariantRevision:
    """The newest version. Every stored variant has one."""
    assert variant.head is not None
    return variant.head


def live_hash(variant: AdVariant) -> str:
    """The hash of what would be sent now; the page carries it, a decision is bound to it."""
    return content_hash(head_of(variant), variant.target)


def _number(text: str) -> int | None:
    return int(text) if text.isdecimal() and len(text) < 19 else None


def _due_before(tenant: Tenant, show: str) -> datetime | None:
    """The moment before which an ad was proposed that is overdue, or due by tonight."""
    if show not in ("overdue", "today"):
        return None
    now = timezone.now().astimezone(ZoneInfo(tenant.timezone))
    until = now if show == "overdue" else now.replace(hour=23, minute=59, second=59)
    return until - timedelta(hours=tenant.due_hours)


def image_url(tenant: str, revision: VariantRevision) -> str:
    """Where our copy of the picture is; empty for an ad without one."""
    if revision.image is None:
        return ""
    return reverse("review:image", args=[tenant, revision.image.sha256])


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


def _other_approvers(tenant: Tenant, user: User) -> list[str]:
    return [
        member.user.name
        for member in members_of(tenant)
        if member.is_reviewer and member.user.is_active and member.user_id != user.pk
    ]
