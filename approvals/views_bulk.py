"""Deciding several ads at once: what this person has seen, each shown once more in words."""

from __future__ import annotations

from typing import Any, cast
from uuid import UUID

from django.http import HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from approvals.access import access_variant
from approvals.answers import Notice, open_desk
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
        return _choose(request, form)
    return _choose(request)


def _choose(request: TenantRequest, refused: RejectForm | None = None) -> HttpResponse:
    """What can be decided; after a refused rejection with its ticks and words as they were."""
    desk = Desk.read(request.tenant, request.GET)
    if model := _model(request):
        return _choose_alike(request, desk, model, refused)
    waiting = variants_to_review(request.tenant, desk.narrow, order=desk.order)
    rows = list(waiting.filter(seen__user=request.user).distinct()[:MOST])
    seen = seen_by(request.user.pk, rows)
    selected = {pk for pk, row in seen.items() if row.is_selected}
    ready = [row for row in rows if row.pk in (selected or seen)]
    changed = [row for row in rows if row.pk not in seen]
    unseen = waiting.exclude(pk__in=[row.pk for row in rows])
    return _page(
        request,
        {
            "ready": [(row, live_hash(row), (), _is_ticked(row, refused)) for row in ready],
            "refused": refused,
            "is_selection": bool(selected),
            "changed": changed,
            "unseen": list(unseen[:UNSEEN_NAMED]),
            "unseen_count": unseen[: COUNTED_TO + 1].count(),
            "desk_url": desk.url(),
            "url": request.get_full_path(),
            "reasons": Decision.Reason.choices,
        },
    )


def _choose_alike(
    request: TenantRequest, desk: Desk, model: AdVariant, refused: RejectForm | None
) -> HttpResponse:
    """The alike variants, each drawn here as a whole with the words in which it differs."""
    found = siblings_of(request.tenant, model)[:MOST]
    ready = [one.variant for one in found]
    if model.status == VariantStatus.PROPOSED:
        ready.insert(0, model)
    note_seen(actor=request.actor, shown={row.pk: live_hash(row) for row in ready})
    changes = {one.variant.pk: one.changes for one in found}
    return _page(
        request,
        {
            "model": model,
            "ready": [
                (row, live_hash(row), changes.get(row.pk, ()), _is_ticked(row, refused))
                for row in ready
            ],
            "refused": refused,
            "last": decisions_of(model).first(),
            "desk_url": desk.url(),
            "url": request.get_full_path(),
            "reasons": Decision.Reason.choices,
        },
    )


def _model(request: TenantRequest) -> AdVariant | None:
    """The ad whose alike ones are to be decided, if the address names one."""
    try:
        variant_id = UUID(request.GET.get("alike", ""))
    except ValueError:
        return None
    return access_variant(actor=request.actor, variant_id=variant_id)


def _result(request: TenantRequest, result: BulkResult, verb: str) -> HttpResponse:
    desk = Desk.read(request.tenant, request.GET)
    return _page(
        request,
        {
            "result": result,
            "verb": verb,
            "decided": [(row, desk.url("variant", row)) for row in result.decided],
            "left_out": [(one, desk.url("variant", one.variant)) for one in result.left_out],
            "desk_url": desk.url(),
        },
    )


def _page(request: TenantRequest, context: dict[str, Any]) -> HttpResponse:
    status = 422 if context.get("refused") else 200
    return render(request, "approvals/bulk.html", context, status=status)


def _is_ticked(row: AdVariant, refused: RejectForm | None) -> bool:
    """At first all are; what somebody has unticked stays so."""
    return refused is None or row.pk in _chosen(cast(QueryDict, refused.data))


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
