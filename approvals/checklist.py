"""The checks of one ad in words: what keeps it from its target, what was found, what passed."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass

from approvals.checks.finding import Finding, Severity
from approvals.checks.fit import aim_of
from approvals.checks.offers import has_offer
from approvals.limits import LABELS, RECOMMENDED
from approvals.models import LinkCheck, VariantRevision
from approvals.preview import domain_of
from approvals.rules import claims_of, copy_of, default_site
from integrations.models import Integration, PushTarget
from leadmetrics.tenancy.models import Tenant


@dataclass(frozen=True, slots=True)
class Check:
    """One line of the checks: ``tone`` is good, warn, bad, or off for what nobody looked at."""

    tone: str
    text: str

    @property
    def icon(self) -> str:
        """The sign that goes with the tone."""
        signs = {"good": "circle-check", "warn": "triangle-alert", "off": "circle"}
        return signs.get(self.tone, "circle-x")

    @property
    def word(self) -> str:
        """What the sign says to those who do not see it."""
        words = {"good": "Passed", "warn": "Warning", "off": "Not looked at"}
        return words.get(self.tone, "Problem")


_ORDER = ("bad", "warn", "off", "good")


def checklist(
    revision: VariantRevision,
    tenant: Tenant,
    target: PushTarget,
    findings: Sequence[Finding],
    page: Iterable[Check] = (),
) -> list[Check]:
    """Everything that was looked at: what is wrong first, then what passed.

    ``page`` are the lines about the landing page.
    """
    lines = [
        *obstacles_of(target),
        *(Check(_tone(finding), finding.message) for finding in findings),
        *page,
        *_passed(revision, tenant, target, {finding.code for finding in findings}),
        *_good_lengths(revision, findings),
    ]
    return sorted(lines, key=lambda check: _ORDER.index(check.tone))


def landing_lines(
    revision: VariantRevision,
    landing: LinkCheck | None,
    findings: Iterable[Finding],
    *,
    looked_at: bool,
) -> Iterator[Check]:
    """What is well with the link's page, or not looked at; ``looked_at`` is the installation's.

    What is not well is among the findings.
    """
    found = {finding.code for finding in findings}
    if not looked_at:
        yield Check("off", "Link not opened: link checks are switched off here (LINK_CHECKS).")
    elif landing is None or landing.state == LinkCheck.State.WAITING:
        yield Check("off", "The link is being opened. Look again in a minute.")
    elif landing.is_read:
        yield Check("good", f"The link answers ({landing.status})")
        if has_offer(copy_of(revision)) and not {"price_not_on_page", "date_not_on_page"} & found:
            yield Check("good", "The page shows the prices and dates of the ad")


def obstacles_of(target: PushTarget) -> Iterator[Check]:
    """What would keep an approved ad from reaching this target today."""
    account, page, ad_set = target.ad_account, target.page, target.ad_set
    grant: Integration = account.integration
    if not grant.is_usable:
        yield Check("bad", "The Facebook connection must be renewed before anything can be sent.")
    if not account.enabled:
        yield Check("bad", f"The ad account {account.name} is switched off under Connections.")
    elif not account.can_run_ads:
        yield Check("bad", f"Ad account {account.name}: {account.status_label.lower()}.")
    if ad_set.gone_at:
        yield Check("bad", f"The ad set {ad_set.name} is no longer in the ad account.")
    elif ad_set.is_dynamic_creative:
        yield Check("bad", f"The ad set {ad_set.name} takes dynamic creatives only.")
    if page.gone_at or not page.can_advertise:
        yield Check("bad", f"The connected person may not advertise for {page.name}.")
    if target.archived_at:
        yield Check("warn", f"The push target {target.name} was put away since.")


def _tone(finding: Finding) -> str:
    return "bad" if finding.severity == Severity.BLOCK else "warn"


def _passed(
    revision: VariantRevision, tenant: Tenant, target: PushTarget, found: Collection[str]
) -> Iterator[Check]:
    def none_of(*codes: str) -> bool:
        return not any(code in found for code in codes)

    domain = domain_of(revision.link)
    if none_of("link_not_https", "link_shortener", "bad_link", "link_not_public"):
        yield Check("good", f"Public, encrypted link to {domain}")
    if none_of("other_site") and default_site(target):
        yield Check("good", "Leads to the site that this target advertises")
    if none_of("placeholder", "note_left_in"):
        yield Check("good", "No placeholder left in")
    if none_of("all_caps", "repeated_punctuation"):
        yield Check("good", "No shouting: capitals, !!!")
    claims = claims_of(tenant)
    if claims and none_of("claim"):
        yield Check("good", f"None of your {len(claims)} claims to prove")
    if none_of("personal_attribute"):
        yield Check("good", "Says nothing about the reader's person")
    if none_of("bidi_control", "invisible_character", "control_character", "mixed_scripts"):
        yield Check("good", "No hidden or look-alike characters")
    if none_of("markup", "script_address", "instruction", "address_in_text"):
        yield Check("good", "No code, no foreign address, no words for machines")
    if none_of("duplicate"):
        yield Check("good", "Not proposed before")
    if none_of("rejected_before"):
        yield Check("good", "Not close to a text rejected before")
    if revision.image and none_of("image_small", "image_ratio"):
        yield Check("good", "Image large enough, shown whole by the feed")
    aim = aim_of(target.ad_set.campaign.objective)
    if aim and none_of("button_unfit"):
        yield Check("good", f"The button fits a campaign for {aim}")


def _good_lengths(revision: VariantRevision, findings: Sequence[Finding]) -> Iterator[Check]:
    too_long = {
        finding.field
        for finding in findings
        if finding.code in ("too_long", "longer_than_recommended")
    }
    for field, limit in RECOMMENDED.items():
        length = len(getattr(revision, field))
        if length and field not in too_long:
            yield Check("good", f"{LABELS[field]}: {length} of {limit} characters")
