"""What exactly an approval is about: the content Meta will receive, and its hash.

One function builds that content from a revision and its target. Its hash is shown on the review
page, kept with the decision, frozen into the push, checked again just before sending and once more
against what Meta reads back.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from approvals.models import VariantRevision
from integrations.models import PushTarget

Payload = dict[str, Any]


def build_payload(revision: VariantRevision, target: PushTarget) -> Payload:
    """Everything that decides what people will see and where, under our own names."""
    account = target.ad_account
    return {
        "format": 1,
        "tenant": target.tenant_id,
        "integration": str(account.integration_id),
        "ad_account_id": account.ad_account_id,
        "ad_set_id": target.ad_set.ad_set_id,
        "page_id": target.page.page_id,
        "instagram_user_id": target.page.instagram_account_id if target.use_instagram else "",
        "primary_text": revision.primary_text,
        "headline": revision.headline,
        "description": revision.description,
        "link": revision.link,
        "call_to_action": revision.call_to_action,
        "image_sha256": revision.image.sha256 if revision.image else "",
        "url_tags": target.url_tags,
    }


def digest(payload: Mapping[str, Any]) -> str:
    """SHA-256 over the canonical JSON of a payload, in hex."""
    text = json.dumps(payload, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()


def content_hash(revision: VariantRevision, target: PushTarget) -> str:
    """The hash of what would be sent now. It changes when the text or the target changes."""
    return digest(build_payload(revision, target))
