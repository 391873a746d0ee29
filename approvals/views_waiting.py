"""What a person does with a waiting ad besides a yes or a no, and taking a decision back."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_POST

from approvals.access import access_variant
from approvals.answers import Notice, conflict, difference, go_on, open_desk
from approvals.desk import Desk
from approvals.forms import ChangesForm, ShownForm
from approvals.models import AdVariant, Decision
from approvals.services.review import request_changes
from approvals.services.shown import ContentChanged
from approvals.services.undo import push_now, undo_decision
from approvals.services.waiting import defer_variant, reopen_variant
from leadmetrics.errors import StateConflict
from leadmetrics.htmx import announce, is_fragment
from leadmetrics.tenancy.access import role_required
from leadmetrics.tenancy.kept import keeps_typing
from leadmetrics.tenancy.middleware import TenantRequest
from leadmetrics.tenancy.models import Role


@keeps_typing
@require_POST
@role_required(Role.REVIEWER)
def changes(request: TenantRequest, tenant: str, variant_id: UUID) -> HttpResponse:
    """Ask for another version of what was on the screen, then on to the next one."""
    form = ChangesForm(request.POST)
    if not form.is_valid():
        shown = access_variant(actor=request.actor, variant_id=variant_id)
        return open_desk(request, shown, asking=form, status=422)
    try:
        decided = request_changes(
            actor=request.actor,
            variant_id=variant_id,
            shown_hash=form.shown_hash,
            comment=form.cleaned_data["comment"],
        )
    except StateConflict as exc:
        return conflict(request, variant_id, form, exc, Decision.Verdict.CHANGES)
    return go_on(request, decided, "Asked for changes to", "A new version comes back here.")


@require_POST
@role_required(Role.REVIEWER)
def undo(request: TenantRequest, tenant: str, variant_id: UUID) -> HttpResponse:
    """Take the person's own decision back and open the ad again."""
    try:
        back = undo_decision(actor=request.actor, variant_id=variant_id)
    except StateConflict as exc:
        shown = access_variant(actor=request.actor, variant_id=variant_id)
        return open_desk(
            request, shown, notice=Notice("warn", "Not undone", exc.user_message), status=409
        )
    return _opened(request, back, "Taken back. It waits for a decision again.")


@require_POST
@role_required(Role.REVIEWER)
def defer(request: TenantRequest, tenant: str, variant_id: UUID) -> HttpResponse:
    """Put an ad off until tomorrow morning, then on to the next one."""
    before = access_variant(actor=request.actor, variant_id=variant_id)
    form = ShownForm(request.POST)
    form.full_clean()
    try:
        later = defer_variant(
            actor=request.actor, variant_id=variant_id, shown_hash=form.shown_hash
        )
    except ContentChanged as exc:
        shown = access_variant(actor=request.actor, variant_id=variant_id)
        return open_desk(request, shown, **difference(form, shown, exc), status=409)
    except StateConflict as exc:
        shown = access_variant(actor=request.actor, variant_id=variant_id)
        return open_desk(request, shown, notice=Notice("warn", exc.user_message), status=409)
    rest = "It stands at the end of everybody’s queue until tomorrow, 09:00."
    return go_on(request, later, "Put off", rest, before=before)


@require_POST
@role_required(Role.REVIEWER)
def reopen(request: TenantRequest, tenant: str, variant_id: UUID) -> HttpResponse:
    """Put an expired ad back into the queue."""
    try:
        back = reopen_variant(actor=request.actor, variant_id=variant_id)
    except StateConflict as exc:
        shown = access_variant(actor=request.actor, variant_id=variant_id)
        return open_desk(request, shown, notice=Notice("warn", exc.user_message), status=409)
    return _opened(request, back, "Back in the queue. It waits for a decision.")


@require_POST
@role_required(Role.REVIEWER)
def send_now(request: TenantRequest, tenant: str, variant_id: UUID) -> HttpResponse:
    """Send an approved ad without waiting for the time to undo to be over."""
    try:
        push_now(actor=request.actor, variant_id=variant_id)
    except StateConflict as exc:
        messages.warning(request, exc.user_message)
    else:
        messages.success(request, "It is sent now. It can no longer be undone once that began.")
    return redirect("ads:detail", tenant=tenant, variant_id=variant_id)


def _opened(request: TenantRequest, shown: AdVariant, words: str) -> HttpResponse:
    """The ad that waits again."""
    url = Desk.read(request.tenant, request.GET).url("variant", shown)
    if not is_fragment(request):
        messages.success(request, words)
        return redirect(url)
    return announce(open_desk(request, shown, outcome=Notice("good", words)), words, url=url)
