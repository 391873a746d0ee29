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
from approvals.marks import Marks, Part
from approvals.models import AdImage, VariantRevision
from integrations.models import PushTarget
from leadmetrics.templatetags.ui import initial

_JOINER = "\u200d"


@dataclass(frozen=True, slots=True)
class Placement:
    """Where people meet the ad, and how much of each text it shows there.

    ``text`` and ``lines`` bound the primary text (0 lines: any), ``headline`` and ``description``
    the other two; 0 means that the placement leaves that text out.
    """

    name: str
    label: str
    text: int
    lines: int
    headline: int
    description: int
    more: str = "See more"

    @property
    def template(self) -> str:
        """The fragment that draws it."""
        return f"approvals/previews/_{self.name}.html"


# Ads Guide: 125 characters of primary text, 40 of the headline, 30 of the description. Meta gives
# no lines and no figure for the desktop feed; these are what the feeds show.
PLACEMENTS = {
    placement.name: placement
    for placement in (
        Placement("feed", "Mobile feed", PRIMARY_TEXT_LIMIT, 3, HEADLINE_LIMIT, DESCRIPTION_LIMIT),
        Placement("desktop", "Desktop feed", 400, 5, 60, 60),
        Placement("instagram", "Instagram", PRIMARY_TEXT_LIMIT, 2, 0, 0, more="more"),
        Placement("story", "Story", PRIMARY_TEXT_LIMIT, 4, 0, 0, more="more"),
        Placement("right", "Right column", 90, 2, HEADLINE_LIMIT, 0),
    )
}
FEED = PLACEMENTS["feed"]


@dataclass(frozen=True, slots=True)
class Preview:
    """What the fragments in approvals/previews draw; texts are marked parts.

    ``short`` is the primary text as far as it shows at once, ``whole`` all of it.
    ``is_shortened`` when any of the ad's words do not show. ``image_url`` is empty for an ad
    without one.
    """

    page_name: str
    page_initial: str
    is_cut: bool
    is_shortened: bool
    short: list[Part]
    whole: list[Part]
    headline: list[Part]
    description: list[Part]
    link_domain: str
    cta_label: str
    image_url: str
    image_ratio: str
    more: str


def preview_of(
    revision: VariantRevision,
    target: PushTarget,
    *,
    image_url: str,
    placement: Placement = FEED,
    marks: Marks | None = None,
) -> Preview:
    """The revision in one placement, cut where that cuts, with ``marks`` on its words."""
    marks = marks or Marks()
    text = revision.primary_text
    short = cut(text, placement.text, lines=placement.lines)
    headline = cut(revision.headline, placement.headline)
    description = cut(revision.description, placement.description)
    shown = (short, headline, description)
    return Preview(
        page_name=target.page.name,
        page_initial=initial(target.page.name),
        is_cut=short != text,
        is_shortened=shown != (text, revision.headline, revision.description),
        short=marks.on("primary_text", short),
        whole=marks.on("primary_text", text),
        headline=_with_dots("headline", headline, revision.headline, marks),
        description=_with_dots("description", description, revision.description, marks),
        link_domain=domain_of(revision.link),
        cta_label=cta_label(revision.call_to_action),
        image_url=image_url,
        image_ratio=ratio_of(revision.image),
        more=placement.more,
    )


def cut(text: str, limit: int, *, lines: int = 0) -> str:
    """As much of ``text`` as shows in ``limit`` characters and ``lines`` lines (0: any).

    It ends with a whole word where there is one, and never inside an emoji or an accented letter.
    """
    if not limit:
        return ""
    shown = "\n".join(text.split("\n")[:lines]) if lines else text
    if len(shown) > limit:
        end = limit
        while end > 1 and _belongs_together(shown, end):
            end -= 1
        ends_a_word = shown[end].isspace() or shown[end - 1].isspace()
        shown = shown[:end] if ends_a_word else (shown[:end].rsplit(None, 1)[0] or shown[:end])
    return shown if shown == text else shown.rstrip()


def domain_of(link: str) -> str:
    """The host that the feed prints under the image, without "www."; empty if there is none."""
    try:
        return (urlsplit(link).hostname or "").removeprefix("www.")
    except ValueError:  # half typed
        return ""


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


def _with_dots(field: str, shown: str, whole: str, marks: Marks) -> list[Part]:
    """A line that cannot be opened, dots where it is cut; empty where the placement has none."""
    dots = [Part("…")] if shown and shown != whole else []
    return [*marks.on(field, shown), *dots] if shown else []


def _belongs_together(text: str, index: int) -> bool:
    """Whether a cut before ``index`` would tear one visible character apart."""
    before, after = text[index - 1], text[index]
    is_mark = unicodedata.category(after) in ("Mn", "Mc", "Me", "Cf", "Sk")
    return is_mark or before == _JOINER or (_is_flag_half(before) and _is_flag_half(after))


def _is_flag_half(character: str) -> bool:
    return "\U0001f1e6" <= character <= "\U0001f1ff"
