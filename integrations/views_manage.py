"""Looking after connections: how each one is, reading again, letting go."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from integrations.access import access_ad_account, access_integration
from integrations.models import AdAccount, SyncRun
from integrations.selectors.connections import connections_of, open_runs_of
from integrations.selectors.places import ad_accounts_of, push_targets_of
from integrations.selectors.readiness import gaps_of_all
from integrations.services import accounts, catalog, connect, insights
from integrations.words import asked_scopes
from leadmetrics.errors import InvalidInput, LeadmetricsError
from leadmetrics.tenancy.access import role_required
from leadmetrics.tenancy.middleware import TenantRequest
from leadmetrics.tenancy.models import Role


@require_GET
@role_required(Role.ADMIN)
def connections(request: TenantRequest, tenant: str) -> HttpResponse:
    """Every grant in words, its ad accounts, and the push targets."""
    grants = connections_of(request.tenant)
    targets = list(push_targets_of(request.tenant))
    return render(
        request,
        "integrations/connections.html",
        {
            "connections": grants,
            "targets": targets,
            "gaps": gaps_of_all(grants, targets),
            "working": sum(grant.integration.is_usable for grant in grants),
            "urgent": sum(grant.health.is_urgent for grant in grants),
            "in_use": sum(len(grant.accounts) for grant in grants),
            "scopes": asked_scopes(),
        },
    )


@require_POST
@role_required(Role.ADMIN)
def archive_target(request: TenantRequest, tenant: str, target: UUID) -> HttpResponse:
    """Take a push target out of use."""
    archived = accounts.archive_push_target(actor=request.actor, target_id=target)
    messages.success(request, f"“{archived.name}” takes no new proposals any more.")
    return redirect("connections:list", tenant=tenant)


@require_POST
@role_required(Role.ADMIN)
def sync(request: TenantRequest, tenant: str, pk: UUID) -> HttpResponse:
    """Read the catalog again now; an open run is joined."""
    access_integration(actor=request.actor, integration_id=pk)
    try:
        catalog.sync_now(actor=request.actor, integration_id=pk)
    except LeadmetricsError as exc:
        messages.error(request, exc.user_message)
    else:
        messages.success(request, "Ad accounts, Pages, campaigns and audiences are being read.")
    page = request.POST.get("back", "")
    if page in ("ad_accounts", "new_target"):
        return redirect(f"connections:{page}", tenant=tenant, pk=pk)
    return redirect("connections:list", tenant=tenant)


@require_POST
@role_required(Role.ADMIN)
def pull(request: TenantRequest, tenant: str, account: int) -> HttpResponse:
    """Read an ad account's performance again now; an open run is joined."""
    ad_account = access_ad_account(actor=request.actor, pk=account)
    try:
        insights.pull_now(actor=request.actor, ad_account_pk=account)
    except LeadmetricsError as exc:
        messages.error(request, exc.user_message)
    else:
        messages.success(request, f"Performance of {ad_account.name} is being read.")
    return redirect("connections:list", tenant=tenant)


@require_POST
@role_required(Role.ADMIN)
def history(request: TenantRequest, tenant: str, account: int) -> HttpResponse:
    """Read an ad account's older performance, up to 37 months back; an open run is joined."""
    ad_account = access_ad_account(actor=request.actor, pk=account)
    try:
        insights.pull_history(actor=request.actor, ad_account_pk=account)
    except LeadmetricsError as exc:
        messages.error(request, exc.user_message)
    else:
        messages.success(
            request, f"The last 37 months of {ad_account.name} are being read, newest days first."
        )
    return redirect("connections:list", tenant=tenant)


@require_POST
@role_required(Role.ADMIN)
def use_account(request: TenantRequest, tenant: str, account: int) -> HttpResponse:
    """Use one ad account, or stop using it."""
    enabled = request.POST.get("enabled") == "1"
    try:
        used = accounts.use_ad_account(actor=request.actor, pk=account, enabled=enabled)
    except InvalidInput as exc:
        messages.error(request, exc.user_message)
    else:
        messages.success(request, _used(used))
    return redirect("connections:list", tenant=tenant)


@require_GET
@role_required(Role.ADMIN)
def progress(request: TenantRequest, tenant: str, pk: UUID) -> HttpResponse:
    """The fragment that shows a grant's open runs, polled by htmx.

    Pages that only show things are loaded anew when there is something new to show: ``then`` is
    "reload" for when nothing is being read any more, "catalog" for when the lists are there.
    """
    integration = access_integration(actor=request.actor, integration_id=pk)
    runs, then = list(open_runs_of(integration)), request.GET.get("then", "")
    response = render(
        request,
        "integrations/_progress.html",
        {"integration": integration, "runs": runs, "then": then, "has_ended": not runs},
    )
    awaited = [run for run in runs if then != "catalog" or run.kind == SyncRun.Kind.CATALOG]
    if then and not awaited:
        response["HX-Refresh"] = "true"
    return response


@require_http_methods(["GET", "HEAD", "POST"])
@role_required(Role.ADMIN)
def disconnect(request: TenantRequest, tenant: str, pk: UUID) -> HttpResponse:
    """Ask, then erase the token."""
    integration = access_integration(actor=request.actor, integration_id=pk)
    if request.method == "POST":
        connect.disconnect(actor=request.actor, integration_id=pk)
        messages.success(request, f"{integration.meta_user_name} is disconnected.")
        return redirect("connections:list", tenant=tenant)
    return render(
        request,
        "integrations/disconnect.html",
        {
            "integration": integration,
            "in_use": list(ad_accounts_of(integration).filter(enabled=True)),
            "targets": push_targets_of(request.tenant)
            .filter(ad_account__integration=integration)
            .count(),
        },
    )


def _used(account: AdAccount) -> str:
    if account.enabled:
        return f"{account.name} is used from now on. Campaigns and performance are being read."
    return f"{account.name} is not used any more. Its figures are kept."
