"""Setting up: connect Facebook, choose ad accounts, say where approved ads go."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from integrations import oauth_state
from integrations.access import access_integration, access_push_target
from integrations.forms import AdAccountsForm, PushTargetForm
from integrations.models import AdAccount, Integration
from integrations.selectors.connections import (
    last_catalog_run,
    open_runs_of,
    released_ads,
    renewed_grant,
)
from integrations.selectors.places import SEARCH_FROM, ad_accounts_of, pages_of
from integrations.selectors.readiness import gaps_of, target_defaults, without_target
from integrations.services import accounts, connect
from integrations.words import asked_scopes, missing_scopes, status_note
from leadmetrics.errors import InvalidInput, LeadmetricsError, NotAllowed, NotFound
from leadmetrics.tenancy.access import role_required
from leadmetrics.tenancy.actors import human
from leadmetrics.tenancy.middleware import TenantRequest
from leadmetrics.tenancy.models import Membership, Role, Tenant


@dataclass(frozen=True, slots=True)
class NotConnected:
    """The page for a sign-in that did not end in a connection."""

    title: str
    message: str
    status: int = 400
    explains: bool = False


# Facebook Login, Manually Build a Login Flow: what the dialog sends back when there is no code.
# Only the code of an error is looked at; words from the address are never shown.
DENIED = NotConnected(
    "You did not connect Facebook",
    "Facebook says that you cancelled. Nothing was stored, and nothing changed here.",
    status=200,
    explains=True,
)
UNAVAILABLE = NotConnected(
    "Facebook is not available just now",
    "It could not finish the sign-in. Nothing was stored; try again in a few minutes.",
)
DIALOG_FAILED = NotConnected(
    "Facebook is not connected",
    "Facebook could not finish the sign-in. Nothing was stored; start again.",
)
DIALOG_ERRORS: Mapping[str, NotConnected] = {
    "access_denied": DENIED,
    "server_error": UNAVAILABLE,
    "temporarily_unavailable": UNAVAILABLE,
}
NOT_ADMIN = NotConnected(
    "Facebook is not connected",
    "Only an admin of the workspace can connect Facebook. Nothing was stored.",
    status=403,
)
USED = (
    "This sign-in at Facebook was used already. If it was yours just now, its connection is below."
)


@require_POST
@role_required(Role.ADMIN)
def start(request: TenantRequest, tenant: str) -> HttpResponse:
    """Send the admin to Facebook's login dialog."""
    grant = request.POST.get("grant", "")[:36]
    state = oauth_state.stash(request, tenant_slug=tenant, user_id=request.user.pk, grant=grant)
    return redirect(
        connect.start_connect(
            actor=request.actor, state=state, rerequest="rerequest" in request.POST
        )
    )


@require_GET
def callback(request: HttpRequest) -> HttpResponse:
    """Where Facebook sends people back."""
    state = _only(request, "state")
    try:
        pending = oauth_state.pop(request, state, user_id=request.user.pk)
    except oauth_state.StateFinished as exc:
        return redirect("connections:list", tenant=exc.pending.tenant_slug)
    except oauth_state.StateRefused as exc:
        return _not_connected(request, NotConnected(DIALOG_FAILED.title, exc.user_message))
    membership = (
        Membership.objects.select_related("tenant", "user")
        .filter(tenant__slug=pending.tenant_slug, user_id=pending.user_id)
        .first()
    )
    if membership is None or not membership.is_admin:
        return _not_connected(request, NOT_ADMIN)
    workspace, code = membership.tenant, _only(request, "code")
    if "error" in request.GET or not code:
        problem = DIALOG_ERRORS.get(_only(request, "error"), DIALOG_FAILED)
        return _not_connected(request, problem, workspace)
    try:
        integration = connect.finish_connect(actor=human(membership.user, workspace), code=code)
    except (NotAllowed, NotFound):
        return _not_connected(request, NOT_ADMIN)
    except connect.CodeUsed:
        messages.info(request, USED)
        return redirect("connections:list", tenant=workspace.slug)
    except LeadmetricsError as exc:
        problem = NotConnected(DIALOG_FAILED.title, exc.user_message)
        return _not_connected(request, problem, workspace)
    oauth_state.finish(request, state, pending)
    messages.success(request, f"Connected as {integration.meta_user_name}.")
    meant = renewed_grant(workspace, pending.grant)
    if meant is not None and meant != integration:
        messages.warning(request, _other_person(integration.meta_user_name, meant.meta_user_name))
    page = "permissions" if missing_scopes(integration) else "ad_accounts"
    if released_ads(integration):
        page = "released"
    return redirect(f"connections:{page}", tenant=workspace.slug, pk=integration.pk)


@require_GET
@role_required(Role.ADMIN)
def released(request: TenantRequest, tenant: str, pk: UUID) -> HttpResponse:
    """The approved ads that go on after a reconnect."""
    integration = access_integration(actor=request.actor, integration_id=pk)
    ads = released_ads(integration)
    if not ads:
        return redirect("connections:list", tenant=tenant)
    return render(request, "integrations/released.html", {"integration": integration, "ads": ads})


@require_GET
@role_required(Role.ADMIN)
def permissions(request: TenantRequest, tenant: str, pk: UUID) -> HttpResponse:
    """Which permissions were left out, what will not work, and a way to ask again."""
    integration = access_integration(actor=request.actor, integration_id=pk)
    missing = missing_scopes(integration)
    if not missing:
        return redirect("connections:ad_accounts", tenant=tenant, pk=pk)
    return render(
        request,
        "integrations/permissions.html",
        {
            "integration": integration,
            "scopes": asked_scopes(integration),
            "missing": missing,
            "steps": _steps("connect"),
        },
    )


@require_http_methods(["GET", "HEAD", "POST"])
@role_required(Role.ADMIN)
def ad_accounts(request: TenantRequest, tenant: str, pk: UUID) -> HttpResponse:
    """Choose which ad accounts of the grant are used."""
    integration = access_integration(actor=request.actor, integration_id=pk)
    if request.method == "POST":
        form = AdAccountsForm(request.POST, integration=integration)
        if form.is_valid():
            chosen, shown = form.cleaned_data["account"], form.cleaned_data["shown"]
            return _choose(request, integration, chosen, shown)
        messages.error(request, str(next(iter(form.errors.values()))[0]))
    search = request.GET.get("q", "").replace("\0", "").strip()[:200]
    found, pages = list(ad_accounts_of(integration, search)), list(pages_of(integration))
    return render(
        request,
        "integrations/ad_accounts.html",
        {
            "integration": integration,
            "missing": missing_scopes(integration),
            "choices": [(account, status_note(account)) for account in found],
            "search": search,
            "is_long": search or len(found) > SEARCH_FROM,
            "run": last_catalog_run(integration),
            "runs": list(open_runs_of(integration)),
            # While somebody searches, the grid would be in the way.
            "gaps": gaps_of([] if search else [a for a in found if a.enabled], pages),
            "steps": _steps("accounts"),
        },
        status=422 if request.method == "POST" else 200,
    )


@require_http_methods(["GET", "HEAD", "POST"])
@role_required(Role.ADMIN)
def new_target(request: TenantRequest, tenant: str, pk: UUID) -> HttpResponse:
    """Make a push target: ad set, Page, link."""
    integration = access_integration(actor=request.actor, integration_id=pk)
    pages = list(pages_of(integration))
    in_use = list(ad_accounts_of(integration).filter(enabled=True))
    gaps = gaps_of(in_use, pages)
    account = _account_asked(request, in_use)
    form = PushTargetForm(
        request.POST or None,
        integration=integration,
        pages=pages,
        account=account,
        initial=target_defaults(account, pages) if account else {},
    )
    if request.method == "POST" and form.is_valid():
        try:
            target = accounts.create_push_target(actor=request.actor, **form.cleaned_data)
        except InvalidInput as exc:
            form.add_problems(exc)
        else:
            return redirect("connections:target_ready", tenant=tenant, target=target.pk)
    return render(
        request,
        "integrations/new_target.html",
        {
            "integration": integration,
            "form": form,
            "runs": list(open_runs_of(integration)),
            "gaps": gaps,
            "account": account,
            "in_use": in_use,
            "steps": _steps("target"),
        },
        status=422 if form.is_bound else 200,
    )


@require_GET
@role_required(Role.ADMIN)
def target_ready(request: TenantRequest, tenant: str, target: UUID) -> HttpResponse:
    """The end of setting up: what happens now, and how an agent proposes for this target."""
    ready = access_push_target(actor=request.actor, target_id=target)
    return render(
        request,
        "integrations/target_ready.html",
        {
            "target": ready,
            "integration": ready.ad_account.integration,
            "runs": list(open_runs_of(ready.ad_account.integration)),
            "to_do": list(without_target(ready.ad_account.integration)),
            "site_url": settings.SITE_URL,
            "steps": _steps(""),
        },
    )


def _choose(
    request: TenantRequest, integration: Integration, chosen: list[int], shown: list[int]
) -> HttpResponse:
    tenant = request.tenant.slug
    try:
        accounts.choose_ad_accounts(
            actor=request.actor, integration_id=integration.pk, chosen=chosen, shown=shown
        )
    except InvalidInput as exc:
        messages.error(request, exc.user_message)
        return redirect("connections:ad_accounts", tenant=tenant, pk=integration.pk)
    if integration.ad_accounts.filter(enabled=True).exists():
        messages.success(request, "Saved. Campaigns and performance are being read now.")
        return redirect("connections:new_target", tenant=tenant, pk=integration.pk)
    messages.success(request, "Saved. No ad account is used now.")
    return redirect("connections:list", tenant=tenant)


def _other_person(came: str, meant: str) -> str:
    return (
        f"Facebook signed you in as {came}, not as {meant}, so {meant}'s connection was not "
        "renewed. What waits there goes on with this one only where it reaches the same ad account "
        "and Pages."
    )


def _account_asked(request: HttpRequest, in_use: Sequence[AdAccount]) -> AdAccount | None:
    """The one of ``in_use`` that the address names; without a name the only one there is."""
    if "account" not in request.GET and len(in_use) == 1:
        return in_use[0]
    asked = request.GET.get("account", "")
    return next((account for account in in_use if str(account.pk) == asked), None)


def _only(request: HttpRequest, name: str) -> str:
    """The parameter's value; a repeated one counts as none, for somebody has tampered with it."""
    values = request.GET.getlist(name)
    return values[0] if len(values) == 1 else ""


def _not_connected(
    request: HttpRequest, problem: NotConnected, workspace: Tenant | None = None
) -> HttpResponse:
    return render(
        request,
        "integrations/not_connected.html",
        {"problem": problem, "workspace": workspace, "scopes": asked_scopes()},
        status=problem.status,
    )


def _steps(current: str) -> list[dict[str, str]]:
    """The way from sign-in to the first target; an empty ``current`` means that all is done."""
    titles = {
        "connect": "Connect Facebook",
        "accounts": "Choose ad accounts",
        "target": "Say where ads go",
    }
    order = list(titles)
    at = order.index(current) if current else len(order)
    states = ["done" if i < at else "current" if i == at else "todo" for i in range(len(order))]
    return [
        {"title": title, "state": state}
        for title, state in zip(titles.values(), states, strict=True)
    ]
