"""Which texts differ only a little, in any script. Pure; the measuring is rapidfuzz's."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable

from rapidfuzz import fuzz

from approvals.limits import AdCopy

# Of 100. Below it two texts share a thought rather than their words.
ALIKE = 80
_JUDGED = ("primary_text", "headline", "description")


def is_alike(one: str, other: str) -> bool:
    """Whether two folded texts differ little, so that one decision may well fit both."""
    return likeness(one, other) >= ALIKE


def likeness(one: str, other: str) -> int:
    """How much of the words two folded texts share, in their order: 0 to 100; 0 if not alike."""
    return round(fuzz.ratio(one, other, score_cutoff=ALIKE - 0.5))


def closest(one: AdCopy, others: Iterable[AdCopy]) -> list[tuple[int, int]]:
    """Place and likeness of the alike among others, the closest first."""
    mine = folded(one)
    found = [(place, likeness(mine, folded(other))) for place, other in enumerate(others)]
    return sorted((pair for pair in found if pair[1] >= ALIKE), key=lambda pair: -pair[1])


def folded(copy: AdCopy) -> str:
    """The words as they are compared: after compatibility folding, without regard to case.

    So full-width forms, composed accents and Turkish or Greek capitals do not make two texts
    differ.
    """
    text = "\n".join(getattr(copy, name) for name in _JUDGED)
    folded = unicodedata.normalize("NFKC", text).casefold()
    return " ".join(folded.split())
