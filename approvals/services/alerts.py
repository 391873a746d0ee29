"""Telling people what changed about a pushed ad: one audit line and one mail per occasion.

Everything here runs in the caller's transaction.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from django.db.models import Q
from django.urls import reverse

from approvals.comparison import in_words
from approvals.meta_words import refusals
from approvals.models import LiveAd
from leadmetrics.audit.log import record
from leadmetrics.notices.services import notify
from leadmetrics.tenancy.actors import system
from leadmetrics.tenancy.models import Role, User


def text_changed(live: LiveAd) -> None:
    """The ad at Meta is no longer what was approved: both texts, and who changed it."""
    found = live.differences
    lines = [
        f"{entry['label'].capitalize()}\n  approved: {entry['approved'] or 'nothing'}\n"
        f"  at Meta:  {entry['live'] or 'nothing'}"
        for entry in found
    ]
    who = who_changed(live)
    _record(live, "ad.differs", {"differences": in_words(found), "changed_by": who})
    _tell(
        live,
        occasion=f"differs:{_digest(found)}",
        subject=f"Changed at Meta: {live.push.payload['headline']}",
        body="\n\n".join(
            [
                f"At Meta {in_words(found)} of this ad is not what was approved. "
                f"{f'Changed by {who}.' if who else 'The activity log does not say by whom.'}",
                *lines,
                "Pause it if it must not run like this, and put the approved text back in Ads "
                "Manager or propose the new one here.",
            ]
        ),
    )


def text_restored(live: LiveAd) -> None:
    """The ad at Meta is what was approved again."""
    _record(live, "ad.equal_again", {})


def refused_in_review(live: LiveAd) -> None:
    """Meta's ad review said no."""
    reasons = refusals(live.feedback)
    _record(live, "ad.refused_in_review", {"policies": [reason.policy for reason in reasons]})
    said = "\n\n".join(f"{reason.words}\nMeta: {reason.text}" for reason in reasons)
    _tell(
        live,
        occasion=f"refused:{live.checked_at:%Y-%m-%d}",
        subject=f"Refused by Meta: {live.push.payload['headline']}",
        body="Meta refused this ad in its review, so it cannot run.\n\n"
        f"{said or 'Meta gave no reason.'}\n\n"
        "Write a new version; it is decided and sent anew.",
    )


def paused_outside(live: LiveAd) -> None:
    """Somebody paused, archived or deleted a running ad in Ads Manager."""
    who = who_changed(live)
    status = live.configured_status.lower()
    _record(live, "ad.paused_outside", {"status_at_meta": status, "changed_by": who})
    _tell(
        live,
        occasion=f"paused_outside:{live.fence}",
        subject=f"No longer on: {live.push.payload['headline']}",
        body=f"The ad was switched on here and is now {status} at Meta"
        f"{f', changed by {who}' if who else ''}. Switch it on again here if that was a mistake.",
    )


def switched_on_outside(live: LiveAd) -> None:
    """Somebody switched the ad on in Ads Manager, past the activation here."""
    who = who_changed(live)
    key = f"on_outside:{live.fence}"
    told = _tell(
        live,
        occasion=key,
        subject=f"Switched on in Ads Manager: {live.push.payload['headline']}",
        body=f"{who or 'Somebody'} switched this ad on in Ads Manager, not here. It can spend "
        "money now. Pause it with one click if that was not meant to be.",
    )
    if told:
        _record(live, "ad.on_outside", {"changed_by": who})


def who_changed(live: LiveAd) -> str:
    """The name behind the newest change of somebody else; empty when the log names nobody."""
    return next((change["who"] for change in live.changes if change["who"]), "")


def _record(live: LiveAd, action: str, data: Mapping[str, Any]) -> None:
    push = live.push
    record(
        system(push.variant.tenant_id),
        action,
        push.variant,
        {"headline": push.payload["headline"], "ad_id": push.ad_id, **data},
    )


def _tell(live: LiveAd, *, occasion: str, subject: str, body: str) -> int:
    """Mail the person who approved it and the admins; returns how many are told now."""
    push = live.push
    tenant = push.variant.tenant
    people = User.objects.filter(
        Q(pk=push.decision.reviewer_id) | Q(memberships__role=Role.ADMIN),
        memberships__tenant=tenant,
        is_active=True,
    ).distinct()
    return notify(
        tenant=tenant,
        users=people,
        key=f"ad:{push.pk}:{occasion}"[:200],
        subject=subject,
        body=body,
        path=reverse("ads:detail", args=[tenant.slug, push.variant_id]),
    )


def _digest(found: list[dict[str, Any]]) -> str:
    return hashlib.sha256(json.dumps(found, sort_keys=True).encode()).hexdigest()[:16]
