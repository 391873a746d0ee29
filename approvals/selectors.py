"""Reading variants: the review queue, the pushed ads, one variant's history."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.core.cache import cache
from django.db.models import (
    Case,
    Count,
    Exists,
    F,
    Max,
    OuterRef,
    Prefetch,
    Q,
    QuerySet,
    Sum,
    Value,
    When,
)
from django.utils import timezone

from approvals.models import (
    AdVariant,
    Comment,
    Decision,
    LinkCheck,
    Preflight,
    Push,
    Seen,
    VariantRevision,
    WriteStop,
)
from approvals.models_links import hash_link
from approvals.queue_order import OLDEST_FIRST, Place, QueueOrder
from approvals.results import Sums
from approvals.short_lists import CountOf, ids_of
from approvals.states import PAST_PUSHES, PushState, VariantStatus
from integrations.models import AdAccount, AdInsight, PushTarget
from leadmetrics.audit.models import AuditEntry
from leadmetrics.templatetags.ui import COUNTED_TO
from leadmetrics.tenancy.models import Tenant, User

PAGE_SIZE = 50
SWEEP_SIZE = 20
STOPS_FOR_PAGES = "write-stops"
REJECTIONS = 500
COMMENTS = 100

PUSHED = (
    VariantStatus.APPROVED,
    VariantStatus.PUSHING,
    VariantStatus.PUSH_UNKNOWN,
    VariantStatus.PUSH_FAILED,
    VariantStatus.PAUSED,
    VariantStatus.ACTIVATING,
    VariantStatus.ACTIVE,
    VariantStatus.PAUSING,
    VariantStatus.META_REFUSED,
)
TROUBLED = (VariantStatus.PUSH_FAILED, VariantStatus.PUSH_UNKNOWN)


def variants_with_content(tenant_id: int) -> QuerySet[AdVariant]:
    """A tenant's variants with text, image and everything the target names, in one query."""
    variants = AdVariant.objects.filter(tenant_id=tenant_id).select_related(
        "head",
        "head__image",
        "proposal",
        "tenant",
        "target__ad_set__campaign",
        "target__page",
        "target__ad_account__integration",
    )
    # The answer to the whole submission, up to 200 items, would come along with every single row.
    return variants.defer("proposal__answer")


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
            fits &= Q(target__ad_account_id=self.ad_account_id)
        if self.search:
            fits &= (
                Q(head__primary_text__icontains=self.search)
                | Q(head__headline__icontains=self.search)
                | Q(target__name__icontains=self.search)
            )
        if self.campaign_id:
            fits &= Q(target__ad_set__campaign_id=self.campaign_id)
        if self.agent:
            fits &= Q(proposal__submitted_by=self.agent)
        if self.proposed_before:
            fits &= Q(created_at__lte=self.proposed_before)
        if self.has_warnings:
            fits &= ~Q(head__flags=[])
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


def recent_rejections(tenant: Tenant, shown: AdVariant) -> QuerySet[Decision]:
    """The newest rejections of other variants that stand, up to 500."""
    rejected = Decision.objects.filter(
        variant__tenant=tenant, verdict=Decision.Verdict.REJECTED, undone_by=None
    ).exclude(variant=shown)
    return rejected.select_related("revision", "reviewer").order_by("-created_at")[:REJECTIONS]


@dataclass(frozen=True, slots=True)
class AccountCount:
    """An ad account of the queue; ``waiting`` is None when the queue is too long to count it."""

    ad_account_id: int
    name: str
    waiting: int | None


@dataclass(frozen=True, slots=True)
class QueueCounts:
    """The queue in figures: all, what fits the filter, and of that what is ahead of a place.

    Nobody reads a figure beyond a thousand, and counting a hundred thousand rows for each card
    would make every card wait: anything above COUNTED_TO stands for "more than that".
    """

    total: int
    matching: int
    ahead: int
    accounts: list[AccountCount]


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
    beyond = waiting.order_by("queue_at", "pk").values("pk")[COUNTED_TO : COUNTED_TO + 1]
    of_account = CountOf(waiting.filter(target__ad_account=OuterRef("pk")).values("pk"))
    targets = PushTarget.objects.filter(tenant=tenant, ad_account=OuterRef("pk"))
    accounts = list(
        AdAccount.objects.filter(Exists(targets))
        .annotate(
            total=CountOf(waiting.values("pk")[: COUNTED_TO + 1]),
            matching=CountOf(fitting.values("pk")[: COUNTED_TO + 1]),
            ahead=sum(ahead, Value(0)),
            waiting=Case(When(~Exists(beyond), then=of_account)),
        )
        .order_by("name", "pk")
    )
    if not accounts:
        return QueueCounts(0, 0, 0, [])
    return QueueCounts(
        total=accounts[0].total,
        matching=accounts[0].matching,
        ahead=accounts[0].ahead,
        accounts=[
            AccountCount(account.pk, account.name, account.waiting)
            for account in accounts
            if account.waiting != 0
        ],
    )


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


def count_by_status(tenant: Tenant) -> Mapping[str, int]:
    """Status to number of variants."""
    rows = AdVariant.objects.filter(tenant=tenant).values_list("status").annotate(Count("pk"))
    return dict(rows)


def pushed_variants(tenant: Tenant, *, status: str = "") -> QuerySet[AdVariant]:
    """Approved variants and where each one is, newest first; each with ``live_pushes``."""
    wanted = [status] if status in PUSHED else PUSHED
    return (
        variants_with_content(tenant.pk)
        .filter(status__in=wanted)
        .prefetch_related(
            Prefetch(
                "pushes",
                Push.objects.exclude(state__in=PAST_PUSHES).select_related(
                    "decision__reviewer", "live"
                ),
                to_attr="live_pushes",
            )
        )
        .order_by("-updated_at", "-pk")
    )


@dataclass(frozen=True, slots=True)
class AccountBacklog:
    """What waits to be sent in an ad account; ``throttled_until`` when Meta asked to wait."""

    ad_account_id: str
    name: str
    waiting: int
    throttled_until: datetime | None


def account_backlogs(tenant: Tenant) -> list[AccountBacklog]:
    """The ad accounts where approved ads wait to be sent, by name."""
    throttled = Q(problem_code="meta_throttled")
    rows = (
        Push.objects.filter(variant__tenant=tenant, state=PushState.WAITING)
        .values_list(
            "variant__target__ad_account__ad_account_id", "variant__target__ad_account__name"
        )
        .annotate(waiting=Count("pk"), until=Max("next_attempt_at", filter=throttled))
        .order_by("variant__target__ad_account__name")
    )
    return [AccountBacklog(*row) for row in rows]


def pushed_before(pushed: QuerySet[AdVariant], at: datetime, pk: UUID) -> QuerySet[AdVariant]:
    """The part of the pushed ads that is older than a place in them, newest first."""
    return pushed.filter(Q(updated_at__lt=at) | Q(updated_at=at, pk__lt=pk))


def pushed_after(pushed: QuerySet[AdVariant], at: datetime, pk: UUID) -> QuerySet[AdVariant]:
    """The part of the pushed ads that is newer than a place in them, nearest first."""
    return pushed.filter(Q(updated_at__gt=at) | Q(updated_at=at, pk__gt=pk)).reverse()


def revisions_of(variant: AdVariant) -> QuerySet[VariantRevision]:
    """Every text this variant had, newest first."""
    return variant.revisions.select_related("author", "image").order_by("-number")


def decisions_of(variant: AdVariant) -> QuerySet[Decision]:
    """Every verdict on it, newest first."""
    return decisions_of_any().filter(variant=variant)


def decisions_of_any() -> QuerySet[Decision]:
    """Verdicts with who gave them on what, and what became of them, newest first."""
    return Decision.objects.select_related("reviewer", "revision", "undone_by", "push").order_by(
        "-created_at"
    )


def comments_on(variant: AdVariant) -> list[Comment]:
    """What people said about it, oldest first; of a very long talk the end."""
    newest = variant.comments.select_related("author", "revision").order_by("-number")
    return list(newest[:COMMENTS])[::-1]


def standing_approvals(variant: AdVariant, decisions: Iterable[Decision]) -> list[Decision]:
    """Approvals of the newest version that count: neither undone nor handed back.

    ``decisions`` are those of the variant, as ``decisions_of`` reads them.
    """
    kept = [decision for decision in decisions if not hasattr(decision, "undone_by")]
    pushes = [decision.push for decision in kept if hasattr(decision, "push")]
    ends = [push.finished_at for push in pushes if push.state == PushState.VOIDED]
    handed_back = max(filter(None, ends), default=None)
    return [
        decision
        for decision in kept
        if decision.verdict == Decision.Verdict.APPROVED
        and decision.revision_id == variant.head_id
        and (handed_back is None or decision.created_at > handed_back)
    ]


def decision_to_undo(user: User, tenant: Tenant) -> Decision | None:
    """The person's newest decision here that can still be taken back; None when there is none."""
    mine = Decision.objects.filter(_undoable_by(user, tenant))
    return mine.select_related("variant__head", "revision").order_by("-created_at").first()


def decisions_and_undo(
    variant: AdVariant, user: User, *, most: int
) -> tuple[list[Decision], Decision | None]:
    """The newest verdicts on a variant, and what decision_to_undo says, in one query."""
    can_undo = _undoable_by(user, variant.tenant)
    of_variant = Decision.objects.filter(variant=variant).order_by("-created_at")
    of_person = Decision.objects.filter(can_undo).order_by("-created_at")
    rows = list(
        decisions_of_any()
        .filter(pk__among=ids_of([of_variant[:most], of_person[:1]]))
        .select_related("variant__head")
        .annotate(can_undo=Case(When(can_undo, then=Value(True)), default=Value(False)))
    )
    undo = next((row for row in rows if row.can_undo), None)
    return [row for row in rows if row.variant_id == variant.pk], undo


def _undoable_by(user: User, tenant: Tenant) -> Q:
    since = timezone.now() - timedelta(minutes=tenant.undo_minutes)
    return Q(undoable(), reviewer=user, variant__tenant=tenant, created_at__gt=since)


def undoable() -> Q:
    """Decisions that still say where their variant is, and of which nothing has begun."""
    verdict = Decision.Verdict
    unsent = Q(push__state=PushState.WAITING, push__attempts=0, push__fence=0)
    return Q(undone_by=None) & (
        Q(verdict=verdict.APPROVED, variant__status=VariantStatus.APPROVED) & unsent
        | Q(verdict=verdict.APPROVED, variant__status=VariantStatus.PROPOSED, push=None)
        & Q(variant__head=F("revision"))
        | Q(verdict=verdict.REJECTED, variant__status=VariantStatus.REJECTED)
        | Q(verdict=verdict.CHANGES, variant__status=VariantStatus.CHANGES_REQUESTED)
    )


def pushes_of(variant: AdVariant) -> QuerySet[Push]:
    """Every push with its steps, newest first."""
    return (
        variant.pushes.select_related("decision__reviewer", "decision__revision", "live")
        .prefetch_related("steps")
        .order_by("-created_at")
    )


def preflights_of(variant: AdVariant, content_hash: str) -> QuerySet[Preflight]:
    """What Meta said beforehand of the variant's target, then of exactly this content for it."""
    return Preflight.objects.filter(
        target_id=variant.target_id, content_hash__in=("", content_hash)
    ).order_by("content_hash")


def ad_results(push: Push) -> tuple[Sums, Sums]:
    """The figures of a pushed ad, and of the other ads of its ad set over the same days."""
    rows = AdInsight.objects.filter(
        ad_account__tenant_id=push.payload["tenant"],
        ad_account__ad_account_id=push.payload["ad_account_id"],
        ad_set_id=push.payload["ad_set_id"],
        date_start__gte=(push.finished_at or push.created_at).date(),
    )
    its = Q(ad_id=push.ad_id)
    figures = ("impressions", "inline_link_clicks", "spend", "conversions")
    found = rows.aggregate(
        **{f"mine_{name}": Sum(name, filter=its) for name in figures},
        **{f"others_{name}": Sum(name, filter=~its) for name in figures},
    )

    def sums(whose: str) -> Sums:
        return Sums(
            impressions=found[f"{whose}_impressions"] or 0,
            clicks=found[f"{whose}_inline_link_clicks"] or 0,
            spend=found[f"{whose}_spend"],
            conversions=found[f"{whose}_conversions"],
        )

    return sums("mine"), sums("others")


def current_push(pushes: Iterable[Push]) -> Push | None:
    """The push that says where its variant is."""
    return next((push for push in pushes if push.state not in PAST_PUSHES), None)


def later_lines(variant: AdVariant) -> QuerySet[AuditEntry]:
    """The audit lines of what happened to the ad once it was at Meta, newest first."""
    return AuditEntry.objects.filter(
        tenant_id=variant.tenant_id,
        object_type="advariant",
        object_id=str(variant.pk),
        action__startswith="ad.",
    ).order_by("-seq")


def due_pushes(now: datetime | None = None) -> QuerySet[Push]:
    """Pushes that nobody woke, whose wait is over, or whose worker died, oldest first.

    While writing is stopped only those are due that may have an ad, so that they are looked up.
    """
    now = now or timezone.now()
    stops = WriteStop.objects.filter(Q(tenant=None) | Q(tenant=OuterRef("variant__tenant")))
    return Push.objects.filter(
        Q(state=PushState.WAITING) & ~Exists(stops) & _wait_is_over(now) & _hold_is_over(now)
        | Q(state=PushState.UNKNOWN) & _wait_is_over(now)
        | Q(state=PushState.RUNNING, lease_until__lt=now)
    ).order_by("created_at")


def _wait_is_over(now: datetime) -> Q:
    return Q(next_attempt_at=None) | Q(next_attempt_at__lte=now)


def _hold_is_over(now: datetime) -> Q:
    return Q(not_before=None) | Q(not_before__lte=now)


def shown_stop(tenant_id: int) -> dict[str, object] | None:
    """What the banner of every page says, from the cache; a stop everywhere comes first."""
    stops: list[dict[str, object]] = cache.get(STOPS_FOR_PAGES) or []
    everywhere = [stop for stop in stops if stop["tenant_id"] is None]
    own = [stop for stop in stops if stop["tenant_id"] == tenant_id]
    return next(iter([*everywhere, *own]), None)


def write_stop_of(tenant_id: int) -> WriteStop | None:
    """What stops writing for this tenant; a stop everywhere comes first."""
    stops = WriteStop.objects.filter(Q(tenant=None) | Q(tenant_id=tenant_id))
    return min(stops, key=lambda stop: stop.tenant_id or 0, default=None)


def pushes_today(tenant: Tenant) -> int:
    """How many ads were created as PAUSED in the last 24 hours."""
    return Push.objects.filter(
        variant__tenant=tenant,
        state=PushState.DONE,
        finished_at__gte=timezone.now() - timedelta(days=1),
    ).count()


def variants_with_feedback(tenant_id: int) -> QuerySet[AdVariant]:
    """Variants with what agents may learn: comments, decisions_newest_first, live_pushes."""
    return (
        AdVariant.objects.filter(tenant_id=tenant_id)
        .select_related("head")
        .prefetch_related(
            Prefetch(
                "decisions",
                Decision.objects.order_by("-created_at"),
                to_attr="decisions_newest_first",
            ),
            Prefetch("comments", Comment.objects.select_related("author", "revision")),
            Prefetch("pushes", Push.objects.exclude(state__in=PAST_PUSHES), to_attr="live_pushes"),
        )
    )


def link_check_of(tenant: Tenant, link: str) -> LinkCheck | None:
    """The latest look at a link of this tenant; None when nobody looked."""
    return LinkCheck.objects.filter(tenant=tenant, link_sha256=hash_link(link)).first()
