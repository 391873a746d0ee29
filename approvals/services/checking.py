"""The checks at the door: everything that is looked up for them, and then all of them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from uuid import UUID

from approvals.alike import folded, is_alike, likeness
from approvals.checks.finding import Finding, Severity
from approvals.checks.links import host_of, site_of
from approvals.checks.run import CheckedCopy, check_copy
from approvals.content import content_hash
from approvals.limits import AdCopy
from approvals.models import AdImage, AdVariant, Decision, VariantRevision
from approvals.rules import copy_of, default_site, rules_for
from approvals.selectors.verdicts import recent_rejections
from approvals.states import VariantStatus
from integrations.models import PushTarget
from leadmetrics.tenancy.models import Tenant

# How many of a target's approvals tell which sites it usually leads to.
SITES_FROM = 50


@dataclass(frozen=True, slots=True)
class Rejected:
    """A rejection with its text as texts are compared."""

    decision: Decision
    text: str


def check_for_target(
    *,
    tenant: Tenant,
    target: PushTarget,
    copy: AdCopy,
    image: AdImage | None,
    usual_sites: frozenset[str] | None = None,
    rejected: Sequence[Rejected] | None = None,
    variant_id: UUID | None = None,
) -> CheckedCopy:
    """Normalised copy with everything found; ``variant_id`` is the ad that is being edited.

    ``usual_sites`` and ``rejected`` spare the look-up to a caller who checks many ads at once.
    """
    sites = usual_sites_of(target) if usual_sites is None else usual_sites
    checked = check_copy(copy, rules_for(tenant, target, image, usual_sites=sites))
    if checked.problems:
        return checked
    if rejected is None:
        rejected = rejected_texts(tenant, variant_id)
    again = (
        *_duplicate(target, checked.copy, image, variant_id),
        *_rejected_before(checked.copy, rejected),
    )
    return replace(checked, flags=(*again, *checked.flags))


def rejected_texts(tenant: Tenant, variant_id: UUID | None = None) -> list[Rejected]:
    """What this tenant rejected lately, of other variants than this one, newest first."""
    return [
        Rejected(decision, folded(copy_of(decision.revision)))
        for decision in recent_rejections(tenant, variant_id)
    ]


def _rejected_before(copy: AdCopy, rejected: Sequence[Rejected]) -> Iterator[Finding]:
    """A finding when nearly this text was rejected, with the date and reason of the closest."""
    text = folded(copy)
    found = max(rejected, key=lambda one: likeness(text, one.text), default=None)
    if found and is_alike(text, found.text):
        decision = found.decision
        why = ": ".join(filter(None, [decision.get_reason_code_display(), decision.comment[:200]]))
        message = (
            f"Nearly this text was rejected on {decision.created_at:%d %b %Y} "
            f"(“{decision.revision.headline}”): {why}"
        )
        yield Finding("rejected_before", "primary_text", message, Severity.WARN)


def usual_sites_of(target: PushTarget) -> frozenset[str]:
    """The sites of the target's default link and of its latest approved ads; may be empty."""
    links: Iterable[str] = (
        Decision.objects.filter(variant__target=target, verdict=Decision.Verdict.APPROVED)
        .order_by("-created_at")
        .values_list("revision__link", flat=True)[:SITES_FROM]
    )
    return default_site(target) | {site_of(host) for link in links if (host := host_of(link))}


def _duplicate(
    target: PushTarget, copy: AdCopy, image: AdImage | None, variant_id: UUID | None
) -> tuple[Finding, ...]:
    """A finding when the very same ad is there already, for this target, and was not withdrawn."""
    revision = VariantRevision(
        primary_text=copy.primary_text,
        headline=copy.headline,
        description=copy.description,
        link=copy.link,
        call_to_action=copy.call_to_action,
        image=image,
    )
    same = VariantRevision.objects.filter(
        content_hash=content_hash(revision, target), variant__tenant_id=target.tenant_id
    ).exclude(variant_id=variant_id)
    variant = (
        AdVariant.objects.filter(head__in=same)
        .exclude(status=VariantStatus.WITHDRAWN)
        .order_by("created_at")
        .first()
    )
    if variant is None:
        return ()
    where = variant.get_status_display().lower()
    day = f"{variant.created_at:%d %b %Y}"
    message = f"The very same ad is there since {day}: {where}."
    return (Finding("duplicate", "primary_text", message, Severity.WARN),)
