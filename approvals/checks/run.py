"""All checks over one revision's content: the same at the door and in view. Pure."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass, replace

from approvals.checks.characters import check_characters
from approvals.checks.finding import Finding, Severity
from approvals.checks.fit import ImageSize, check_button, check_image
from approvals.checks.lengths import check_lengths, check_presence
from approvals.checks.links import check_link
from approvals.checks.personal import check_personal
from approvals.checks.wording import check_claims, check_wording
from approvals.limits import HARD_LIMITS, LABELS, AdCopy


@dataclass(frozen=True, slots=True)
class Rules:
    """By what a text is measured. Whatever is empty is not checked.

    ``strict`` refuses text beyond the recommended lengths.
    """

    strict: bool
    claims: tuple[str, ...] = ()
    usual_sites: frozenset[str] = frozenset()
    objective: str = ""
    image: ImageSize | None = None


@dataclass(frozen=True, slots=True)
class CheckedCopy:
    """Normalised copy with what blocks it and what is only worth a look."""

    copy: AdCopy
    problems: tuple[Finding, ...]
    flags: tuple[Finding, ...]


def check_copy(copy: AdCopy, rules: Rules) -> CheckedCopy:
    """Normalise to NFC and check everything that needs no look-up."""
    copy = normalise(copy)
    if any(len(getattr(copy, field)) > limit for field, limit in HARD_LIMITS.items()):
        # Nobody reads further into a text that cannot be stored, and neither do we.
        lengths = check_lengths(copy, strict=rules.strict)
        return CheckedCopy(
            copy, tuple(one for one in lengths if one.severity == Severity.BLOCK), ()
        )
    found = [
        *check_presence(copy),
        *check_link(copy.link, usual_sites=rules.usual_sites),
        *check_characters(copy),
        *check_lengths(copy, strict=rules.strict),
        *check_wording(copy),
        *check_claims(copy, rules.claims),
        *check_personal(copy),
        *check_image(rules.image),
        *check_button(copy.call_to_action, rules.objective),
    ]
    return CheckedCopy(
        copy,
        tuple(finding for finding in found if finding.severity == Severity.BLOCK),
        tuple(finding for finding in found if finding.severity == Severity.WARN),
    )


def normalise(copy: AdCopy) -> AdCopy:
    """NFC, unix line ends, no space around. What people see and approve is this form."""
    return replace(
        copy,
        **{
            field: unicodedata.normalize("NFC", getattr(copy, field).replace("\r\n", "\n")).strip()
            for field in LABELS
        },
    )
