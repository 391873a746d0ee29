"""What must be there, and how long it may be. Lengths count characters after NFC."""

from __future__ import annotations

from collections.abc import Iterator

from approvals.checks.finding import Finding, Severity
from approvals.limits import CALLS_TO_ACTION, HARD_LIMITS, LABELS, RECOMMENDED, AdCopy


def check_presence(copy: AdCopy) -> Iterator[Finding]:
    """Missing texts, and a call to action that Meta does not know for a web site."""
    for field in ("primary_text", "headline", "link", "call_to_action"):
        if not getattr(copy, field):
            yield Finding("required", field, f"{LABELS[field]} is missing.")
    if copy.call_to_action and copy.call_to_action not in CALLS_TO_ACTION:
        known = ", ".join(CALLS_TO_ACTION)
        yield Finding(
            "unknown_call_to_action", "call_to_action", f"Choose a call to action from: {known}."
        )


def check_lengths(copy: AdCopy, *, strict: bool) -> Iterator[Finding]:
    """Texts beyond Meta's recommendations: refused when ``strict``, else noticed."""
    for field, recommended in RECOMMENDED.items():
        text, hard = getattr(copy, field), HARD_LIMITS[field]
        found, limit = len(text), recommended if strict else hard
        if found > limit:
            message = f"{LABELS[field]} has {found} characters; {limit} are allowed."
            yield Finding(
                "too_long",
                field,
                message,
                Severity.BLOCK,
                limit,
                found,
                text[limit : limit + 80],
                limit,
                found,
            )
        elif found > recommended:
            yield Finding(
                "longer_than_recommended",
                field,
                f"{LABELS[field]} has {found} characters; feeds cut it after {recommended}.",
                Severity.WARN,
                recommended,
                found,
                text[recommended : recommended + 80],
                recommended,
                found,
            )
