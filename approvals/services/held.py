"""Approved ads that wait for a grant: which they are, and waking them when it works again."""

from __future__ import annotations

from collections.abc import Iterable

from django.db.models import QuerySet
from django.urls import reverse

from approvals.models import Push
from approvals.states import PushState
from integrations.models import Integration
from integrations.waiting import HeldAd
from leadmetrics import queue

_LISTED = 200


def held_ads(integration: Integration) -> list[HeldAd]:
    """What cannot be sent without the grant, oldest first."""
    return _in_words(integration, _waiting(integration)[:_LISTED])


def release_held(integration: Integration) -> list[HeldAd]:
    """Wake what was put off, in the caller's transaction. Every push still looks before it acts."""
    put_off = list(_waiting(integration).exclude(problem_code=""))
    Push.objects.filter(pk__in=[push.pk for push in put_off], state=PushState.WAITING).update(
        next_attempt_at=None, problem_code="", problem=""
    )
    for push in put_off:
        queue.enqueue("approvals.tasks.push_variant", push.pk)
    return _in_words(integration, put_off[:_LISTED])


def _waiting(integration: Integration) -> QuerySet[Push]:
    return (
        Push.objects.filter(
            variant__target__ad_account__integration=integration, state=PushState.WAITING
        )
        .select_related("variant__target")
        .order_by("created_at", "pk")
    )


def _in_words(integration: Integration, pushes: Iterable[Push]) -> list[HeldAd]:
    slug = integration.tenant.slug
    return [
        HeldAd(
            title=push.payload.get("headline", ""),
            path=reverse("ads:detail", args=[slug, push.variant_id]),
            target=push.variant.target.name,
        )
        for push in pushes
    ]
