"""The ad as people will meet it, drawn from the text. Pure."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from urllib.parse import urlsplit

from approvals.limits import (
    CALLS_TO_ACTION,
    DESCRIPTION_LIMIT,
    HEADLINE_LIMIT,
    PRIMARY_TEXT_LIMIT,
)
from approvals.models import AdImage, VariantRevision
from integrations.models import PushTarget
from leadmetrics.templatetags.ui import initial

# Both feeds show about three lines before "See more"; 125 characters fill them (Ads Guide).
FEED_LINES = 3
_JOINER = "\u200d"


@dataclass(frozen=True, slots=True)
class Preview:
    """What components/_feed_preview.html draws. ``image_url`` is empty for an ad without one."""

    page_name: str
    page_initial: str
    primary_text: str
    primary_text_short: str
    is_cut: bool
    headline: str
    description: str
    link_domain: str
    cta_label: str
    image_url: str
    image_ratio: str


def preview_of(revision: VariantRevision, target: PushTarget, *, image_url: str) -> Preview:
    """The revision in the feed, cut where the feed cuts."""
    short = cut(revision.primary_text, PRIMARY_TEXT_LIMIT, lines=FEED_LINES)
    return Preview(
        page_name=target.page.name,
        page_initial=initial(target.page.name),
        primary_text=revision.primary_text,
        primary_text_short=short,
        is_cut=short != revision.primary_text,
        headline=_with_dots(revision.headline, HEADLINE_LIMIT),
        description=_with_dots(revision.description, DESCRIPTION_LIMIT),
        link_domain=domain_of(revision.link),
        cta_label=cta_label(revision.call_to_action),
        image_url=image_url,
        image_ratio=ratio_of(revision.image),
    )


def cut(text: str, limit: int, *, lines: int = 0) -> str:
    """As much of ``text`` as shows in ``limit`` characters and ``lines`` lines (0: any).

    It ends with a whole word where there is one, and never inside an emoji or an accented letter.
    """
    shown = "\n".join(text.split("\n")[:lines]) if lines else text
    if len(shown) > limit:
        end = limit
        while end > 1 and _belongs_together(shown, end):
            end -= 1
        ends_a_word = shown[end].isspace() or shown[end - 1].isspace()
        shown = shown[:end] if ends_a_word else (shown[:end].rsplit(None, 1)[0] or shown[:end])
    return shown if shown == text else shown.rstrip()


def domain_of(link: str) -> str:
    """The host that the feed prints under the image, without "www."."""
    return (urlsplit(link).hostname or "").removeprefix("www.")


def cta_label(call_to_action: str) -> str:
    """The words on the button; empty when the ad has none."""
    if call_to_action == "NO_BUTTON":
        return ""
    return CALLS_TO_ACTION.get(call_to_action, call_to_action)


def ratio_of(image: AdImage | None) -> str:
    """The nearest of the shapes that the feed shows: wide, square or portrait."""
    if image is None or image.width >= 1.4 * image.height:
        return "wide"
    return "square" if image.width >= 0.9 * image.height else "portrait"


def _with_dots(text: str, limit: int) -> str:
    shown = cut(text, limit)
    return text if shown == text else f"{shown}…"


def _belongs_together(text: str, index: int) -> bool:
    """Whether a cut before ``index`` would tear one visible character apart."""
    before, after = text[index - 1], text[index]
    is_mark = unicodedata.category(after) in ("Mn", "Mc", "Me", "Cf", "Sk")
    return is_mark or before == _JOINER or (_is_flag_half(before) and _is_flag_half(after))


def _is_flag_half(character: str) -> bool:
    return "\U0001f1e6" <= character <= "\U0001f1ff"
