"""Reading connections, ad accounts, push targets and sync runs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from itertools import groupby
from operator import itemgetter
from uuid import UUID

from django.db.models import (
    Count,
    Exists,
    F,
    OuterRef,
    Prefetch,
    Q,
    QuerySet,
    Subquery,
    Window,
    prefetch_related_objects,
)
from django.db.models.functions import RowNumber

from integrations.models import (
    AdAccount,
    AdSet,
    CampaignInsight,
    InsightDay,
    InsightRevision,
    Integration,
    Page,
    PushTarget,
    RangeReach,
    SyncRun,
)
from integrations.readiness import Gaps, Row, readiness_of, worst_first
from integrations.waiting import RELEASED
from integrations.words import Health, Scope, health_of, missing_scopes, status_note
from leadmetrics.audit.models import AuditEntry
from leadmetrics.tenancy.models import Tenant

SEARCH_FROM = 12


@dataclass(slots=True)
class AccountRow:
    """An ad account in use, its newest runs, and what keeps it from running ads."""

    account: AdAccount
    pull: SyncRun | None
    history: SyncRun | None
    catalog: SyncRun | None
    note: str

    @property
    def lacks_history(self) -> bool:
        """Whether its older days can be read now and were not."""
        has_begun = self.history is not None and not self.history.has_failed
        return self.account.insights_complete_at is not None and not has_begun

    @property
    def problem(self) -> str:
        """Why its newest reading is incomplete; empty when it is not."""
        for run in (self.pull, self.history, self.catalog):
            if run is not None and run.has_failed:
                return run.error
        return ""


@dataclass(slots=True)
class Connection:
    """A grant with everything the connections page says about it."""

    integration: Integration
    health: Health
    missing: list[Scope]
    reachable: int
    accounts: list[AccountRow]
    pages: list[Page]
    catalog: SyncRun | None
    open_runs: list[SyncRun] = field(default_factory=list)


def connections_of(tenant: Tenant) -> list[Connection]:
    """The tenant's grants with accounts in use, Pages and newest runs. Four queries."""
    grants = list(
        Integration.objects.filter(tenant=tenant)
        .select_related("connected_by", "tenant")
        .annotate(
            reachable=Count("ad_accounts", filter=Q(ad_accounts__gone_at=None)),
            last_catalog=_newest(SyncRun.Kind.CATALOG, integration=OuterRef("pk"), ad_account=None),
        )
        .prefetch_related(
            Prefetch("ad_accounts", _accounts_in_use(), to_attr="in_use"),
            Prefetch("pages", Page.objects.filter(gone_at=None), to_attr="live_pages"),
        )
        .order_by("connected_at", "pk")
    )
    runs = _runs_of(grants)
    return [_connection(grant, runs) for grant in grants]


def renewed_grant(tenant: Tenant, pk: str) -> Integration | None:
    """The tenant's grant that somebody set out to renew; None for anything else."""
    try:
        wanted = UUID(pk)
    except ValueError:
        return None
    return Integration.objects.filter(tenant=tenant, pk=wanted).first()


def open_runs_of(integration: Integration) -> QuerySet[SyncRun]:
    """The grant's runs that wait or are being worked on, oldest first."""
    return (
        integration.sync_runs.filter(state__in=(SyncRun.State.WAITING, SyncRun.State.RUNNING))
        .select_related("ad_account")
        .order_by("created_at")
    )


def last_catalog_run(integration: Integration) -> SyncRun | None:
    """The newest run that read what a grant reaches."""
    runs = integration.sync_runs.filter(kind=SyncRun.Kind.CATALOG, ad_account=None)
    return runs.order_by("-created_at").first()


def failed_runs(tenant: Tenant, limit: int = 5) -> list[SyncRun]:
    """Accounts or grants whose newest run did not complete."""
    newest: dict[tuple[str, int | None, str], SyncRun] = {}
    for run in (
        SyncRun.objects.filter(tenant=tenant)
        .select_related("ad_account", "integration")
        .order_by("-created_at")[:200]
    ):
        newest.setdefault((str(run.integration_id), run.ad_account_id, run.kind), run)
    return [run for run in newest.values() if run.state == SyncRun.State.FAILED][:limit]


def ad_accounts_of(integration: Integration, search: str = "") -> QuerySet[AdAccount]:
    """What the grant reaches now, by name; narrowed by name, id or business."""
    accounts = integration.ad_accounts.filter(gone_at=None)
    if search:
        accounts = accounts.filter(_named(search))
    return accounts


def ad_sets_for_targets(
    integration: Integration, account: AdAccount | None = None
) -> QuerySet[AdSet]:
    """Ad sets of the enabled ad accounts, or of one, by account, campaign and name."""
    of_one = {} if account is None else {"ad_account": account}
    return (
        AdSet.objects.filter(
            ad_account__integration=integration,
            ad_account__enabled=True,
            ad_account__gone_at=None,
            gone_at=None,
            **of_one,
        )
        .select_related("ad_account", "campaign")
        .order_by("ad_account__name", "ad_account_id", "campaign__name", "name", "pk")
    )


def pages_of(integration: Integration) -> QuerySet[Page]:
    """Pages the grant reaches now."""
    return integration.pages.filter(gone_at=None)


def pages_for_targets(integration: Integration) -> QuerySet[Page]:
    """Pages the grant may advertise for."""
    return pages_of(integration).filter(can_advertise=True)


def push_targets_of(tenant: Tenant) -> QuerySet[PushTarget]:
    """The tenant's live push targets with everything they name."""
    return PushTarget.objects.filter(tenant=tenant, archived_at=None).select_related(
        "ad_account__integration", "ad_set__campaign", "page"
    )


def troubled_integrations(tenant: Tenant) -> QuerySet[Integration]:
    """Grants that need someone: expired, withdrawn, or about to end."""
    fine = (Integration.Status.CONNECTED, Integration.Status.DISCONNECTED)
    return (
        Integration.objects.filter(tenant=tenant).exclude(status__in=fine).select_related("tenant")
    )


def range_reach(accounts: Iterable[int], since: date, until: date) -> dict[int, RangeReach]:
    """What is known of each ad account's reach over exactly these days, by its primary key."""
    found = RangeReach.objects.filter(ad_account__in=list(accounts), since=since, until=until)
    return {reach.ad_account_id: reach for reach in found}


def complete_days(
    accounts: Iterable[int], since: date, until: date, level: str = InsightDay.Level.CAMPAIGN
) -> dict[int, dict[date, datetime]]:
    """Per ad account the days that were read to their end, and as of when."""
    found: dict[int, dict[date, datetime]] = {}
    for pk, day, read_at in InsightDay.objects.filter(
        ad_account__in=list(accounts), level=level, day__range=(since, until)
    ).values_list("ad_account_id", "day", "read_at"):
        found.setdefault(pk, {})[day] = read_at
    return found


@dataclass(frozen=True, slots=True)
class Moved:
    """By how much Meta restated a campaign's days; figures that it never gave count as nothing."""

    ad_account_pk: int
    campaign_id: str
    days: int
    spend: Decimal
    conversions: Decimal
    conversion_value: Decimal


_MOVING = ("spend", "conversions", "conversion_value")


def what_moved(
    accounts: Iterable[int], since: date, until: date, *, after: datetime
) -> list[Moved]:
    """What changed after this moment on days that were over already, by campaign. One query.

    Days of which nothing was known then have not moved. Revisions are kept for 90 days.
    """
    row = CampaignInsight.objects.filter(
        ad_account=OuterRef("ad_account"),
        campaign_id=OuterRef("campaign_id"),
        date_start=OuterRef("date_start"),
    )
    first_ones = (
        InsightRevision.objects.filter(
            ad_account__in=list(accounts), date_start__range=(since, until), noted_at__gt=after
        )
        .annotate(
            place=Window(
                RowNumber(),
                partition_by=[F("ad_account"), F("campaign_id"), F("date_start")],
                order_by=["noted_at", "pk"],
            ),
            **{f"now_{name}": Subquery(row.values(name)) for name in _MOVING},
        )
        .filter(place=1)
        .order_by("ad_account", "campaign_id")
        .values_list("ad_account", "campaign_id", *_MOVING, *(f"now_{name}" for name in _MOVING))
    )
    moved = []
    for (pk, campaign_id), days in groupby(first_ones, key=itemgetter(0, 1)):
        changes = [
            [
                (now or Decimal(0)) - (old or Decimal(0))
                for old, now in zip(r[2:5], r[5:8], strict=True)
            ]
            for r in days
        ]
        spend, conversions, value = (
            sum(column, Decimal(0)) for column in zip(*changes, strict=True)
        )
        moved.append(Moved(pk, campaign_id, len(changes), spend, conversions, value))
    return moved


def _newest(kind: SyncRun.Kind, **of: object) -> Subquery:
    runs = SyncRun.objects.filter(kind=kind, **of).order_by("-created_at", "-pk")
    return Subquery(runs.values("pk")[:1])


def _accounts_in_use() -> QuerySet[AdAccount]:
    return AdAccount.objects.filter(enabled=True).annotate(
        last_pull=_newest(SyncRun.Kind.INSIGHTS, ad_account=OuterRef("pk")),
        last_history=_newest(SyncRun.Kind.HISTORY, ad_account=OuterRef("pk")),
        last_catalog=_newest(SyncRun.Kind.CATALOG, ad_account=OuterRef("pk")),
    )


def _runs_of(grants: Iterable[Integration]) -> Mapping[object, SyncRun]:
    wanted = [getattr(grant, "last_catalog", None) for grant in grants]
    for account in _in_use(grants):
        wanted += [account.last_pull, account.last_history, account.last_catalog]  # type: ignore[attr-defined]
    found = SyncRun.objects.filter(pk__in=[pk for pk in wanted if pk]).select_related("ad_account")
    return {run.pk: run for run in found}


def _in_use(grants: Iterable[Integration]) -> Iterable[AdAccount]:
    for grant in grants:
        yield from grant.in_use  # type: ignore[attr-defined]


def _connection(grant: Integration, runs: Mapping[object, SyncRun]) -> Connection:
    rows = [
        AccountRow(
            account,
            runs.get(account.last_pull),  # type: ignore[attr-defined]
            runs.get(account.last_history),  # type: ignore[attr-defined]
            runs.get(account.last_catalog),  # type: ignore[attr-defined]
            status_note(account),
        )
        for account in _in_use([grant])
    ]
    catalog = runs.get(grant.last_catalog)  # type: ignore[attr-defined]
    mine = [catalog, *(run for row in rows for run in (row.catalog, row.pull, row.history))]
    return Connection(
        integration=grant,
        health=health_of(grant),
        missing=[] if grant.status == Integration.Status.DISCONNECTED else missing_scopes(grant),
        reachable=grant.reachable,  # type: ignore[attr-defined]
        accounts=rows,
        pages=grant.live_pages,  # type: ignore[attr-defined]
        catalog=catalog,
        open_runs=[run for run in mine if run is not None and run.is_open],
    )


READY_PAGE = 50


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


GAPS_SHOWN = 10


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


def accounts_beside(account: AdAccount, search: str = "") -> QuerySet[AdAccount]:
    """The workspace's other ad accounts in use, to which settings can be copied."""
    others = AdAccount.objects.filter(tenant=account.tenant_id, enabled=True, gone_at=None)
    if search:
        others = others.filter(_named(search))
    return others.exclude(pk=account.pk).order_by("name", "pk")


def _named(search: str) -> Q:
    return (
        Q(name__icontains=search)
        | Q(ad_account_id__icontains=search)
        | Q(business_name__icontains=search)
    )


def released_ads(integration: Integration) -> list[dict[str, str]]:
    """The ads that the grant's latest reconnect released; empty when it released none."""
    entry = (
        AuditEntry.objects.filter(
            tenant_id=integration.tenant_id, action=RELEASED, object_id=str(integration.pk)
        )
        .order_by("-seq")
        .first()
    )
    if entry is None or entry.data["version"] != integration.version:
        return []
    ads: list[dict[str, str]] = entry.data["ads"]
    return ads
