"""Asking the pages of approvals, and reading their answers."""

from __future__ import annotations

import json
import re
from dataclasses import asdict

from django.contrib.messages import get_messages
from django.urls import reverse

from approvals.content import content_hash
from approvals.limits import AdCopy
from approvals.models import AdVariant

HTMX = {"HX-Request": "true"}
MARKUP = "<img src=x onerror=alert(1)>"
ESCAPED_MARKUP = "&lt;img src=x onerror=alert(1)&gt;"


def review(name: str, variant: AdVariant | None = None, tenant: str = "acme-outdoor") -> str:
    """The address of a review page."""
    return reverse(f"review:{name}", args=[tenant, *([variant.pk] if variant else [])])


def ads(name: str, variant: AdVariant | None = None, tenant: str = "acme-outdoor") -> str:
    """The address of an ads page."""
    return reverse(f"ads:{name}", args=[tenant, *([variant.pk] if variant else [])])


def shown(variant: AdVariant) -> dict[str, object]:
    """What the page's hidden fields say about the variant now."""
    fresh = AdVariant.objects.select_related("head").get(pk=variant.pk)
    return {"content_hash": live_hash(variant), "revision": fresh.head.number}


def live_hash(variant: AdVariant) -> str:
    fresh = AdVariant.objects.select_related("head").get(pk=variant.pk)
    return content_hash(fresh.head, fresh.target)


def typed(variant: AdVariant, copy: AdCopy, **more: object) -> dict[str, object]:
    """The edit form as a browser sends it."""
    return {**asdict(copy), **shown(variant), **more}


def words(response) -> str:
    """The answer's words without markup, single-spaced."""
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", response.content.decode()))


def told(response) -> list[str]:
    """The messages that wait for the next page."""
    return [str(message) for message in get_messages(response.wsgi_request)]


def announced(response) -> str:
    """What the live region says."""
    return json.loads(response["HX-Trigger"])["announce"]
