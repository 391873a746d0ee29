"""The checks at the door: everything that is looked up for them, and then all of them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from uuid import UUID

from approvals.checks.finding import Finding, Severity
from approvals.checks.links import host_of, site_of
from approvals.checks.run import CheckedCopy, check_copy
from approvals.content import content_hash
from approvals.limits import AdCopy
from approvals.models import AdImage, AdVariant, Decision, VariantRevision
from approvals.rules import default_site, rules_for
from approvals.states import VariantStatus
from integrations.models import PushTarget
from leadmetrics.tenancy.models import Tenant

# How many of a target's approvals tell which sites it usually leads to.
SITES_FROM = 50


def check_for_target(
    *,
    tenant: Tenant,
    target: PushTarget,
    copy: AdCopy,
    image: AdImage | None,
    usual_sites: frozenset[str] | None = None,
    variant_id: UUID | None = None,
) -> CheckedCopy:
    """Normalised copy with everything found; ``variant_id`` is the ad that is being edited.

    ``usual_sites`` spares the look-up to a caller who checks many ads of one target.
    """
    sites = usual_sites_of(target) if usual_sites is None else usual_sites
    checked = check_copy(copy, rules_for(tenant, target, image, usual_sites=sites))
    if checked.problems:
        return checked
    again = _duplicate(target, checked.copy, image, variant_id)
    return replace(checked, flags=(*again, *checked.flags))


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
