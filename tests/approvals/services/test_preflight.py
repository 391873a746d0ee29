"""Asking Meta beforehand: the same checks and words on the review card and before sending."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from approvals.models import AdVariant, Preflight, Push, WriteStop
from approvals.services import preflight
from approvals.services.preflight import (
    FRESH,
    check_place,
    sweep_preflights,
    validate_variant,
)
from approvals.services.push import push_variant, release_push
from approvals.states import PushState, VariantStatus
from integrations.sandbox.world import World
from integrations.services import clients
from integrations.services.allowance import FULL_TIER, note_closed, note_tier
from tests.approvals.conftest import propose
from tests.approvals.live import approve_and_push, point_at
from tests.approvals.pages import review, words
from tests.builders import client_for, make_decision, make_push, make_variant

WITHOUT_DSA = "no DSA data"


@pytest.fixture
def meta(stand_in, target):
    point_at(stand_in, target)
    return stand_in


def codes(target) -> list[str]:
    return [item["code"] for item in check_place(target_id=target.pk).obstacles]


def use_ad_set(target, ad_set_id: str) -> None:
    target.ad_set.ad_set_id = ad_set_id
    target.ad_set.save()


def approved(target, ben) -> Push:
    variant = make_variant(target, status=VariantStatus.APPROVED)
    return make_push(make_decision(variant, ben))


def test_a_target_that_fits_has_no_obstacle(meta, target):
    assert codes(target) == []


def test_a_stopped_account_is_an_obstacle(meta, target):
    meta.control(disable_account=target.ad_account.ad_account_id)
    assert codes(target) == ["account_stopped"]


def test_an_ad_set_that_is_gone_is_an_obstacle(meta, target):
    use_ad_set(target, "12021000999999999")
    assert codes(target) == ["ad_set_missing"]


def test_an_ad_set_of_another_account_is_an_obstacle(meta, target):
    other = next(item for item in ad_sets() if item["account_id"] != target_digits(target))
    use_ad_set(target, other["id"])
    assert "ad_set_elsewhere" in codes(target)


def test_an_ad_set_for_dynamic_creatives_is_an_obstacle(meta, target):
    dynamic = next(item for item in ad_sets() if item["is_dynamic_creative"])
    use_ad_set(target, dynamic["id"])
    assert "ad_set_dynamic" in codes(target)


def test_missing_declarations_for_the_eu_are_an_obstacle(meta, target):
    bare = next(item for item in ad_sets() if WITHOUT_DSA in item["name"])
    use_ad_set(target, bare["id"])
    assert codes(target) == ["declaration_missing"]


def test_a_full_ad_set_is_an_obstacle(meta, target, monkeypatch):
    monkeypatch.setattr("integrations.services.place.MOST_ADS", 1)
    assert "ad_set_full" in codes(target)


def test_a_page_one_may_not_advertise_for_is_an_obstacle(meta, target):
    target.page.can_advertise = False
    target.page.save()
    assert codes(target) == ["page_unusable"]


def test_an_obstacle_stops_a_push_before_anything_is_written_and_says_the_same(
    meta, target, ben, agent
):
    variant = propose(agent, target)
    meta.control(disable_account=target.ad_account.ad_account_id)
    check_place(target_id=target.pk)
    shown = words(client_for(ben).get(review("variant", variant)))
    push = approved(target, ben)
    before = len(meta.read("writes")["writes"])
    push_variant(push_id=push.pk)
    push.refresh_from_db()
    assert (push.state, push.problem_code) == (PushState.FAILED, "account_stopped")
    assert push.problem in shown
    assert len(meta.read("writes")["writes"]) == before


def test_after_the_repair_a_released_push_asks_anew(meta, target, ben):
    meta.control(disable_account=target.ad_account.ad_account_id)
    push = approved(target, ben)
    push_variant(push_id=push.pk)
    meta.control(enable_account=target.ad_account.ad_account_id)
    release_push(actor=ben, push_id=push.pk)
    push_variant(push_id=push.pk)
    push.refresh_from_db()
    assert push.state == PushState.DONE


def test_a_push_that_goes_on_later_asks_again_before_the_ad_is_sent(meta, target, ben):
    push = approved(target, ben)
    once = {"method": "POST", "status": 400, "code": 368, "times": 1}
    meta.control(fail={"path": "adcreatives", **once})
    push_variant(push_id=push.pk)
    release_push(actor=ben, push_id=push.pk)
    Preflight.objects.update(checked_at=timezone.now() - 2 * FRESH)
    meta.control(disable_account=target.ad_account.ad_account_id)
    before = len(meta.read("writes")["writes"])
    push_variant(push_id=push.pk)
    push.refresh_from_db()
    assert (push.state, push.problem_code) == (PushState.FAILED, "account_stopped")
    assert len(meta.read("writes")["writes"]) == before


def test_when_meta_asks_to_wait_the_push_waits_and_nothing_is_taken_for_an_obstacle(
    meta, target, ben
):
    meta.control(throttle={"account": target_digits(target), "code": 80004, "minutes": 5})
    push = approved(target, ben)
    push_variant(push_id=push.pk)
    push.refresh_from_db()
    assert (push.state, push.problem_code) == (PushState.WAITING, "meta_throttled")
    assert not Preflight.objects.exists()


def test_answer_of_a_clock_that_was_ahead_is_not_fresh(meta, target):
    check_place(target_id=target.pk)
    Preflight.objects.update(checked_at=timezone.now() + timedelta(days=90))
    assert preflight.fresh_place(target.pk) is None


def test_pushes_of_one_target_share_a_fresh_answer(meta, target, ben, agent):
    approve_and_push(propose(agent, target), ben)
    asked = Preflight.objects.get().checked_at
    approve_and_push(propose(agent, target), ben)
    assert Preflight.objects.get().checked_at == asked


def test_the_dry_run_is_asked_for_once_per_content_and_writes_nothing(meta, agent, target):
    variant = propose(agent, target)
    validate_variant(variant_id=variant.pk)
    row = Preflight.objects.get()
    assert (row.content_hash, row.obstacles) == (variant.head.content_hash, [])
    validate_variant(variant_id=variant.pk)
    assert Preflight.objects.count() == 1
    assert meta.read("writes")["writes"] == []


def test_what_the_dry_run_objects_to_is_advice_on_the_card_and_holds_nothing(
    meta, agent, target, ben
):
    variant = propose(agent, target)
    meta.control(refuse_ads={"account": target.ad_account.ad_account_id, "subcode": None})
    validate_variant(variant_id=variant.pk)
    (found,) = Preflight.objects.get().obstacles
    assert found["words"] in words(client_for(ben).get(review("variant", variant)))
    meta.control(refuse_ads={"account": target.ad_account.ad_account_id, "off": True})
    assert approve_and_push(variant, ben).state == PushState.DONE


@pytest.mark.parametrize(("tier", "share"), [("development_access", 2), (FULL_TIER, 300)])
def test_dry_runs_keep_to_their_share_of_what_meta_allows_to_write(
    meta, agent, target, monkeypatch, tier, share
):
    note_tier(target.ad_account.ad_account_id, tier)
    asked = []
    monkeypatch.setattr(
        preflight, "within_limit", lambda _bucket, **limits: asked.append(limits) or False
    )
    validate_variant(variant_id=propose(agent, target).pk)
    assert asked == [{"limit": share, "seconds": 300}]
    assert not Preflight.objects.exists()


def test_ad_account_that_is_to_be_left_alone_is_asked_nothing(
    meta, agent, target, ben, monkeypatch
):
    push = approved(target, ben)
    check_place(target_id=target.pk)
    note_closed(target.ad_account.ad_account_id, 120)
    monkeypatch.setattr(clients._session, "request", lambda *_args, **_named: pytest.fail("asked"))
    validate_variant(variant_id=propose(agent, target).pk)
    for _ in range(2):
        push_variant(push_id=push.pk)
        push.refresh_from_db()
        assert (push.state, push.problem_code) == (PushState.WAITING, "meta_throttled")
        assert timezone.now() < push.next_attempt_at <= timezone.now() + timedelta(seconds=120)
        Push.objects.update(next_attempt_at=None)
        Preflight.objects.all().delete()


def test_while_writing_is_stopped_there_is_no_dry_run(meta, agent, target, acme):
    WriteStop.objects.create(tenant=acme, reason="Look first.", stopped_by="Ana")
    validate_variant(variant_id=propose(agent, target).pk)
    assert not Preflight.objects.exists()


def test_the_sweep_asks_for_what_waits_and_is_not_fresh(
    meta, agent, target, django_capture_on_commit_callbacks
):
    variant = propose(agent, target)
    with django_capture_on_commit_callbacks() as woken:
        sweep_preflights()
    assert len(woken) == 2
    check_place(target_id=target.pk)
    validate_variant(variant_id=variant.pk)
    with django_capture_on_commit_callbacks() as woken:
        sweep_preflights()
    assert woken == []
    Preflight.objects.filter(content_hash="").update(checked_at=timezone.now() - FRESH)
    with django_capture_on_commit_callbacks() as woken:
        sweep_preflights()
    assert len(woken) == 1
    AdVariant.objects.update(status=VariantStatus.REJECTED)
    with django_capture_on_commit_callbacks() as woken:
        sweep_preflights()
    assert woken == []


def target_digits(target) -> str:
    return target.ad_account.ad_account_id.removeprefix("act_")


def ad_sets() -> list[dict]:
    """Every ad set of the stand-in's seed."""
    return list(World(app_id="1", app_secret="x").of_kind("AdSet"))
