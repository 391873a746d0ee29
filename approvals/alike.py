"""Which texts differ only a little, in any script. Pure; the measuring is rapidfuzz's."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable

from rapidfuzz import fuzz

from approvals.limits import AdCopy

# Of 100. Below it two texts share a thought rather than their words.
ALIKE = 80
_JUDGED = ("primary_text", "headline", "description")


def is_alike(one: AdCopy, other: AdCopy) -> bool:
    """Whether two texts differ little, so that one decision may well fit both."""
    return likeness(one, other) >= ALIKE


def likeness(one: AdCopy, other: AdCopy) -> int:
    """How much of the words two texts share, in their order: 0 to 100.

    Letters are compared after compatibility folding and without regard to case, so full-width
    forms, composed accents and Turkish or Greek capitals do not make two texts differ.
    """
    return round(fuzz.ratio(_folded(one), _folded(other)))


def closest(one: AdCopy, others: Iterable[AdCopy]) -> list[tuple[int, int]]:
    """Place and likeness of the alike among others, the closest first."""
    found = [(place, likeness(one, other)) for place, other in enumerate(others)]
    return sorted((pair for pair in found if pair[1] >= ALIKE), key=lambda pair: -pair[1])


def _folded(copy: AdCopy) -> str:
    text = "\n".join(getattr(copy, name) for name in _JUDGED)
    folded = unicodedata.normalize("NFKC", text).casefold()
    return " ".join(folded.split())
