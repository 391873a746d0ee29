"""Switching an ad on, on a page of its own, and pausing it with one click."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from django import forms
from django.contrib import messages
from django.core import signing
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST

from approvals.access import access_variant
from approvals.card import image_url
from approvals.comparison import differences
from approvals.models import AdVariant, Push
from approvals.preview import preview_of
from approvals.services.activate import (
    look_before_activation,
    request_activation,
    what_forbids,
)
from approvals.services.pausing import request_pause
from approvals.services.stops import WritesStopped
from approvals.states import PAST_PUSHES
from integrations.services.live import Live, Plan
from leadmetrics.errors import InvalidInput, LeadmetricsError, NotAllowed, NotFound, StateConflict
from leadmetrics.tenancy import reauth
from leadmetrics.tenancy.access import role_required
from leadmetrics.tenancy.middleware import TenantRequest
from leadmetrics.tenancy.models import Role

_SALT = "approvals.activation"


class ActivationForm(forms.Form):
    """What the person saw, signed by us, and the password unless it was typed just now."""

    shown = forms.CharField(widget=forms.HiddenInput)
    password = forms.CharField(
        label="Your password",
        required=False,
        strip=False,
        help_text="Asked again, because this spends money. Good for 15 minutes.",
        widget=forms.PasswordInput(attrs={"autocomplete": "current-password"}),
    )


@require_http_methods(["GET", "POST"])
@role_required(Role.REVIEWER)
def activate(request: TenantRequest, tenant: str, variant_id: UUID) -> HttpResponse:
    """Budget, schedule and the text at Meta; then one button."""
    variant = access_variant(actor=request.actor, variant_id=variant_id)
    if request.method == "GET" and not request.membership.may_activate:
        messages.warning(
            request,
            "Switching an ad on needs a right of its own, which you do not have. An admin can give "
            "it under Settings.",
        )
        return redirect("ads:detail", tenant=tenant, variant_id=variant_id)
    if not variant.pushes.exclude(state__in=PAST_PUSHES).exists():
        messages.warning(request, "There is no ad at Meta yet, so there is nothing to switch on.")
        return redirect("ads:detail", tenant=tenant, variant_id=variant_id)
    if request.method == "GET":
        return _page(request, variant_id)
    form = ActivationForm(request.POST)
    if not form.is_valid():
        raise NotFound
    try:
        shown = signing.loads(form.cleaned_data["shown"], salt=_SALT, max_age=reauth.VALID_SECONDS)
    except signing.BadSignature:
        return _page(request, variant_id, "This page was old, so nothing was done. Look again.")
    if shown["variant"] != str(variant_id):
        raise NotFound
    try:
        if not reauth.is_confirmed(request):
            reauth.confirm(request, form.cleaned_data["password"])
        request_activation(
            actor=request.actor,
            variant_id=variant_id,
            shown_hash=shown["content_hash"],
            shown_plan=Plan(**shown["plan"]),
        )
    except (InvalidInput, StateConflict, WritesStopped) as exc:
        return _page(request, variant_id, exc.user_message)
    messages.success(request, "It is being switched on. The text is compared once more first.")
    return redirect("ads:detail", tenant=tenant, variant_id=variant_id)


@require_POST
@role_required(Role.REVIEWER)
def pause(request: TenantRequest, tenant: str, variant_id: UUID) -> HttpResponse:
    """Pause at once, without a question."""
    try:
        request_pause(actor=request.actor, variant_id=variant_id)
    except StateConflict as exc:
        messages.warning(request, exc.user_message)
    else:
        messages.success(request, "It is being paused.")
    return redirect("ads:detail", tenant=tenant, variant_id=variant_id)


def _page(request: TenantRequest, variant_id: UUID, problem: str = "") -> HttpResponse:
    """The page; without a button when something forbids switching on or Meta cannot be read."""
    live: Live | None = None
    try:
        variant, live = look_before_activation(actor=request.actor, variant_id=variant_id)
    except NotAllowed:
        raise
    except LeadmetricsError as exc:
        variant = access_variant(actor=request.actor, variant_id=variant_id)
        problem = problem or exc.user_message
    push = (
        variant.pushes.exclude(state__in=PAST_PUSHES).select_related("decision__revision").first()
    )
    if push is None:
        raise NotFound
    context = {
        "variant": variant,
        "target": variant.target,
        "revision": push.decision.revision,
        "preview": preview_of(
            push.decision.revision,
            variant.target,
            image_url=image_url(request.tenant.slug, push.decision.revision),
        ),
        "problem": problem,
        "now": timezone.now(),
        **(_shown(request, variant, push, live) if live else {}),
    }
    return render(request, "approvals/activate.html", context, status=422 if problem else 200)


def _shown(request: TenantRequest, variant: AdVariant, push: Push, live: Live) -> dict[str, Any]:
    _, forbidden = what_forbids(live, payload=push.payload, image_hash=push.image_hash)
    shown = {
        "variant": str(variant.pk),
        "content_hash": push.payload_hash,
        "plan": live.plan.as_json(),
    }
    form = ActivationForm(initial={"shown": signing.dumps(shown, salt=_SALT)})
    if reauth.is_confirmed(request):
        del form.fields["password"]
    else:
        form.fields["password"].required = True
    return {
        "plan": live.plan,
        "starts_at": _moment(live.plan.starts_at),
        "ends_at": _moment(live.plan.ends_at),
        "effective_status": live.review.effective_status,
        "forbidden": forbidden,
        "differences": differences(
            push.payload,
            live.found.payload,
            image_hash=push.image_hash,
            found_image_hash=live.found.image_hash,
            enrolled=live.found.enrolled,
        ),
        "form": form,
    }


def _moment(text: str) -> datetime | None:
    return datetime.fromisoformat(text) if text else None
