"""What a person does counts only for the content that was on their screen."""

from __future__ import annotations

from approvals.content import content_hash
from approvals.models import AdVariant, VariantRevision
from leadmetrics.errors import StateConflict


class ContentChanged(StateConflict):
    """The text or the target moved after the page was drawn; the decision does not count."""

    code = "content_changed"
    user_message = (
        "This ad changed while you were reading, so your decision was not counted. "
        "Here is what it says now."
    )


def head_with_hash(variant: AdVariant, shown_hash: str) -> VariantRevision:
    """The newest version of a locked variant, if that is what was shown. Raises ContentChanged."""
    revision = variant.head
    if revision is None or content_hash(revision, variant.target) != shown_hash:
        raise ContentChanged
    return revision
