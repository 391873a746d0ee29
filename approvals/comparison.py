"""What was approved against what Meta holds: a real difference, or only another way to write it."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from typing import Any

TEXTS = ("primary_text", "headline", "description")
# Selectors that choose how an emoji is drawn, and joiners and spaces without width.
_INVISIBLE = re.compile("[\u200b-\u200d\u2060\ufe0e\ufe0f\ufeff]")
_LABELS = {
    "primary_text": "primary text",
    "headline": "headline",
    "description": "description",
    "link": "link",
    "call_to_action": "button",
    "image": "picture",
    "url_tags": "URL tags",
    "ad_set_id": "ad set",
    "page_id": "Page",
    "instagram_user_id": "Instagram account",
    "ad_account_id": "ad account",
    "enhancements": "Meta's enhancements",
}


def normal_text(text: str) -> str:
    """The text as people read it: one form of each character, of each emoji, and of white space."""
    plain = _INVISIBLE.sub("", unicodedata.normalize("NFC", text))
    return " ".join(plain.split())


def differences(
    approved: Mapping[str, Any],
    found: Mapping[str, Any],
    *,
    image_hash: str,
    found_image_hash: str,
    enrolled: tuple[str, ...] = (),
) -> list[dict[str, str]]:
    """Each part that differs: ``field``, ``label``, ``approved``, ``live``; empty when equal.

    White space and the many ways to write one emoji are no difference; every other character is.
    """
    parts = [
        (key, str(approved[key]), str(found.get(key, "")))
        for key in approved
        if not _is_equal(key, approved[key], found.get(key, ""))
    ]
    if image_hash != found_image_hash:
        parts.append(("image", image_hash, found_image_hash))
    if enrolled:
        parts.append(("enhancements", "all off", ", ".join(enrolled)))
    return [
        {
            "field": key,
            "label": _LABELS.get(key, key.replace("_", " ")),
            "approved": before,
            "live": now,
        }
        for key, before, now in parts
    ]


def in_words(found: list[dict[str, str]]) -> str:
    """The parts that differ, for a sentence: "the headline and the link"."""
    labels = [entry["label"] for entry in found]
    names = [label if label.startswith("Meta's") else f"the {label}" for label in labels]
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def _is_equal(key: str, approved: Any, found: Any) -> bool:
    if key in TEXTS:
        return normal_text(str(approved)) == normal_text(str(found))
    return bool(approved == found)
