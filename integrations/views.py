"""Connecting Facebook, choosing ad accounts, and where approved ads go."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from integrations import oauth_state
from integrations.access import access_ad_account, access_integration
from integrations.forms import PushTargetForm
from integrations.models import Integration
from integrations.selectors import (
    SEARCH_FROM,
    ad_accounts_of,
    ad_sets_for_targets,
    integrations_of,
    last_catalog_run,
    missing_scopes,
    open_runs,
    push_targets_of,
)
from integrations.services import accounts, connect
from integrations.services.catalog import request_catalog
from integrations.services.insights import request_pull
from leadmetrics.errors import InvalidInput, LeadmetricsError
from leadmetrics.tenancy.access import role_required
from leadmetrics.tenancy.actors import human
from leadmetrics.tenancy.middleware import TenantRequest
from leadmetrics.tenancy.models import Membership, Role

# Facebook Login, Manually Build a Login Flow: what the dialog sends back when there is no code.
DENIED = "You chose not to connect. Nothing was stored; start again whenever you like."
NOT_ADMIN = "Only an admin of the workspace can connect Facebook. Nothing was stored."
DIALOG_FAILED = "Facebook could not finish the sign-in. Nothing was stored; start again."


@require_GET
@role_required(Role.ADMIN)
def connections(request: TenantRequest, tenant: str) -> HttpResponse:
    """Every grant in words, its ad accounts, and the push targets."""
    grants = list(integrations_of(request.tenant))
    for grant in grants:
        grant.missing = missing_scopes(grant)  # type: ignore[attr-defined]
    return render(
        request,
        "integrations/connections.html",
        {
            "grants": grants,
            "targets": list(push_targets_of(request.tenant)),
            "usable": sum(grant.is_usable for grant in grants),
        },
    )


@require_POST
@role_required(Role.ADMIN)
def start(request: TenantRequest, tenant: str) -> HttpResponse:
    """Send the admin to Facebook's login dialog."""
    state = oauth_state.stash(request, tenant_slug=tenant, user_id=request.user.pk)
    return redirect(
        connect.start_connect(
            actor=request.actor, state=state, rerequest="rerequest" in request.POST
        )
    )


@require_GET
def callback(request: HttpRequest) -> HttpResponse:
    """Where Facebook sends people back. Words from the address are never shown."""
    try:
        pending = oauth_state.pop(request, request.GET.get("state", ""), user_id=request.user.pk)
    except LeadmetricsError as exc:
        return _not_connected(request, exc.user_message, membership=None)
    membership = (
        Membership.objects.select_related("tenant", "user")
        .filter(tenant__slug=pending.tenant_slug, user_id=pending.user_id)
        .first()
    )
    if membership is None or not membership.is_admin:
        return _not_connected(request, NOT_ADMIN, membership=None)
    if "error" in request.GET or not request.GET.get("code"):
        denied = request.GET.get("error") == "access_denied"
        return _not_connected(request, DENIED if denied else DIALOG_FAILED, membership=membership)
    try:
        integration = connect.finish_connect(
            actor=human(membership.user, membership.tenant), code=request.GET["code"]
        )
    except LeadmetricsError as exc:
        return _not_connected(request, exc.user_message, membership=membership)
    return redirect("connections:ad_accounts", tenant=pending.tenant_slug, pk=integration.pk)


@require_http_methods(["GET", "HEAD", "POST"])
@role_required(Role.ADMIN)
def ad_accounts(request: TenantRequest, tenant: str, pk: UUID) -> HttpResponse:
    """Choose which ad accounts of the grant are used."""
    integration = access_integration(actor=request.actor, integration_id=pk)
    if request.method == "POST":
        chosen = [int(value) for value in request.POST.getlist("account") if value.isdecimal()]
        shown = [int(value) for value in request.POST.getlist("shown") if value.isdecimal()]
        try:
            _choose(request, integration, chosen, shown)
        except InvalidInput as exc:
            messages.error(request, exc.user_message)
            return redirect(request.path)
        if chosen:
            messages.success(request, "Saved. Campaigns and performance are being read now.")
            return redirect("connections:new_target", tenant=tenant, pk=pk)
        messages.success(request, "Saved. No ad account is used now.")
        return redirect("connections:list", tenant=tenant)
    search = request.GET.get("q", "").strip()
    return render(
        request,
        "integrations/ad_accounts.html",
        {
            "integration": integration,
            "missing": missing_scopes(integration),
            "accounts": list(ad_accounts_of(integration, search)),
            "search": search,
            "is_long": search or integration.ad_accounts.count() > SEARCH_FROM,
            "run": last_catalog_run(integration),
            "steps": _steps("accounts"),
        },
    )


@require_http_methods(["GET", "HEAD", "POST"])
@role_required(Role.ADMIN)
def new_target(request: TenantRequest, tenant: str, pk: UUID) -> HttpResponse:
    """Make a push target: ad set, Page, link."""
    integration = access_integration(actor=request.actor, integration_id=pk)
    form = PushTargetForm(request.POST or None, integration=integration)
    if request.method == "POST" and form.is_valid():
        try:
            target = accounts.create_push_target(actor=request.actor, **form.cleaned_data)
        except InvalidInput as exc:
            form.add_error(None, exc.user_message)
        else:
            messages.success(request, f"“{target.name}” is ready. Agents can propose for it now.")
            return redirect("connections:list", tenant=tenant)
    return render(
        request,
        "integrations/new_target.html",
        {
            "integration": integration,
            "form": form,
            "has_ad_sets": ad_sets_for_targets(integration).exists(),
            "runs": list(open_runs().filter(integration=integration)),
            "run": last_catalog_run(integration),
            "steps": _steps("target"),
        },
        status=422 if form.is_bound else 200,
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
    integration = access_integration(actor=request.actor, integration_id=pk)
    with transaction.atomic():
        request_catalog(integration)
    messages.success(request, "Campaigns, Pages and audiences are being read.")
    return redirect("connections:ad_accounts", tenant=tenant, pk=pk)


@require_POST
@role_required(Role.ADMIN)
def pull(request: TenantRequest, tenant: str, account: int) -> HttpResponse:
    """Read an ad account's performance again now; an open run is joined."""
    ad_account = access_ad_account(actor=request.actor, pk=account)
    with transaction.atomic():
        request_pull(ad_account)
    messages.success(request, f"Performance of {ad_account.name} is being read.")
    return redirect("connections:list", tenant=tenant)


@require_GET
@role_required(Role.ADMIN)
def progress(request: TenantRequest, tenant: str, pk: UUID) -> HttpResponse:
    """The fragment that shows a grant's open runs, polled by htmx."""
    integration = access_integration(actor=request.actor, integration_id=pk)
    return render(
        request,
        "integrations/_progress.html",
        {"integration": integration, "runs": list(open_runs().filter(integration=integration))},
    )


@require_http_methods(["GET", "HEAD", "POST"])
@role_required(Role.ADMIN)
def disconnect(request: TenantRequest, tenant: str, pk: UUID) -> HttpResponse:
    """Ask, then erase the token."""
    integration = access_integration(actor=request.actor, integration_id=pk)
    if request.method == "POST":
        connect.disconnect(actor=request.actor, integration_id=pk)
        messages.success(request, f"{integration.meta_user_name} is disconnected.")
        return redirect("connections:list", tenant=tenant)
    return render(request, "integrations/disconnect.html", {"integration": integration})


def _choose(
    request: TenantRequest, integration: Integration, chosen: list[int], shown: list[int]
) -> None:
    """Accounts that a search had hidden from the page keep their state."""
    hidden = integration.ad_accounts.filter(enabled=True).exclude(pk__in=shown)
    accounts.choose_ad_accounts(
        actor=request.actor,
        integration_id=integration.pk,
        chosen={*chosen, *hidden.values_list("pk", flat=True)},
    )


def _not_connected(
    request: HttpRequest, message: str, *, membership: Membership | None
) -> HttpResponse:
    return render(
        request,
        "integrations/not_connected.html",
        {"message": message, "workspace": membership.tenant if membership else None},
        status=400,
    )


def _steps(current: str) -> list[dict[str, str]]:
    order = ("connect", "accounts", "target")
    titles = ("Connect Facebook", "Choose ad accounts", "Say where ads go")
    at = order.index(current)
    states = ["done" if i < at else "current" if i == at else "todo" for i in range(len(order))]
    return [{"title": title, "state": state} for title, state in zip(titles, states, strict=True)]
