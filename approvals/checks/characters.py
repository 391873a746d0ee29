"""Characters that nobody sees, or that pass for others. True text in any script goes through."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterator

from approvals.checks.finding import Finding, Severity, texts_of
from approvals.limits import AdCopy

_BIDI = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\u200e\u200f\u061c")
_INVISIBLE = frozenset(
    "\u200b\u2060\u2061\u2062\u2063\u2064\ufeff\u00ad\u180e\u115f\u1160\u3164\uffa0\u034f\u2800"
    "\u17b4\u17b5\u206a\u206b\u206c\u206d\u206e\u206f"
)
_JOINERS = frozenset("\u200c\u200d")
_BLACK_FLAG, _TAG_END = "\U0001f3f4", "\U000e007f"
_WORD = re.compile(r"[^\W\d_]+")
_OTHER_SCRIPTS = frozenset({"CYRILLIC", "GREEK", "ARMENIAN"})
# A Greek mu before a Latin unit is how people type micrograms.
_MICRO_UNIT = re.compile(r"μ(?:g|m|l|L|s|A|V|F|W|Sv)")
_STYLED = re.compile("[\U0001d400-\U0001d7ff\U0001f130-\U0001f149\U0001f170-\U0001f189]+")
_PILED_UP = re.compile("[\u0300-\u036f]{3,}")


def check_characters(copy: AdCopy) -> Iterator[Finding]:
    """Hidden, reversing, unprintable and look-alike characters in the three texts."""
    for field, label, text in texts_of(copy):
        for code, message, is_bad in (
            ("bidi_control", "characters that reverse reading direction", _reverses),
            ("invisible_character", "invisible characters", _is_hidden),
            ("control_character", "line breaks or control characters", _control_in(field)),
        ):
            at = next((index for index in range(len(text)) if is_bad(text, index)), None)
            if at is not None:
                words = _around(text, at)
                yield Finding(
                    code,
                    field,
                    f"{label} contains {message} ({_name(text[at])}, near “{words}”).",
                    Severity.BLOCK,
                    at,
                    at + 1,
                    text[at],
                )
        yield from _mixed(field, label, text)
        yield from _odd_letters(field, label, text)


def mixes_scripts(word: str) -> bool:
    """Whether Latin letters stand beside Cyrillic, Greek or Armenian ones in one word."""
    scripts = {_script(letter) for letter in word if letter.isalpha()}
    return "LATIN" in scripts and bool(scripts & _OTHER_SCRIPTS)


def visible(text: str) -> str:
    """The text with hidden characters replaced by their names, for messages."""
    return "".join(
        f"[{_name(character)}]" if _reverses(text, index) or _is_hidden(text, index) else character
        for index, character in enumerate(text)
        if unicodedata.category(character) != "Cc"
    )


def _mixed(field: str, label: str, text: str) -> Iterator[Finding]:
    for match in _WORD.finditer(text):
        word = match.group()
        if not mixes_scripts(word) or _MICRO_UNIT.fullmatch(word):
            continue
        # A foreign letter within the word pretends; at its end it may be the brand's case ending.
        is_ending = len({_script(letter) for letter in word}) == 2 and _changes_once(word)
        yield Finding(
            "mixed_scripts",
            field,
            f"{label}: the word “{word}” mixes look-alike alphabets.",
            Severity.WARN if is_ending else Severity.BLOCK,
            match.start(),
            match.end(),
            word,
        )
        return


def _changes_once(word: str) -> bool:
    """Whether the word is a Latin stem of two letters or more with an ending of another script."""
    scripts = [_script(letter) for letter in word]
    stem = scripts.index(next(script for script in scripts if script != "LATIN"))
    return stem >= 2 and "LATIN" not in scripts[stem:]


def _odd_letters(field: str, label: str, text: str) -> Iterator[Finding]:
    if match := _STYLED.search(text):
        yield Finding(
            "styled_letters",
            field,
            f"{label}: “{match.group()}” is written in symbols that screen readers spell out.",
            Severity.WARN,
            match.start(),
            match.end(),
            match.group(),
        )
    if match := _PILED_UP.search(unicodedata.normalize("NFC", text)):
        yield Finding(
            "piled_up_marks",
            field,
            f"{label}: accents are piled up and would cover other lines.",
            Severity.BLOCK,
            match.start(),
            match.end(),
            match.group(),
        )


def _reverses(text: str, index: int) -> bool:
    return text[index] in _BIDI


def _is_hidden(text: str, index: int) -> bool:
    character = text[index]
    if character in _INVISIBLE:
        return True
    before = text[index - 1] if index else "a"
    if character in _JOINERS:  # needed inside emoji and some scripts, a trick between Latin letters
        return before.isascii() or _script(before) == "LATIN"
    if "\ufe00" <= character <= "\ufe0f":  # one may choose a letter's form; several carry data
        return "\ufe00" <= before <= "\ufe0f" or (before.isalpha() and before.isascii())
    if "\U000e0100" <= character <= "\U000e01ef":
        return _script(before) != "CJK"
    if "\U000e0000" <= character <= _TAG_END:  # legitimate only in flags such as Scotland's
        return _BLACK_FLAG not in text[max(0, index - 7) : index]
    return False


def _control_in(field: str) -> Callable[[str, int], bool]:
    def is_control(text: str, index: int) -> bool:
        if text[index] == "\n":
            return field != "primary_text"
        return unicodedata.category(text[index]) in ("Cc", "Cn", "Co", "Cs", "Zl", "Zp")

    return is_control


def _script(letter: str) -> str:
    return unicodedata.name(letter, "").split(" ")[0]


def _name(character: str) -> str:
    return f"U+{ord(character):04X}"


def _around(text: str, index: int) -> str:
    nearby = text[max(0, index - 12) : index] + text[index + 1 : index + 12]
    return "".join(character for character in nearby if character.isprintable()).strip()
