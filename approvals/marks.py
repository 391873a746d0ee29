"""The words that a check or a comment points at, marked in their text. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

from approvals.checks.finding import Finding
from approvals.limits import TEXTS
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

    @property
    def is_marked(self) -> bool:
        """Whether anything is drawn at it."""
        return bool(self.note) or self.is_quoted


def marked_texts(
    revision: VariantRevision, findings: Sequence[Finding], comments: Iterable[Comment] = ()
) -> dict[str, list[Part]]:
    """The three texts, each in parts; of the comments those on this version count."""
    own = [comment for comment in comments if comment.revision_id == revision.pk]
    return {
        field: parts_of(
            getattr(revision, field),
            [finding for finding in findings if finding.field == field],
            [comment for comment in own if comment.field == field],
        )
        for field in TEXTS
    }


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
    quotes = [(comment.start or 0, comment.end or 0, comment.number) for comment in comments]
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
