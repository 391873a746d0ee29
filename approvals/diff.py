"""What changed between two texts, word by word. Pure functions over the standard library."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from difflib import SequenceMatcher
from enum import StrEnum

from approvals.limits import CALLS_TO_ACTION, LABELS, AdCopy

# Beyond this many comparisons a difference is shown as a whole, so that nobody can make a page slow
# by proposing the same word a thousand times.
_MOST_COMPARISONS = 250_000
_JOINER = "\u200d"
_INSIDE = ".,'’"  # part of a word between letters or digits: 1.9, don't
# Scripts that put no space between words: Thai to Lao, Myanmar, Khmer, kana, Han.
_UNSPACED = (
    ("\u0e00", "\u0eff"),
    ("\u1000", "\u109f"),
    ("\u1780", "\u17ff"),
    ("\u3040", "\u30ff"),
    ("\u3400", "\u4dbf"),
    ("\u4e00", "\u9fff"),
    ("\U00020000", "\U0003ffff"),
)


class Kind(StrEnum):
    """What became of a piece of text."""

    SAME = "same"
    REMOVED = "removed"
    ADDED = "added"


@dataclass(frozen=True, slots=True)
class Segment:
    """A piece of text and what became of it."""

    kind: Kind
    text: str


@dataclass(frozen=True, slots=True)
class FieldChange:
    """One field that differs: its label and the pieces of both texts in reading order."""

    label: str
    segments: tuple[Segment, ...]


def diff_words(before: str, after: str) -> tuple[Segment, ...]:
    """The pieces of both texts: kept, removed, added. A removal stands before its replacement.

    The kept and removed pieces together are ``before``, the kept and added ones ``after``.
    """
    old, new = _words(before), _words(after)
    head = _common(old, new)
    tail = _common(old[head:][::-1], new[head:][::-1])
    middle_old, middle_new = old[head : len(old) - tail], new[head : len(new) - tail]
    return tuple(
        _merged(
            [
                Segment(Kind.SAME, "".join(old[:head])),
                *_compared(middle_old, middle_new),
                Segment(Kind.SAME, "".join(old[len(old) - tail :])),
            ]
        )
    )


def diff_copy(before: AdCopy, after: AdCopy) -> tuple[FieldChange, ...]:
    """The fields that differ, in the order people read an ad."""
    return tuple(
        FieldChange(label, diff_words(old, new))
        for field, label in LABELS.items()
        if (old := _shown(before, field)) != (new := _shown(after, field))
    )


def _shown(copy: AdCopy, field: str) -> str:
    value: str = getattr(copy, field)
    return CALLS_TO_ACTION.get(value, value) if field == "call_to_action" else value


def _compared(old: list[str], new: list[str]) -> Iterator[Segment]:
    if len(old) * len(new) > _MOST_COMPARISONS:
        yield Segment(Kind.REMOVED, "".join(old))
        yield Segment(Kind.ADDED, "".join(new))
        return
    for tag, old_from, old_to, new_from, new_to in SequenceMatcher(
        None, old, new, autojunk=False
    ).get_opcodes():
        if tag == "equal":
            yield Segment(Kind.SAME, "".join(old[old_from:old_to]))
        else:
            yield Segment(Kind.REMOVED, "".join(old[old_from:old_to]))
            yield Segment(Kind.ADDED, "".join(new[new_from:new_to]))


def _merged(segments: list[Segment]) -> Iterator[Segment]:
    """Neighbouring changes as one; a lone space between two changes belongs to both."""
    removed = added = ""
    for index, segment in enumerate(segments):
        if segment.kind == Kind.REMOVED:
            removed += segment.text
        elif segment.kind == Kind.ADDED:
            added += segment.text
        elif segment.text:
            goes_on = any(later.kind != Kind.SAME and later.text for later in segments[index + 1 :])
            if segment.text.isspace() and (removed or added) and goes_on:
                removed += segment.text
                added += segment.text
                continue
            yield from _change(removed, added)
            removed = added = ""
            yield segment
    yield from _change(removed, added)


def _change(removed: str, added: str) -> Iterator[Segment]:
    if removed:
        yield Segment(Kind.REMOVED, removed)
    if added:
        yield Segment(Kind.ADDED, added)


def _common(old: list[str], new: list[str]) -> int:
    """How many words both begin with."""
    for index, (left, right) in enumerate(zip(old, new, strict=False)):
        if left != right:
            return index
    return min(len(old), len(new))


def _words(text: str) -> list[str]:
    """Words, runs of space, and signs; accents, vowel signs and joined emoji are never cut off."""
    words: list[str] = []
    last = ""
    for index, character in enumerate(text):
        kind = _kind_of(character)
        if character in _INSIDE and last == "word" and text[index + 1 : index + 2].isalnum():
            kind = "word"
        if words and (
            kind == "mark" or words[-1].endswith(_JOINER) or (kind == last and kind != "lone")
        ):
            words[-1] += character
            continue
        words.append(character)
        last = kind
    return words


def _kind_of(character: str) -> str:
    category = unicodedata.category(character)
    if character.isspace():
        return "space"
    if category[0] == "M" or category == "Cf":
        return "mark"
    if any(first <= character <= last for first, last in _UNSPACED):
        return "lone"
    if category[0] in "LN":
        return "word"
    return "sign" if category[0] == "S" else "lone"
