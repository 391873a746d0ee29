"""The review page: the queue, one ad with its facts, and the decision.

Every answer is the same desk: a whole page, or for htmx only the desk and what else of the page
depends on it.
"""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import FileResponse, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from approvals.access import access_variant
from approvals.answers import ONCE, Notice, answer, conflict, difference, go_on, not_sent, open_desk
from approvals.card import head_of, shown_values
from approvals.desk import Desk, window_from
from approvals.diff import diff_copy
from approvals.forms import EditForm, RejectForm, ShownForm
from approvals.models import AdImage, AdVariant, Decision
from approvals.rules import copy_of
from approvals.selectors.queue import variants_to_review
from approvals.selectors.queue_options import accounts_waiting, agents_waiting
from approvals.selectors.verdicts import decisions_of
from approvals.services.edit_and_approve import edit_and_approve, says_already, words_to_be
from approvals.services.images import store_image
from approvals.services.propose import withdraw_variant
from approvals.services.review import (
    approve_variant,
    edit_variant,
    reject_variant,
)
from approvals.services.seen import note_seen
from approvals.services.shown import ContentChanged
from approvals.states import EDITABLE, VariantStatus
from leadmetrics.errors import InvalidInput, NotFound, StateConflict
from leadmetrics.htmx import announce, is_fragment
from leadmetrics.tenancy.access import role_required
from leadmetrics.tenancy.kept import keeps_typing, take
from leadmetrics.tenancy.middleware import TenantRequest
from leadmetrics.tenancy.models import Role, Tenant


@require_GET
def queue(request: TenantRequest, tenant: str) -> HttpResponse:
    """The list; on a desk with the first ad opened beside it."""
    desk = Desk.read(request.tenant, request.GET)
    waiting = variants_to_review(request.tenant, desk.narrow, request.user, desk.order)
    window = window_from(waiting, desk, request.GET.get("start", ""))
    choices = _choices(request.tenant) if "filter" in request.GET else None
    return answer(request, desk, window, is_open=False, choices=choices)


@require_GET
def variant(request: TenantRequest, tenant: str, variant_id: UUID) -> HttpResponse:
    """One ad with its place in the queue."""
    return open_desk(request, access_variant(actor=request.actor, variant_id=variant_id))


@require_POST
@role_required(Role.REVIEWER)
def approve(request: TenantRequest, tenant: str, variant_id: UUID) -> HttpResponse:
    """Approve exactly what was on the screen, then on to the next one."""
    form = ShownForm(request.POST)
    form.full_clean()
    try:
        decided = approve_variant(
            actor=request.actor, variant_id=variant_id, shown_hash=form.shown_hash
        )
    except StateConflict as exc:
        return conflict(request, variant_id, form, exc, Decision.Verdict.APPROVED)
    return go_on(request, decided, "Approved", _after_approval(decided))


@keeps_typing
@require_POST
@role_required(Role.REVIEWER)
def reject(request: TenantRequest, tenant: str, variant_id: UUID) -> HttpResponse:
    """Reject what was on the screen for one of the reasons, then on to the next one."""
    form = RejectForm(request.POST)
    if not form.is_valid():
        return _rejection_refused(request, variant_id, form)
    try:
        decided = reject_variant(
            actor=request.actor,
            variant_id=variant_id,
            shown_hash=form.shown_hash,
            reason_code=form.cleaned_data["reason"],
            comment=form.cleaned_data["comment"],
        )
    except InvalidInput as exc:
        form.add_error("comment", exc.user_message)
        return _rejection_refused(request, variant_id, form)
    except StateConflict as exc:
        return conflict(request, variant_id, form, exc, Decision.Verdict.REJECTED)
    return go_on(request, decided, "Rejected", "Nothing of it is sent to Meta.")


@keeps_typing
@require_http_methods(["GET", "HEAD", "POST"])
@role_required(Role.REVIEWER)
def edit(request: TenantRequest, tenant: str, variant_id: UUID) -> HttpResponse:
    """Change the words in place; what is saved is a new version that is decided anew."""
    shown = access_variant(actor=request.actor, variant_id=variant_id)
    if request.method != "POST":
        if typed := take(request, request.path):
            return open_desk(request, shown, form=EditForm(typed), notice=not_sent(typed))
        if shown.status not in EDITABLE:
            return redirect(Desk.read(request.tenant, request.GET).url("variant", shown))
        form = EditForm.of(head_of(shown), shown_values(shown))
        return open_desk(request, shown, form=form)
    form = EditForm(request.POST, request.FILES)
    if not form.is_valid():
        return open_desk(request, shown, form=form, status=422)
    try:
        if "approve" in request.POST:
            return _edit_and_approve(request, shown, form)
        edited = edit_variant(
            actor=request.actor,
            variant_id=variant_id,
            shown_hash=form.shown_hash,
            copy=form.copy,
            image=_uploaded(request, form),
        )
    except InvalidInput as exc:
        form.add_problems(exc.problems or [{"field": "", "message": exc.user_message}])
        return open_desk(request, shown, form=form, status=422)
    except StateConflict as exc:
        return _edit_conflict(request, variant_id, form, exc)
    return _saved(request, edited)


@require_POST
@role_required(Role.REVIEWER)
def withdraw(request: TenantRequest, tenant: str, variant_id: UUID) -> HttpResponse:
    """Take an ad out of the queue without a verdict."""
    form = ShownForm(request.POST)
    form.full_clean()
    try:
        gone = withdraw_variant(
            actor=request.actor, variant_id=variant_id, shown_hash=form.shown_hash
        )
    except ContentChanged as exc:
        shown = access_variant(actor=request.actor, variant_id=variant_id)
        return open_desk(request, shown, **difference(form, shown, exc), status=409)
    except StateConflict as exc:
        shown = access_variant(actor=request.actor, variant_id=variant_id)
        return open_desk(request, shown, notice=Notice("warn", exc.user_message), status=409)
    return go_on(request, gone, "Withdrawn", "Nobody needs to decide it.")


@require_GET
def image(request: TenantRequest, tenant: str, sha256: str) -> FileResponse:
    """A picture of this tenant. Its address names its content, so a browser may keep it."""
    found = AdImage.objects.filter(tenant=request.tenant, sha256=sha256).first()
    if found is None or not found.file.storage.exists(found.file.name or ""):
        raise NotFound
    response = FileResponse(found.file.open("rb"), content_type=found.content_type)
    response["X-Content-Type-Options"] = "nosniff"
    response["Content-Security-Policy"] = "default-src 'none'; sandbox"
    response["Cache-Control"] = "private, max-age=31536000, immutable"
    return response


def _choices(tenant: Tenant) -> dict[str, Any]:
    """What the form over the list offers."""
    return {"accounts": accounts_waiting(tenant), "agents": agents_waiting(tenant)}


def _edit_and_approve(request: TenantRequest, shown: AdVariant, form: EditForm) -> HttpResponse:
    """First the word-level difference; then, for exactly that text, saved and approved in one."""
    if form.cleaned_data["image"]:
        raise InvalidInput("Save the new image first; you can approve it when you have seen it.")
    copy, new_hash = words_to_be(shown, form.copy)
    changes = diff_copy(copy_of(head_of(shown)), copy)
    if request.POST["approve"] == new_hash:
        decided = edit_and_approve(
            actor=request.actor,
            variant_id=shown.pk,
            shown_hash=form.shown_hash,
            copy=copy,
            approved_hash=new_hash,
        )
        return go_on(request, decided, "Edited and approved", _after_approval(decided))
    if not changes:
        raise InvalidInput("Nothing was changed, so nothing was saved.")
    note_seen(actor=request.actor, shown={shown.pk: new_hash})
    return open_desk(request, shown, form=form, confirm=changes, confirm_hash=new_hash)


def _after_approval(decided: AdVariant) -> str:
    if decided.status == VariantStatus.PROPOSED:
        return "One more person must approve it."
    minutes = decided.tenant.undo_minutes
    wait = f" in {minutes} minutes; until then you can undo it" if minutes else ""
    return f"It will appear paused in the ad account{wait}."


def _saved(request: TenantRequest, edited: AdVariant) -> HttpResponse:
    """The ad with its new text."""
    url = Desk.read(request.tenant, request.GET).url("variant", edited)
    waits = " It waits for a decision." if edited.status == VariantStatus.PROPOSED else ""
    words = f"Saved as version {head_of(edited).number}.{waits}"
    if not is_fragment(request):
        messages.success(request, words)
        return redirect(url)
    return announce(open_desk(request, edited, outcome=Notice("good", words)), words, url=url)


def _rejection_refused(request: TenantRequest, variant_id: UUID, form: RejectForm) -> HttpResponse:
    shown = access_variant(actor=request.actor, variant_id=variant_id)
    return open_desk(request, shown, rejection=form, status=422)


def _edit_conflict(
    request: TenantRequest, variant_id: UUID, form: EditForm, exc: StateConflict
) -> HttpResponse:
    """Somebody else was first. What was typed stays; saving again is then a knowing act."""
    shown = access_variant(actor=request.actor, variant_id=variant_id)
    if done := _done_already(request, shown, form):
        return done
    details = difference(form, shown, exc)
    if isinstance(exc, ContentChanged):
        words = "Your text is still in the fields, not saved yet. Saving it replaces what changed."
        details["notice"] = Notice("warn", "This ad changed while you were writing", words)
    else:
        details["notice"] = Notice("warn", "Your text was not saved", exc.user_message)
    form.shown_anew(shown_values(shown))
    return open_desk(request, shown, form=form, **details, status=409)


def _done_already(request: TenantRequest, shown: AdVariant, form: EditForm) -> HttpResponse | None:
    """The answer to a second click, of which the first one counted; None if this is none."""
    head = head_of(shown)
    if head.author_id != request.user.pk or form.shown_number >= head.number:
        return None
    if not says_already(shown, form.copy) or _uploaded(request, form) not in (None, head.image):
        return None
    if "approve" not in request.POST:
        return _saved(request, shown)
    last = decisions_of(shown).first()
    approved = (request.user.pk, Decision.Verdict.APPROVED, head.pk)
    if last is None or (last.reviewer_id, last.verdict, last.revision_id) != approved:
        return None
    return go_on(request, shown, "Edited and approved", ONCE)


def _uploaded(request: TenantRequest, form: EditForm) -> AdImage | None:
    file = form.cleaned_data["image"]
    if not file:
        return None
    file.seek(0)
    return store_image(tenant=request.tenant, content=file.read())
