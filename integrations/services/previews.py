"""Where Meta draws an ad of ours, for a frame beside our own preview."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings

from integrations.meta_ads.errors import MetaError
from integrations.meta_ads.types import AdCreativeSpec
from integrations.models import Integration
from integrations.services.clients import meta_client
from integrations.services.failures import note_failure
from leadmetrics.errors import LeadmetricsError

# Our placements in Meta's words.
AD_FORMATS = {
    "feed": "MOBILE_FEED_STANDARD",
    "desktop": "DESKTOP_FEED_STANDARD",
    "instagram": "INSTAGRAM_STANDARD",
    "story": "FACEBOOK_STORY_MOBILE",
    "right": "RIGHT_COLUMN_STANDARD",
}


class NoPreview(LeadmetricsError):
    """Meta drew nothing; our own preview is not concerned."""

    code = "no_preview"
    user_message = "Meta shows no preview just now. Ours is drawn from the very text."


def preview_address(*, integration: Integration, payload: Mapping[str, Any], placement: str) -> str:
    """The address of Meta's frame for a payload in one of AD_FORMATS. Raises NoPreview.

    Nothing is created. The picture is missing in it: Meta gets that only after the approval.
    """
    spec = AdCreativeSpec(
        name="preview",
        page_id=payload["page_id"],
        instagram_user_id=payload["instagram_user_id"],
        message=payload["primary_text"],
        headline=payload["headline"],
        description=payload["description"],
        link=payload["link"],
        call_to_action=payload["call_to_action"],
        url_tags=payload["url_tags"],
    )
    try:
        address = meta_client(integration, tries=1).read_preview(
            payload["ad_account_id"], spec, AD_FORMATS[placement]
        )
    except MetaError as exc:
        note_failure(integration, exc)
        raise NoPreview from None
    except LeadmetricsError:
        raise NoPreview from None
    if not is_metas(address):
        raise NoPreview
    return address


def is_metas(address: str) -> bool:
    """Whether a frame may show this: Facebook over https, or the stand-in while it plays Meta."""
    try:
        parts = urlsplit(address)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        return False
    if settings.SANDBOX:
        known = urlsplit(settings.META_API_BASE_URL)
        return (parts.scheme, parts.netloc) == (known.scheme, known.netloc)
    is_facebook = host == "facebook.com" or host.endswith(".facebook.com")
    return parts.scheme == "https" and port is None and "@" not in parts.netloc and is_facebook
