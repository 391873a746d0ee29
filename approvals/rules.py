"""By which rules a target's ads are checked, and a revision's findings as they are now.

What needs a look into the database is found once, at the door, and kept in the revision's flags;
what opening the link has found is kept in the variant's.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from approvals.checks.finding import Finding, Severity
from approvals.checks.fit import ImageSize
from approvals.checks.landing import Opened, check_landing
from approvals.checks.links import host_of, site_of
from approvals.checks.run import CheckedCopy, Rules, check_copy
from approvals.limits import AdCopy
from approvals.models import AdImage, LinkCheck, VariantRevision
from integrations.models import PushTarget
from leadmetrics.tenancy.models import Tenant

# Found at the door only: they need a look at other ads.
LOOKED_UP = ("other_site", "duplicate", "rejected_before")


def rules_for(
    tenant: Tenant,
    target: PushTarget,
    image: AdImage | None,
    *,
    usual_sites: frozenset[str] = frozenset(),
) -> Rules:
    """The tenant's rules for an ad that goes to this target with this picture."""
    return Rules(
        strict=tenant.copy_limits == Tenant.CopyLimits.STRICT,
        claims=claims_of(tenant),
        usual_sites=usual_sites,
        objective=target.ad_set.campaign.objective,
        image=ImageSize(image.width, image.height) if image else None,
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
    revision: VariantRevision,
    tenant: Tenant,
    target: PushTarget,
    link_flags: Iterable[dict[str, object]] = (),
) -> tuple[Finding, ...]:
    """What the checks say about a stored revision today; its words are the stored ones."""
    checked: CheckedCopy = check_copy(copy_of(revision), rules_for(tenant, target, revision.image))
    kept = [flag for flag in revision.flags if flag["code"] in LOOKED_UP]
    return (*checked.problems, *map(_from_flag, (*kept, *link_flags)), *checked.flags)


def findings_of_link(revision: VariantRevision, check: LinkCheck) -> Iterator[Finding]:
    """What opening the revision's link has found; nothing as long as nobody has opened it."""
    if check.state != LinkCheck.State.WAITING:
        opened = Opened(check.reason, check.status, check.final_link, check.page_text)
        yield from check_landing(copy_of(revision), opened)


def _from_flag(flag: dict[str, object]) -> Finding:
    return Finding(**{**flag, "severity": Severity(str(flag["severity"]))})  # type: ignore[arg-type]
