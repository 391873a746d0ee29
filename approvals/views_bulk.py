"""Deciding several ads at once: what this person has seen, each shown once more in words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from django.http import HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from approvals.access import access_variant
from approvals.answers import Notice, not_sent, open_desk
from approvals.card import live_hash
from approvals.desk import Desk
from approvals.forms import RejectForm, ShownForm
from approvals.models import AdVariant, Decision
from approvals.neighbours import rejected_before, siblings_of
from approvals.selectors.queue import variants_to_review
from approvals.selectors.verdicts import decisions_of
from approvals.services.bulk import MOST, BulkResult, decide_seen
from approvals.services.seen import note_seen, seen_by, select_variant
from approvals.states import VariantStatus
from leadmetrics.errors import StateConflict
from leadmetrics.htmx import announce, is_fragment
from leadmetrics.templatetags.ui import COUNTED_TO
from leadmetrics.tenancy.access import role_required
from leadmetrics.tenancy.kept import keeps_typing, note_of, take
from leadmetrics.tenancy.middleware import TenantRequest
from leadmetrics.tenancy.models import Role

UNSEEN_NAMED = 20


@require_POST
@role_required(Role.REVIEWER)
def select(request: TenantRequest, tenant: str, variant_id: UUID) -> HttpResponse:
    """Mark the open ad for a bulk act, or take the mark away."""
    form = ShownForm(request.POST)
    form.full_clean()
    try:
        is_marked = select_variant(
            actor=request.actor, variant_id=variant_id, shown_hash=form.shown_hash
        )
    except StateConflict as exc:
        shown = access_variant(actor=request.actor, variant_id=variant_id)
        return open_desk(
            request, shown, notice=Notice("warn", "Not marked", exc.user_message), status=409
        )
    shown = access_variant(actor=request.actor, variant_id=variant_id)
    words = "Marked." if is_marked else "No longer marked."
    url = Desk.read(request.tenant, request.GET).url("variant", shown)
    if not is_fragment(request):
        return redirect(url)
    return announce(open_desk(request, shown), words, url=url)


@require_GET
def alike(request: TenantRequest, tenant: str, variant_id: UUID) -> HttpResponse:
    """What reads nearly like an ad: its waiting siblings, and texts that were rejected before.

    The review page asks for it after the card is drawn, so that no card waits for it.
    """
    shown = access_variant(actor=request.actor, variant_id=variant_id)
    desk = Desk.read(request.tenant, request.GET)
    context = {
        "variant": shown,
        "siblings": [
            (one, desk.url("variant", one.variant)) for one in siblings_of(request.tenant, shown)
        ],
        "rejected": rejected_before(request.tenant, shown),
        "together_url": desk.url("bulk", alike=str(shown.pk)),
        "url": desk.url("variant", shown),
        "is_fragment": is_fragment(request),
    }
    name = "_alike" if is_fragment(request) else "alike"
    return render(request, f"approvals/{name}.html", context)


@keeps_typing
@require_http_methods(["GET", "HEAD", "POST"])
@role_required(Role.REVIEWER)
def bulk(request: TenantRequest, tenant: str) -> HttpResponse:
    """What this person has seen and not decided yet; then what was decided and what was not."""
    if request.method == "POST":
        form = RejectForm(request.POST)
        wants_no = "reason" in request.POST
        if not wants_no or form.is_valid():
            result = decide_seen(
                actor=request.actor,
                shown=_chosen(request.POST),
                reason_code=form.cleaned_data["reason"] if wants_no else "",
                comment=form.cleaned_data["comment"] if wants_no else "",
            )
            return _result(request, result, "Rejected" if wants_no else "Approved")
        return _choose(request, form, _chosen(request.POST))
    if typed := take(request, request.path):
        kept = RejectForm(initial=typed.dict()) if typed.get("comment") else None
        return _choose(request, kept, _chosen(typed), not_sent(typed))
    return _choose(request)


def _choose(
    request: TenantRequest,
    form: RejectForm | None = None,
    ticked: Mapping[UUID, str] | None = None,
    notice: Notice | None = None,
) -> HttpResponse:
    """What can be decided; with ticks and a rejection's words as they were, if there were any."""
    desk = Desk.read(request.tenant, request.GET)
    found = _alike(request, model) if (model := _model(request)) else _seen(request, desk)
    ready = [
        (row, live_hash(row), changes, ticked is None or row.pk in ticked)
        for row, changes in found.pop("ready")
    ]
    context = {
        "ready": ready,
        "ticked": sum(is_ticked for *_, is_ticked in ready),
        "form": form,
        "notice": notice,
        "writer": note_of(request.user),
        "desk_url": desk.url(),
        "url": request.get_full_path(),
        "reasons": Decision.Reason.choices,
        "again": None,
        **found,
    }
    status = 422 if form and form.is_bound else 200
    return render(request, "approvals/bulk.html", context, status=status)


def _seen(request: TenantRequest, desk: Desk) -> dict[str, Any]:
    """What this person has marked, or else has had on the screen, and what is left out."""
    waiting = variants_to_review(request.tenant, desk.narrow, order=desk.order)
    drawn = waiting.filter(seen__user=request.user).distinct()
    rows = list(drawn[:MOST])
    seen = seen_by(request.user.pk, rows)
    selected = {pk for pk, row in seen.items() if row.is_selected}
    unseen = waiting.exclude(seen__user=request.user)
    return {
        "ready": [(row, ()) for row in rows if row.pk in (selected or seen)],
        "is_selection": bool(selected),
        "unmarked": [row for row in rows if selected and row.pk in seen.keys() - selected],
        "changed": [row for row in rows if row.pk not in seen],
        "more": drawn[MOST:][: COUNTED_TO + 1].count() if len(rows) == MOST else 0,
        "unseen": list(unseen[:UNSEEN_NAMED]),
        "unseen_count": unseen[: COUNTED_TO + 1].count(),
    }


def _alike(request: TenantRequest, model: AdVariant) -> dict[str, Any]:
    """The alike variants, each drawn here as a whole with the words in which it differs."""
    ready = [(one.variant, one.changes) for one in siblings_of(request.tenant, model)[:MOST]]
    if model.status == VariantStatus.PROPOSED:
        ready.insert(0, (model, ()))
    note_seen(actor=request.actor, shown={row.pk: live_hash(row) for row, _ in ready})
    last = decisions_of(model).first()
    is_rejected = model.status == VariantStatus.REJECTED
    return {"ready": ready, "model": model, "last": last, "again": last if is_rejected else None}


def _model(request: TenantRequest) -> AdVariant | None:
    """The ad whose alike ones are to be decided, if the address names one."""
    try:
        variant_id = UUID(request.GET.get("alike", ""))
    except ValueError:
        return None
    return access_variant(actor=request.actor, variant_id=variant_id)


def _result(request: TenantRequest, result: BulkResult, verb: str) -> HttpResponse:
    desk = Desk.read(request.tenant, request.GET)
    context = {
        "result": result,
        "verb": verb,
        "decided": [(row, desk.url("variant", row)) for row in result.decided],
        "left_out": [(one, desk.url("variant", one.variant)) for one in result.left_out],
        "desk_url": desk.url(),
    }
    return render(request, "approvals/bulk.html", context)


def _chosen(posted: QueryDict) -> dict[UUID, str]:
    """The ticked rows, each as "<id>:<hash>"; nonsense counts as nothing."""
    chosen = {}
    for text in posted.getlist("ad"):
        pk, _, shown_hash = text.partition(":")
        try:
            chosen[UUID(pk)] = shown_hash[:64]
        except ValueError:
            continue
    return chosen
