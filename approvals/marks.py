"""The words that a check points at, marked in their text. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from approvals.checks.finding import Finding
from approvals.limits import TEXTS
from approvals.models import VariantRevision


@dataclass(frozen=True, slots=True)
class Part:
    """A piece of a text; ``note`` says what was found about it, empty for ordinary words."""

    text: str
    note: str = ""


def marked_texts(revision: VariantRevision, findings: Sequence[Finding]) -> dict[str, list[Part]]:
    """The three texts, each in parts."""
    return {
        field: parts_of(
            getattr(revision, field), [finding for finding in findings if finding.field == field]
        )
        for field in TEXTS
    }


def parts_of(text: str, findings: Iterable[Finding]) -> list[Part]:
    """``text`` in parts; where two findings overlap, the one that begins first has the words."""
    parts: list[Part] = []
    done = 0
    for finding in sorted(findings, key=lambda one: (one.start, one.end)):
        start, end = max(finding.start, done), min(finding.end, len(text))
        if finding.code == "too_long" or start >= end:
            continue
        if start > done:
            parts.append(Part(text[done:start]))
        parts.append(Part(text[start:end], finding.message))
        done = end
    if done < len(text) or not parts:
        parts.append(Part(text[done:]))
    return parts
