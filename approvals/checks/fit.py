"""Whether picture and button suit where the ad goes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from approvals.checks.finding import Finding, Severity
from approvals.limits import CALLS_TO_ACTION

# Ads Guide, image ads: at least 600 pixels wide; feeds show 1.91:1 to 4:5 whole and cut the rest.
RECOMMENDED_SIDE = 600
WIDEST, TALLEST = 1.91, 0.8
_TOLERANCE = 0.02

# Campaign objective (ODAX): what people call it, and the buttons that work against it. Meta
# publishes no complete table; this is what its objectives are for.
_OBJECTIVES: dict[str, tuple[str, frozenset[str]]] = {
    "OUTCOME_SALES": ("sales", frozenset({"NO_BUTTON", "WATCH_MORE"})),
    "OUTCOME_LEADS": (
        "leads",
        frozenset({"NO_BUTTON", "SHOP_NOW", "BUY_NOW", "ORDER_NOW", "WATCH_MORE", "SEE_MORE"}),
    ),
    "OUTCOME_TRAFFIC": ("traffic to your site", frozenset({"NO_BUTTON"})),
    "OUTCOME_APP_PROMOTION": (
        "app installs",
        frozenset({"NO_BUTTON", "CONTACT_US", "GET_QUOTE", "APPLY_NOW", "BUY_NOW"}),
    ),
    "OUTCOME_AWARENESS": ("awareness", frozenset()),
    "OUTCOME_ENGAGEMENT": ("engagement", frozenset()),
}


@dataclass(frozen=True, slots=True)
class ImageSize:
    """Pixels of the picture that goes with the text."""

    width: int
    height: int


def check_image(image: ImageSize | None) -> Iterator[Finding]:
    """A picture too small or of a shape that feeds cut."""
    if image is None:
        return
    size = f"The image is {image.width} × {image.height} pixels"
    shorter = min(image.width, image.height)
    if shorter < RECOMMENDED_SIDE:
        yield Finding(
            "image_small",
            "image",
            f"{size}; below {RECOMMENDED_SIDE} on a side it looks blurred.",
            Severity.WARN,
            limit=RECOMMENDED_SIDE,
            found=shorter,
        )
    ratio = image.width / image.height
    if ratio > WIDEST + _TOLERANCE:
        yield _ratio(f"{size}, wider than 1.91:1: feeds cut it at the sides.")
    elif ratio < TALLEST - _TOLERANCE:
        yield _ratio(f"{size}, taller than 4:5: feeds cut it above and below.")


def check_button(call_to_action: str, objective: str) -> Iterator[Finding]:
    """A button that works against the campaign's objective; unknown objectives pass."""
    aim, unfit = _OBJECTIVES.get(objective, ("", frozenset()))
    if call_to_action in unfit:
        label = CALLS_TO_ACTION[call_to_action]
        yield Finding(
            "button_unfit",
            "call_to_action",
            f"“{label}” does not fit a campaign that aims at {aim}.",
            Severity.WARN,
        )


def aim_of(objective: str) -> str:
    """What a campaign objective is after, in words; empty when we do not know it."""
    return _OBJECTIVES.get(objective, ("", frozenset()))[0]


def _ratio(message: str) -> Finding:
    return Finding("image_ratio", "image", message, Severity.WARN)
