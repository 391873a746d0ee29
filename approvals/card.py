"""The ad that is open on the review page: its looks, where it goes, its checks and its history."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from django.conf import settings
from django.core import signing
from django.urls import reverse
from django.utils import timezone

from approvals.checklist import checklist, landing_lines
from approvals.content import content_hash
from approvals.desk import SHADES, Desk
from approvals.diff import FieldChange, diff_words
from approvals.limits import TEXTS
from approvals.marks import marks_on
from approvals.models import AdVariant, Comment, Decision, VariantRevision
from approvals.preview import FEED, PLACEMENTS, cta_label, domain_of, preview_of
from approvals.rules import findings_now
from approvals.selectors.pushed import PUSHED
from approvals.selectors.variants import acts_on, comments_on, preflights_of, revisions_of
from approvals.selectors.verdicts import standing_approvals
from approvals.states import EDITABLE, VariantStatus
from approvals.timeline import Event, changes_between, said, timeline
from leadmetrics.tenancy.models import Tenant, User
from leadmetrics.tenancy.selectors import members_of

HISTORY_LENGTH = 20
_SALT = "leadmetrics.shown"
ACTS = (
    "approve",
    "reject",
    "edit",
    "withdraw",
    "changes",
    "defer",
    "reopen",
    "select",
    "alike",
    "comment",
    "draft",
)
DECIDED = (*PUSHED, VariantStatus.REJECTED, VariantStatus.CHANGES_REQUESTED)


def card_context(
    tenant: Tenant, user: User, desk: Desk, shown: AdVariant, decisions: Sequence[Decision]
) -> dict[str, Any]:
    """Everything about the ad that is open; ``decisions`` are the newest HISTORY_LENGTH on it."""
    head, target = head_of(shown), shown.target
    comments = comments_on(shown)
    history = _history(shown, decisions, comments)
    runs_on_instagram = target.use_instagram and bool(target.page.instagram_account_id)
    placements = [
        placement
        for placement in PLACEMENTS.values()
        if placement.name != "instagram" or runs_on_instagram
    ]
    placement = PLACEMENTS[desk.view] if PLACEMENTS[desk.view] in placements else FEED
    looked_at = settings.LINK_CHECKS
    findings = findings_now(head, tenant, target, shown.link_flags if looked_at else ())
    marks = marks_on(head, findings, comments)
    preview = preview_of(
        head,
        target,
        image_url=image_url(desk.tenant, head),
        placement=placement,
        marks=marks,
    )
    checks = checklist(
        head,
        tenant,
        target,
        findings,
        landing_lines(head, shown.link_check, findings, looked_at=looked_at),
    )
    noticed = sum(check.tone in ("bad", "warn") for check in checks)
    is_waiting = shown.status == VariantStatus.PROPOSED
    is_own = head.author_id == user.pk
    approvals = standing_approvals(shown, live_hash(shown), decisions) if is_waiting else []
    own_is_enough = tenant.author_may_approve or tenant.approvals_needed > 1
    tabs = [
        (one.label, replace(desk, view=one.name).url("variant", shown), one == placement)
        for one in placements
    ]
    shades = [
        (label, replace(desk, shade="" if is_on else shade).url("variant", shown), is_on)
        for shade, label in SHADES.items()
        for is_on in [shade == desk.shade]
    ]
    return {
        "variant": shown,
        "revision": head,
        "target": target,
        "shown": shown_values(shown),
        "preview": preview,
        "tabs": tabs,
        "shades": shades,
        "shade": desk.shade,
        "preview_template": placement.template,
        "at_meta_url": desk.url("at_meta", shown) if settings.META_PREVIEWS else "",
        "runs_on_instagram": runs_on_instagram,
        "domain": domain_of(head.link),
        "cta": cta_label(head.call_to_action) or "No button",
        "checks": checks,
        "preflights": preflights_of(shown, live_hash(shown)) if is_waiting else (),
        "noticed": noticed,
        "passed": sum(check.tone == "good" for check in checks),
        "comments": comments,
        "marked": {field: marks.on(field, getattr(head, field)) for field in (*TEXTS, "link")},
        "history": history,
        "latest": next((line for line in history if line.changes or line.has_new_image), None),
        "last_decision": decisions[0] if decisions and shown.status in DECIDED else None,
        "is_waiting": is_waiting,
        "is_approved": shown.status in PUSHED,
        "next_number": head.number + 1,
        "is_own": is_own,
        "own_allowed": own_is_enough,
        "needs_another": is_own and not own_is_enough,
        "approvals": approvals,
        "campaign_url": desk.narrowed(campaign_id=target.ad_set.campaign_id).url(),
        "agent_url": desk.narrowed(agent=shown.submitted_by).url(),
        "approved_by_me": any(given.reviewer_id == user.pk for given in approvals),
        "is_deferred": is_waiting and shown.queue_at > timezone.now(),
        "others": _other_approvers(tenant, user) if is_own and is_waiting else [],
        "may_edit": shown.status in EDITABLE,
        "url": desk.url("variant", shown),
        **{f"{act}_url": desk.url(act, shown) for act in ACTS},
    }


def _history(
    shown: AdVariant, decisions: Sequence[Decision], comments: Sequence[Comment]
) -> list[Event]:
    """Versions with what changed, verdicts, whatever else was done, and who commented when."""
    revisions, acts = revisions_of(shown)[: HISTORY_LENGTH + 1], acts_on(shown)[:HISTORY_LENGTH]
    # What the comments say stands above, beside the ad.
    remarks = [replace(said(one), detail="") for one in comments[-HISTORY_LENGTH:]]
    lines = [*timeline(shown, revisions, decisions, acts=acts), *remarks]
    return sorted(lines, key=lambda line: line.when, reverse=True)


def head_of(variant: AdVariant) -> VariantRevision:
    """The newest version. Every stored variant has one."""
    assert variant.head is not None
    return variant.head


def live_hash(variant: AdVariant) -> str:
    """The hash of what would be sent now; the page carries it, a decision is bound to it."""
    return content_hash(head_of(variant), variant.target)


def shown_values(variant: AdVariant) -> dict[str, Any]:
    """What a form carries about the ad it was drawn with: fields of ShownForm.

    The hash decides; the rest only says later, in words, what has moved since.
    """
    head = head_of(variant)
    goes_to = signing.dumps(_goes_to(variant), salt=_SALT, compress=True)
    return {"content_hash": live_hash(variant), "revision": head.number, "goes_to": goes_to}


def moved_since(variant: AdVariant, *, number: int, goes_to: str) -> tuple[FieldChange, ...]:
    """What differs from what a form was drawn with: the words, then picture and target."""
    before = revisions_of(variant).filter(number=number).first()
    words = changes_between(before, head_of(variant)) if before else ()
    try:
        was = signing.loads(goes_to, salt=_SALT)
    except signing.BadSignature:
        return words
    now = _goes_to(variant)
    moved = [name for name in now if was.get(name) != now[name]]
    return (
        *words,
        *(FieldChange(name, diff_words(was.get(name, ""), now[name])) for name in moved),
    )


def _goes_to(variant: AdVariant) -> dict[str, str]:
    """Picture and target in words, each with the id that makes it this one."""
    target, image = variant.target, head_of(variant).image
    account, page = target.ad_account, target.page
    instagram = page.instagram_account_id if target.use_instagram else ""
    return {
        "Picture": f"{image.width} × {image.height}, {image.sha256[:8]}" if image else "none",
        "Ad account": f"{account.name} ({account.ad_account_id})",
        "Connection": f"{account.integration.meta_user_name} ({account.integration_id})",
        "Ad set": f"{target.ad_set.name} ({target.ad_set.ad_set_id})",
        "Page": f"{page.name} ({page.page_id})",
        "Instagram": instagram or "no",
        "URL tags": target.url_tags or "none",
    }


def image_url(tenant: str, revision: VariantRevision) -> str:
    """Where our copy of the picture is; empty for an ad without one."""
    if revision.image is None:
        return ""
    return reverse("review:image", args=[tenant, revision.image.sha256])


def _other_approvers(tenant: Tenant, user: User) -> list[str]:
    return [
        member.user.name
        for member in members_of(tenant)
        if member.is_reviewer and member.user.is_active and member.user_id != user.pk
    ]
