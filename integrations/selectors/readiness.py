"""What is missing on ad accounts, and what a new push target starts with."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from django.db.models import Exists, OuterRef, Prefetch, Q, QuerySet, prefetch_related_objects

from integrations.models import AdAccount, Integration, Page, PushTarget
from integrations.readiness import Gaps, Row, readiness_of, worst_first
from integrations.selectors.connections import Connection
from integrations.selectors.places import _named, ad_accounts_of
from leadmetrics.tenancy.models import Tenant

READY_PAGE = 50
GAPS_SHOWN = 10


@dataclass(frozen=True, slots=True)
class ReadinessPage:
    """Some rows of the grid, and the name and id the next page begins after (empty: none)."""

    rows: list[Row]
    after: str


def readiness_page(tenant: Tenant, *, search: str = "", after: int | None = None) -> ReadinessPage:
    """The ad accounts in use with their gaps, by name. Five queries whatever their number."""
    accounts = (
        AdAccount.objects.filter(tenant=tenant, enabled=True)
        .exclude(integration__status=Integration.Status.DISCONNECTED)
        .select_related("integration__tenant")
        .prefetch_related(
            _live_targets(),
            Prefetch("integration__pages", Page.objects.filter(gone_at=None), to_attr="live_pages"),
        )
    )
    if search:
        accounts = accounts.filter(_named(search))
    if after is not None:
        last = AdAccount.objects.filter(tenant=tenant, pk=after).first()
        if last is not None:
            accounts = accounts.filter(Q(name__gt=last.name) | Q(name=last.name, pk__gt=last.pk))
    found = list(accounts.order_by("name", "pk")[: READY_PAGE + 1])
    shown = found[:READY_PAGE]
    rows = [
        readiness_of(
            account,
            account.integration,
            account.integration.live_pages,  # type: ignore[attr-defined]
            account.live_targets,  # type: ignore[attr-defined]
        )
        for account in shown
    ]
    return ReadinessPage(rows, str(shown[-1].pk) if len(found) > READY_PAGE else "")


def gaps_of_all(connections: Iterable[Connection], targets: Iterable[PushTarget]) -> Gaps:
    """What is missing on the ad accounts of these grants, worst first; asks for nothing more."""
    placed: dict[int, list[PushTarget]] = {}
    for target in targets:
        placed.setdefault(target.ad_account_id, []).append(target)
    rows = (
        readiness_of(
            row.account,
            connection.integration,
            connection.pages,
            placed.get(row.account.pk, []),
        )
        for connection in connections
        if connection.integration.status != Integration.Status.DISCONNECTED
        for row in connection.accounts
    )
    return worst_first(rows, GAPS_SHOWN)


def gaps_of(accounts: Sequence[AdAccount], pages: Sequence[Page]) -> Gaps:
    """What is missing on these ad accounts of one grant, worst first. One query.

    ``pages`` are all that the grant reaches, also those that may not carry ads.
    """
    prefetch_related_objects(accounts, _live_targets())
    rows = (
        readiness_of(account, account.integration, pages, account.live_targets)  # type: ignore[attr-defined]
        for account in accounts
    )
    return worst_first(rows, GAPS_SHOWN)


def without_target(integration: Integration) -> QuerySet[AdAccount]:
    """Ad accounts in use that can run ads and have no place for approved ads yet, by name."""
    return ad_accounts_of(integration).filter(
        ~Exists(PushTarget.objects.filter(ad_account=OuterRef("pk"), archived_at=None)),
        enabled=True,
        account_status__in=AdAccount.RUNS_ADS,
    )


def target_defaults(account: AdAccount, pages: Sequence[Page]) -> dict[str, object]:
    """What a new target of the account starts with: its settings, else those of its newest target.

    ``account`` has been through ``gaps_of``, which loads its targets. By name of the form's field.
    """
    targets: list[PushTarget] = account.live_targets  # type: ignore[attr-defined]
    newest = max(targets, key=lambda target: target.created_at, default=None)
    usable = {page.pk: page for page in pages if page.can_advertise}
    page, speaks = usable.get(account.default_page_id or 0), account.use_instagram
    if page is None and newest is not None:
        page, speaks = usable.get(newest.page_id), newest.use_instagram
    if page is None and len(usable) == 1:
        (page,) = usable.values()
        speaks = False
    return {
        "page": page.pk if page else None,
        "use_instagram": bool(page and page.instagram_account_id and speaks),
        "default_link": account.default_link or (newest.default_link if newest else ""),
        "url_tags": account.url_tags or (newest.url_tags if newest else ""),
    }


def _live_targets() -> Prefetch[str]:
    return Prefetch(
        "push_targets",
        PushTarget.objects.filter(archived_at=None).select_related("ad_set"),
        to_attr="live_targets",
    )
