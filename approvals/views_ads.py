"""Approved ads: where each one is, and everything that happened to it."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.conf import settings
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_POST

from approvals.access import access_variant
from approvals.backlog import backlogs
from approvals.card import head_of, image_url
from approvals.desk import place_of, read_place
from approvals.explain import WORDS, is_held, where_of
from approvals.meta_words import objected_to, refusals
from approvals.models import AdVariant, LiveAd, Push, PushStep
from approvals.preview import preview_of
from approvals.results import judge
from approvals.selectors.pushed import (
    PUSHED,
    account_backlogs,
    ad_results,
    count_by_status,
    current_push,
    pushed_after,
    pushed_before,
    pushed_variants,
    pushes_of,
)
from approvals.selectors.queue import PAGE_SIZE
from approvals.selectors.variants import acts_on, comments_on, revisions_of
from approvals.selectors.verdicts import decisions_of
from approvals.services.pausing import may_pause
from approvals.services.push import release_push
from approvals.services.review import return_to_review
from approvals.states import PAST_PUSHES, PushState, StepState, VariantStatus
from approvals.timeline import short, timeline
from leadmetrics.errors import NotFound, StateConflict
from leadmetrics.htmx import announce, is_fragment
from leadmetrics.tenancy.access import role_required
from leadmetrics.tenancy.middleware import TenantRequest
from leadmetrics.tenancy.models import Role

MOVING = (
    VariantStatus.APPROVED,
    VariantStatus.PUSHING,
    VariantStatus.PUSH_UNKNOWN,
    VariantStatus.ACTIVATING,
    VariantStatus.PAUSING,
)


@require_GET
def ads(request: TenantRequest, tenant: str) -> HttpResponse:
    """Every approved ad with one plain word for where it is."""
    status = request.GET.get("status", "")
    status = status if status in PUSHED else ""
    counts = count_by_status(request.tenant)
    rows, newer, older = _page(request, status)
    context = {
        "rows": [_row(variant) for variant in rows],
        "filters": _filters(tenant, status, counts),
        "status": status,
        "total": sum(counts.get(known, 0) for known in PUSHED),
        "troubled": counts.get(VariantStatus.PUSH_FAILED, 0),
        "backlogs": backlogs(account_backlogs(request.tenant)),
        "nav_counts": {"review": counts.get(VariantStatus.PROPOSED, 0)},
        "newer_url": _url(tenant, status, after=newer),
        "older_url": _url(tenant, status, before=older),
        "is_moving": any(variant.status in MOVING for variant in rows),
        "url": request.get_full_path(),
    }
    template = "approvals/_ads.html" if is_fragment(request) else "approvals/ads.html"
    return render(request, template, context)


@require_GET
def detail(request: TenantRequest, tenant: str, variant_id: UUID) -> HttpResponse:
    """One ad: where it is, who acts next, and its timeline."""
    variant = access_variant(actor=request.actor, variant_id=variant_id)
    pushes = list(pushes_of(variant))
    push = current_push(pushes)
    live: LiveAd | None = getattr(push, "live", None)
    where = where_of(variant, push)
    revision = push.decision.revision if push else head_of(variant)
    context = {
        "variant": variant,
        "revision": revision,
        "target": variant.target,
        "push": push,
        "where": where,
        "preview": preview_of(
            revision, variant.target, image_url=image_url(request.tenant.slug, revision)
        ),
        "timeline": timeline(
            variant,
            revisions_of(variant),
            decisions_of(variant),
            pushes,
            acts_on(variant),
            comments_on(variant),
        ),
        "live": live,
        "refusals": refusals(live.feedback) if live and live.feedback else [],
        "objected_to": objected_to(
            (revision.primary_text, revision.headline, revision.description),
            live.feedback if live else [],
        ),
        **_results(push),
        "content_hash": short(push.payload_hash) if push else "",
        "is_moving": variant.status in MOVING,
        "may_release": push is not None and push.state == PushState.FAILED,
        "is_held": push is not None and is_held(push),
        "may_hand_back": _may_hand_back(variant, push),
        "may_activate": request.membership.may_activate
        and variant.status == VariantStatus.PAUSED
        and push is not None,
        "may_pause": may_pause(variant.status, live),
        "ads_manager_url": _ads_manager_url(variant, push),
        "url": request.path,
    }
    if not is_fragment(request):
        return render(request, "approvals/ad.html", context)
    response = render(request, "approvals/_ad.html", context)
    was = request.GET.get("was", variant.status)
    return response if was == variant.status else announce(response, f"{where.word}.")


@require_POST
@role_required(Role.REVIEWER)
def release(request: TenantRequest, tenant: str, variant_id: UUID) -> HttpResponse:
    """Try a push again that was left to a person."""
    variant = access_variant(actor=request.actor, variant_id=variant_id)
    push = pushes_of(variant).exclude(state__in=PAST_PUSHES).first()
    if push is None:
        raise NotFound
    try:
        release_push(actor=request.actor, push_id=push.pk)
    except StateConflict as exc:
        messages.warning(request, exc.user_message)
    else:
        messages.success(request, "It is tried again. What may exist at Meta is looked up first.")
    return redirect("ads:detail", tenant=tenant, variant_id=variant_id)


@require_POST
@role_required(Role.REVIEWER)
def hand_back(request: TenantRequest, tenant: str, variant_id: UUID) -> HttpResponse:
    """Take the approval back, as long as nothing of it can be at Meta."""
    try:
        return_to_review(actor=request.actor, variant_id=variant_id)
    except StateConflict as exc:
        messages.warning(request, exc.user_message)
        return redirect("ads:detail", tenant=tenant, variant_id=variant_id)
    messages.success(request, "Back in review. It has to be decided anew.")
    return redirect("review:variant", tenant=tenant, variant_id=variant_id)


def _page(request: TenantRequest, status: str) -> tuple[list[AdVariant], str, str]:
    """The rows, and the places where the newer and the older page begin (empty: there is none)."""
    pushed = pushed_variants(request.tenant, status=status)
    before, after = (read_place(request.GET.get(name, "")) for name in ("before", "after"))
    if after:
        found = list(pushed_after(pushed, *after)[: PAGE_SIZE + 1])
        has_newer, has_older = len(found) > PAGE_SIZE, True
        rows = found[:PAGE_SIZE][::-1]
    else:
        older = pushed_before(pushed, *before) if before else pushed
        found = list(older[: PAGE_SIZE + 1])
        has_newer, has_older = before is not None, len(found) > PAGE_SIZE
        rows = found[:PAGE_SIZE]
    return (
        rows,
        place_of(rows[0].updated_at, rows[0].pk) if rows and has_newer else "",
        place_of(rows[-1].updated_at, rows[-1].pk) if rows and has_older else "",
    )


def _row(variant: AdVariant) -> dict[str, Any]:
    found: list[Push] = variant.live_pushes  # type: ignore[attr-defined]  # the selector's prefetch
    push = found[0] if found else None
    return {"variant": variant, "push": push, "where": where_of(variant, push)}


def _filters(tenant: str, status: str, counts: Any) -> list[tuple[str, str, int, bool]]:
    """The states to choose from: label, address, how many, whether chosen."""
    total = sum(counts.get(known, 0) for known in PUSHED)
    known = [
        (WORDS[state][0], _url(tenant, state, bare=True), counts.get(state, 0), state == status)
        for state in PUSHED
        if counts.get(state) or state == status
    ]
    return [("All", _url(tenant, "", bare=True), total, not status), *known]


def _url(tenant: str, status: str, *, bare: bool = False, **place: str) -> str:
    """The address of a list; empty when it is a neighbouring page that does not exist."""
    if not bare and not any(place.values()):
        return ""
    query = {key: value for key, value in {"status": status, **place}.items() if value}
    path = reverse("ads:list", args=[tenant])
    return f"{path}?{urlencode(query)}" if query else path


def _results(push: Push | None) -> dict[str, Any]:
    """What the template of the results needs; nothing of an ad that does not exist yet."""
    if push is None or not push.ad_id:
        return {"verdict": None}
    mine, others = ad_results(push)
    return {"mine": mine, "others": others, "verdict": judge(mine, others)}


def _may_hand_back(variant: AdVariant, push: Push | None) -> bool:
    return (
        push is not None
        and variant.status in (VariantStatus.APPROVED, VariantStatus.PUSH_FAILED)
        and push.state in (PushState.WAITING, PushState.FAILED)
        and not any(
            step.kind == PushStep.Kind.AD and step.state != StepState.REFUSED
            for step in push.steps.all()
        )
    )


def _ads_manager_url(variant: AdVariant, push: Push | None) -> str:
    """Where the ad can be seen at Meta, or in what stands in for it; empty before there is one."""
    if settings.SANDBOX:
        return f"{settings.SANDBOX_URL}/sandbox/"
    if push is None or not push.ad_id:
        return ""
    account = variant.target.ad_account.ad_account_id.removeprefix("act_")
    query = urlencode({"act": account, "selected_ad_ids": push.ad_id})
    return f"https://adsmanager.facebook.com/adsmanager/manage/ads?{query}"
