"""The settings page where admins make and revoke agents' keys."""

from __future__ import annotations

from django.conf import settings
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET, require_POST

from leadmetrics.agents import selectors, services
from leadmetrics.agents.forms import KeyForm
from leadmetrics.errors import InvalidInput, StateConflict
from leadmetrics.tenancy.access import role_required
from leadmetrics.tenancy.middleware import TenantRequest
from leadmetrics.tenancy.models import Role


@require_GET
@role_required(Role.ADMIN)
def keys(request: TenantRequest, /, **_: str) -> HttpResponse:
    """The keys and when each was last used."""
    return _page(request, KeyForm())


@require_POST
@role_required(Role.ADMIN)
def create(request: TenantRequest, /, **_: str) -> HttpResponse:
    """Make a key and show it, this once. No redirect: nothing may carry the secret."""
    form = KeyForm(request.POST)
    if not form.is_valid():
        return _page(request, form, status=422)
    try:
        key, secret = services.create_key(actor=request.actor, name=form.cleaned_data["name"])
    except InvalidInput as exc:
        form.add_error("name", exc.user_message)
        return _page(request, form, status=422)
    context = {"key": key, "secret": secret, "api_url": f"{settings.SITE_URL}/api/v1"}
    return render(request, "agents/key_created.html", context)


@require_POST
@role_required(Role.ADMIN)
def revoke(request: TenantRequest, tenant: str, key_id: int) -> HttpResponse:
    """End a key at once."""
    try:
        key = services.revoke_key(actor=request.actor, key_id=key_id)
    except StateConflict as exc:
        messages.error(request, exc.user_message)
    else:
        messages.success(request, f"The key “{key.name}” is revoked. Requests with it get a 401.")
    return redirect("agents:keys", tenant=tenant)


def _page(request: TenantRequest, form: KeyForm, *, status: int = 200) -> HttpResponse:
    found = list(selectors.keys_of(request.tenant))
    live = sum(key.is_live for key in found)  # type: ignore[attr-defined]  # annotated
    context = {"form": form, "keys": found, "live": live}
    return render(request, "agents/keys.html", context, status=status)
