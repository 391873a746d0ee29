"""When another person connects: what ran on a grant that was lost goes on with theirs.

Only where theirs reaches the same ad account and, for its push targets, the same Pages with the
right to advertise: what was approved names both. And only if somebody meant it: their connection is
younger than the loss, or the ad account was chosen on it. Everything else stays where it is and
waits, and ``AdAccount.held_because`` says what is missing.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict

from django.db import transaction

from integrations.models import AdAccount, AdSet, Integration, Page, PushTarget, SyncRun
from integrations.services.insights import request_pull
from integrations.services.runs import NotUsed, request_run, stop_runs
from integrations.services.warnings import tell_handed_over
from integrations.waiting import RELEASED, release_held
from leadmetrics.audit.log import record
from leadmetrics.tenancy.actors import system

WRITES = frozenset({"ADVERTISE", "MANAGE"})


def hand_over(integration: Integration) -> list[AdAccount]:
    """Let this grant take over what lost ones left; which ad accounts go on now. Repeatable."""
    with transaction.atomic():
        taker = Integration.objects.select_for_update().get(pk=integration.pk)
        if not taker.is_usable:
            return []
        reached = {account.ad_account_id: account for account in _reached(taker)}
        pages = {page.page_id: page for page in taker.pages.filter(gone_at=None)}
        moved = []
        for left in _left_behind(taker, reached):
            account = _take(taker, left, reached[left.ad_account_id], pages)
            if account is not None:
                moved.append(account)
        if moved:
            _go_on(taker, moved)
    return moved


def _reached(taker: Integration) -> Iterable[AdAccount]:
    return taker.ad_accounts.filter(gone_at=None)


def _left_behind(taker: Integration, reached: Mapping[str, AdAccount]) -> list[AdAccount]:
    """Ad accounts in use on other grants of the workspace that cannot be used any more."""
    return list(
        AdAccount.objects.select_for_update(of=("self",))
        .filter(tenant=taker.tenant_id, enabled=True, ad_account_id__in=reached)
        .exclude(integration=taker)
        .exclude(integration__status__in=Integration.USABLE)
        .select_related("integration", "default_page")
        .order_by("pk")
    )


def _take(
    taker: Integration, left: AdAccount, mine: AdAccount, pages: Mapping[str, Page]
) -> AdAccount | None:
    """The ad account as it goes on; None when it has to wait, with the reason written down."""
    targets = list(left.push_targets.select_related("page", "ad_set"))
    live = [target for target in targets if target.archived_at is None]
    lost = left.integration
    obstacle = _obstacle(taker, lost, mine, live, pages)
    is_used_there = mine.enabled or mine.push_targets.exists() or mine.insights.exists()
    there = _ad_sets_there(mine, targets) if is_used_there else {}
    if not obstacle and is_used_there and any(t.ad_set.ad_set_id not in there for t in live):
        obstacle = f"{taker.meta_user_name}'s connection has not read its ad sets yet."
    if obstacle:
        _hold(left, obstacle)
        return None
    account = _merge(left, mine, targets, there) if is_used_there else _move(left, mine, taker)
    for target in targets:
        if target.page.page_id in pages:
            target.page = pages[target.page.page_id]
            target.save(update_fields=["page"])
    if not is_used_there:
        old = left.default_page
        account.default_page = pages.get(old.page_id) if old else None
        account.save(update_fields=["default_page"])
    record(
        system(taker.tenant_id),
        "ad_account.handed_over",
        account,
        {"name": account.name, "from": lost.meta_user_name, "to": taker.meta_user_name},
    )
    return account


def _obstacle(
    taker: Integration,
    lost: Integration,
    mine: AdAccount,
    targets: list[PushTarget],
    pages: Mapping[str, Page],
) -> str:
    """What the new grant lacks for these targets, in words; empty when nothing."""
    who = f"{taker.meta_user_name}'s connection reaches it"
    if not mine.enabled and not _is_younger(taker, lost):
        return f"{who}, but it is not chosen there."
    if targets and not WRITES & set(mine.user_tasks):
        return f"{who}, but may not create ads there."
    for target in targets:
        page = pages.get(target.page.page_id)
        if page is None or not page.can_advertise:
            return f"{who}, but may not advertise for the Page {target.page.name}."
        if target.use_instagram and (page.instagram_account_id != target.page.instagram_account_id):
            return f"{who}, but the Page {target.page.name} has another Instagram account now."
    return ""


def _is_younger(taker: Integration, lost: Integration) -> bool:
    """Whether somebody connected it after the other was lost or left."""
    is_left = lost.status == Integration.Status.DISCONNECTED
    lost_at = lost.last_checked_at if is_left else lost.trouble_since
    return lost_at is None or taker.connected_at >= lost_at


def _hold(left: AdAccount, obstacle: str) -> None:
    words = f"{obstacle} Approved ads for it wait."[:300]
    if left.held_because != words:
        left.held_because = words
        left.save(update_fields=["held_because"])
        record(
            system(left.tenant_id),
            "ad_account.not_handed_over",
            left,
            {"name": left.name, "reason": obstacle},
        )


def _move(left: AdAccount, mine: AdAccount, taker: Integration) -> AdAccount:
    """The old row with its history takes the place of the new grant's empty one."""
    seen = ("name", "account_status", "business_name", "user_tasks", "gone_at")
    for name in seen:
        setattr(left, name, getattr(mine, name))
    mine.delete()
    left.integration, left.held_because = taker, ""
    left.save(update_fields=["integration", "held_because", *seen])
    SyncRun.objects.filter(ad_account=left).update(integration=taker)
    return left


def _merge(
    left: AdAccount, mine: AdAccount, targets: list[PushTarget], there: Mapping[str, AdSet]
) -> AdAccount:
    """Its targets move to the row that is in use; the old row keeps its figures, out of use."""
    for target in targets:
        if target.ad_set.ad_set_id in there:
            target.ad_account, target.ad_set = mine, there[target.ad_set.ad_set_id]
            target.save(update_fields=["ad_account", "ad_set"])
    left.enabled, left.held_because = False, ""
    left.save(update_fields=["enabled", "held_because"])
    stop_runs(left, NotUsed())
    if not mine.enabled:
        mine.enabled = True
        mine.save(update_fields=["enabled"])
    return mine


def _ad_sets_there(mine: AdAccount, targets: list[PushTarget]) -> dict[str, AdSet]:
    wanted = {target.ad_set.ad_set_id for target in targets}
    return {
        ad_set.ad_set_id: ad_set
        for ad_set in mine.ad_sets.filter(ad_set_id__in=wanted, gone_at=None)
    }


def _go_on(taker: Integration, moved: list[AdAccount]) -> None:
    """Read again, and release what waited, once."""
    for account in moved:
        request_pull(account)
        request_run(integration=taker, ad_account=account, kind=SyncRun.Kind.CATALOG)
    released = [asdict(ad) for ad in release_held(taker)]
    if released:
        details = {"ads": released, "count": len(released), "version": taker.version}
        record(system(taker.tenant_id), RELEASED, taker, details)
    tell_handed_over(taker, moved, len(released))
