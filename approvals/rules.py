"""By which rules a target's ads are checked, and a revision's findings as they are now.

What needs a look into the database is found once, at the door, and kept in the revision's flags.
"""

from __future__ import annotations

from approvals.checks.finding import Finding, Severity
from approvals.checks.fit import ImageSize
from approvals.checks.links import host_of, site_of
from approvals.checks.run import CheckedCopy, Rules, check_copy
from approvals.limits import AdCopy
from approvals.models import AdImage, VariantRevision
from integrations.models import PushTarget
from leadmetrics.tenancy.models import Tenant

# Found at the door only: they need a look at other ads.
LOOKED_UP = ("other_site", "duplicate")


def rules_for(
    tenant: Tenant,
    target: PushTarget,
    image: AdImage | None,
    *,
    usual_sites: frozenset[str] = frozenset(),
    page_text: str | None = None,
) -> Rules:
    """The tenant's rules for an ad that goes to this target with this picture."""
    return Rules(
        strict=tenant.copy_limits == Tenant.CopyLimits.STRICT,
        claims=claims_of(tenant),
        usual_sites=usual_sites,
        objective=target.ad_set.campaign.objective,
        image=ImageSize(image.width, image.height) if image else None,
        page_text=page_text,
    )


def claims_of(tenant: Tenant) -> tuple[str, ...]:
    """The tenant's list of claims to prove, one a line."""
    return tuple(line.strip() for line in tenant.claims.splitlines() if line.strip())


def default_site(target: PushTarget) -> frozenset[str]:
    """The site of the target's default link; empty when it has none."""
    host = host_of(target.default_link)
    return frozenset({site_of(host)}) if host else frozenset()


def copy_of(revision: VariantRevision) -> AdCopy:
    """The words of a revision."""
    return AdCopy(
        revision.primary_text,
        revision.headline,
        revision.description,
        revision.link,
        revision.call_to_action,
    )


def findings_now(
    revision: VariantRevision, tenant: Tenant, target: PushTarget, *, page_text: str | None = None
) -> tuple[Finding, ...]:
    """What the checks say about a stored revision today; its words are the stored ones."""
    checked: CheckedCopy = check_copy(
        copy_of(revision),
        rules_for(tenant, target, revision.image, page_text=page_text),
    )
    kept = (_from_flag(flag) for flag in revision.flags if flag["code"] in LOOKED_UP)
    return (*checked.problems, *kept, *checked.flags)


def _from_flag(flag: dict[str, object]) -> Finding:
    return Finding(**{**flag, "severity": Severity(str(flag["severity"]))})  # type: ignore[arg-type]
