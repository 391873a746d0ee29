"""Ads that stand in the stand-in's ad account, and acting on them there."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import time_machine

from approvals.content import content_hash
from approvals.models import AdVariant, LiveAd, Push
from approvals.services.push import push_variant
from approvals.services.review import approve_variant
from approvals.services.watch import begin_to_watch, look_at_ad
from approvals.states import PAST_PUSHES, PushState
from integrations.meta_ads.types import AccessToken
from integrations.models import AdAccount
from integrations.services.clients import seal_token
from integrations.services.live import read_configured_status
from leadmetrics.tenancy.models import Membership

ACCOUNT, AD_SET, PAGE = "act_210000000000001", "12021000120000001", "110000000000001"


def point_at(stand_in: Any, target: Any) -> None:
    """Let the tenant's grant and push target lead to the stand-in's main ad account."""
    token = stand_in.control(sign_in={"user": "Ana"})["result"]["sign_in"]
    integration = target.ad_account.integration
    seal_token(integration, AccessToken(token))
    integration.save()
    for row, changes in (
        (target.ad_account, {"ad_account_id": ACCOUNT}),
        (target.ad_set, {"ad_set_id": AD_SET}),
        (target.page, {"page_id": PAGE}),
    ):
        for name, value in changes.items():
            setattr(row, name, value)
        row.save()


def approve_and_push(variant: AdVariant, reviewer: Any) -> Push:
    """Decide, and take the push to its end."""
    fresh = AdVariant.objects.get(pk=variant.pk)
    shown = content_hash(fresh.head, fresh.target)
    approve_variant(actor=reviewer, variant_id=variant.pk, shown_hash=shown)
    push = Push.objects.exclude(state__in=PAST_PUSHES).get(variant=variant)
    push_variant(push_id=push.pk)
    push.refresh_from_db()
    assert push.state == PushState.DONE, push.problem
    return push


def let_activate(actor: Any) -> Any:
    """Give the person the right to switch ads on."""
    Membership.objects.filter(user_id=actor.user_id).update(can_activate=True)
    return actor


def look(push: Push) -> LiveAd:
    """Read the ad at Meta now, whenever it would be due."""
    begin_to_watch(push.pk)
    LiveAd.objects.filter(push=push).update(next_check_at=datetime.now(UTC))
    look_at_ad(push_id=push.pk)
    return LiveAd.objects.select_related("push__variant").get(push=push)


def status_at_meta(push: Push) -> str:
    """The status that Meta holds, whatever we think."""
    account = AdAccount.objects.select_related("integration").get(ad_account_id=ACCOUNT)
    return read_configured_status(integration=account.integration, ad_id=push.ad_id or "")


def in_seconds(seconds: float) -> time_machine.travel:
    """The clock moved on; it goes on ticking."""
    return time_machine.travel(datetime.now(UTC) + timedelta(seconds=seconds), tick=True)
