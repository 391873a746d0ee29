"""Grants with what each page says about them, and their runs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from uuid import UUID

from django.db.models import Count, DateField, OuterRef, Prefetch, Q, QuerySet, Subquery

from integrations.days import oldest_day
from integrations.models import AdAccount, InsightDay, Integration, Page, SyncRun
from integrations.waiting import RELEASED
from integrations.words import Health, Scope, health_of, missing_scopes, status_note
from leadmetrics.audit.models import AuditEntry
from leadmetrics.tenancy.models import Tenant


@dataclass(slots=True)
class AccountRow:
    """An ad account in use, its newest runs, and what keeps it from running ads."""

    account: AdAccount
    pull: SyncRun | None
    history: SyncRun | None
    catalog: SyncRun | None
    first_day: date | None
    note: str

    @property
    def lacks_history(self) -> bool:
        """Whether its older days can be read now and were not."""
        if self.account.insights_complete_at is None or (self.history and self.history.is_open):
            return False
        was_cut = self.history is not None and self.history.has_failed
        return was_cut or self.first_day is None or self.first_day > oldest_day(self.account)

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


def is_history_open(account: AdAccount) -> bool:
    """Whether older days of the account are being read, or wait for it."""
    return account.sync_runs.filter(
        kind=SyncRun.Kind.HISTORY, state__in=(SyncRun.State.WAITING, SyncRun.State.RUNNING)
    ).exists()


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


def _newest(kind: SyncRun.Kind, **of: object) -> Subquery:
    runs = SyncRun.objects.filter(kind=kind, **of).order_by("-created_at", "-pk")
    return Subquery(runs.values("pk")[:1])


def _accounts_in_use() -> QuerySet[AdAccount]:
    read = InsightDay.objects.filter(ad_account=OuterRef("pk"), level=InsightDay.Level.CAMPAIGN)
    return AdAccount.objects.filter(enabled=True).annotate(
        last_pull=_newest(SyncRun.Kind.INSIGHTS, ad_account=OuterRef("pk")),
        last_history=_newest(SyncRun.Kind.HISTORY, ad_account=OuterRef("pk")),
        last_catalog=_newest(SyncRun.Kind.CATALOG, ad_account=OuterRef("pk")),
        first_day=Subquery(read.order_by("day").values("day")[:1], output_field=DateField()),
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
            account.first_day,  # type: ignore[attr-defined]
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
