"""The words that a check or a comment points at, marked in their text. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

from approvals.checks.finding import Finding
from approvals.models import Comment, VariantRevision


@dataclass(frozen=True, slots=True)
class Part:
    """A piece of a text; ``note`` says what was found about it, empty for ordinary words.

    ``is_quoted`` when a comment is about it, ``remarks`` the numbers of comments that end here.
    """

    text: str
    note: str = ""
    is_quoted: bool = False
    remarks: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Marks:
    """What was found and what was said about the words of one version."""

    findings: Sequence[Finding] = ()
    comments: Sequence[Comment] = ()

    def on(self, field: str, text: str) -> list[Part]:
        """``text``, the whole of ``field`` or its beginning, in parts."""
        return parts_of(
            text,
            [finding for finding in self.findings if finding.field == field],
            [comment for comment in self.comments if comment.field == field],
        )


def marks_on(
    revision: VariantRevision, findings: Sequence[Finding], comments: Iterable[Comment]
) -> Marks:
    """The marks of a version; of the comments those on this version count."""
    return Marks(findings, [one for one in comments if one.revision_id == revision.pk])


def parts_of(
    text: str, findings: Iterable[Finding], comments: Sequence[Comment] = ()
) -> list[Part]:
    """``text`` in parts; where two findings overlap, the one that begins first has the words.

    Comments may overlap each other and the findings.
    """
    notes: list[tuple[int, int, str]] = []
    done = 0
    for finding in sorted(findings, key=lambda one: (one.start, one.end)):
        start, end = max(finding.start, done), min(finding.end, len(text))
        if finding.code != "too_long" and start < end:
            notes.append((start, end, finding.message))
            done = end
    quotes = [
        (comment.start or 0, min(comment.end or 0, len(text)), comment.number)
        for comment in comments
        if (comment.start or 0) < len(text)
    ]
    edges = {0, len(text)}.union(*((start, end) for start, end, _ in (*notes, *quotes)))
    cuts = sorted(edges)
    return [
        Part(
            text[start:end],
            next((note for first, last, note in notes if first <= start < last), ""),
            any(first <= start < last for first, last, _ in quotes),
            tuple(number for _, last, number in quotes if last == end),
        )
        for start, end in pairwise(cuts)
    ] or [Part(text)]
