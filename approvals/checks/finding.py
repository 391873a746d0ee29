"""What a check has found: a stable code, the field, the very words, and how much it weighs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from re import Pattern

from approvals.limits import LABELS, TEXTS, AdCopy


class Severity(StrEnum):
    """``BLOCK`` keeps the text out; ``WARN`` lets it in and shows it to whoever decides."""

    BLOCK = "block"
    WARN = "warn"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing about one field. ``start`` and ``end`` count characters after NFC.

    Without words, ``start`` and ``end`` are equal and the finding is about the whole field.
    """

    code: str
    field: str
    message: str
    severity: Severity = Severity.BLOCK
    start: int = 0
    end: int = 0
    words: str = ""
    limit: int | None = None
    found: int | None = None

    def as_json(self) -> dict[str, object]:
        """For agents and for the revision's flags: what is absent is left out."""
        values: dict[str, object] = {
            "code": self.code,
            "field": self.field,
            "message": self.message,
            "severity": str(self.severity),
        }
        if self.words:
            values |= {"start": self.start, "end": self.end, "words": self.words}
        numbers = {"limit": self.limit, "found": self.found}
        return values | {key: value for key, value in numbers.items() if value is not None}


def texts_of(copy: AdCopy) -> Iterator[tuple[str, str, str]]:
    """Field, its label and its text, for the three texts that people read."""
    for field in TEXTS:
        yield field, LABELS[field], getattr(copy, field)


def search(
    copy: AdCopy, pattern: Pattern[str], code: str, message: str, severity: Severity
) -> Iterator[Finding]:
    """The first match of ``pattern`` in each text; ``message`` may name {label} and {words}."""
    for field, label, text in texts_of(copy):
        match = pattern.search(text)
        if match:
            words = match.group()
            yield Finding(
                code,
                field,
                message.format(label=label, words=words),
                severity,
                match.start(),
                match.end(),
                words,
            )
