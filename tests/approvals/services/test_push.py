"""From an approval to exactly one PAUSED ad, against the stand-in over real HTTP."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine

from approvals.content import content_hash
from approvals.models import AccountImage, AdImage, AdVariant, Push, PushStep
from approvals.selectors.sending import due_pushes
from approvals.services import push_claims, push_steps
from approvals.services.push import push_variant, release_push, sweep_pushes
from approvals.services.review import approve_variant, edit_variant, return_to_review
from approvals.states import PushState, StepState, VariantStatus
from integrations.meta_ads.types import AccessToken, AdState
from integrations.models import Integration
from integrations.services import publishing
from integrations.services.clients import seal_token
from leadmetrics.audit.models import AuditEntry
from leadmetrics.demo_images import draw_scene
from leadmetrics.errors import NotAllowed, StateConflict
from leadmetrics.notices.models import Notice
from leadmetrics.tenancy.models import Membership, Role
from tests.approvals.conftest import COPY, make_member_of, propose
from tests.builders import make_variant

ACCOUNT, AD_SET, PAGE = "act_210000000000001", "12021000120000001", "110000000000001"


@pytest.fixture
def meta(stand_in, target):
    """The stand-in, with the tenant's grant and target pointing at its main ad account."""
    token = stand_in.control(sign_in={"user": "Ana"})["result"]["sign_in"]
    integration = target.ad_account.integration
    seal_token(integration, AccessToken(token))
    integration.save()
    target.ad_account.ad_account_id = ACCOUNT
    target.ad_account.save()
    target.ad_set.ad_set_id = AD_SET
    target.ad_set.save()
    target.page.page_id = PAGE
    target.page.save()
    return stand_in


@pytest.fixture
def approved(meta, agent, target, ben) -> Push:
    return approve(propose(agent, target), ben)


def approve(variant: AdVariant, reviewer) -> Push:
    fresh = AdVariant.objects.get(pk=variant.pk)
    approve_variant(
        actor=reviewer,
        variant_id=variant.pk,
        shown_hash=content_hash(fresh.head, fresh.target),
    )
    return Push.objects.exclude(state=PushState.VOIDED).get(variant=variant)


def ads_of(meta, push: Push) -> list[dict[str, Any]]:
    """What the ad account holds of this push, whatever we think."""
    sent = [w for w in meta.read("writes")["writes"] if w["path"] == f"{ACCOUNT}/ads"]
    mine = [w for w in sent if push.reference in w["params"]["name"] and "id" in w["answer"]]
    return [write["params"] for write in mine]


def run(push: Push) -> Push:
    push_variant(push_id=push.pk)
    push.refresh_from_db()
    push.variant.refresh_from_db()
    return push


def later(seconds: float) -> time_machine.travel:
    return time_machine.travel(datetime.now(UTC) + timedelta(seconds=seconds), tick=True)


def test_push_creates_one_paused_ad_with_the_approved_text(meta, approved):
    push = run(approved)
    assert push.state == PushState.DONE
    assert push.variant.status == VariantStatus.PAUSED
    assert push.read_back["configured_status"] == "PAUSED"
    assert push.read_back["content_hash"] == push.payload_hash == push.decision.content_hash
    (ad,) = ads_of(meta, push)
    assert ad["status"] == "PAUSED"
    assert ad["name"].endswith(push.reference)
    assert [step.kind for step in push.steps.order_by("pk")] == ["creative", "ad"]
    assert AuditEntry.objects.filter(action="variant.pushed").count() == 1


def test_push_uploads_the_picture_that_was_approved(meta, agent, target, ben):
    picture = draw_scene("ridge")
    push = run(approve(propose(agent, target, image=picture), ben))
    assert push.state == PushState.DONE
    assert push.image_hash
    assert [step.kind for step in push.steps.order_by("pk")] == ["image", "creative", "ad"]


def test_push_that_runs_twice_creates_nothing_more(meta, approved):
    run(approved)
    writes = len(meta.read("writes")["writes"])
    run(approved)
    assert len(meta.read("writes")["writes"]) == writes


def test_lost_reply_is_looked_up_and_adopted(meta, approved):
    meta.control(lose_reply={"path": "ads", "times": 1})
    push = run(approved)
    assert (push.state, push.variant.status) == (PushState.UNKNOWN, VariantStatus.PUSH_UNKNOWN)
    assert not due_pushes().exists()
    with later(200):
        push = run(push)
    assert (push.state, push.variant.status) == (PushState.DONE, VariantStatus.PAUSED)
    assert len(ads_of(meta, push)) == 1


@pytest.fixture
def unsearchable(monkeypatch):
    """Neither the filter by name nor the labels show an ad."""
    monkeypatch.setattr("integrations.meta_ads.ads._by_name", lambda *_: ())
    monkeypatch.setattr("integrations.meta_ads.ads._by_label", lambda *_: ())


def test_ad_that_no_search_shows_is_found_in_its_ad_set(meta, approved, unsearchable):
    meta.control(lose_reply={"path": "ads", "times": 1})
    run(approved)
    with later(200):
        push = run(approved)
    assert push.state == PushState.DONE
    assert len(ads_of(meta, push)) == 1


def test_ad_with_our_creative_in_our_ad_set_is_ours_unless_another_push_holds_it(
    meta, agent, target, ben, unsearchable, monkeypatch
):
    """Meta gives equal creatives one id; here people have renamed the ads, too."""
    monkeypatch.setattr(publishing, "_marks", lambda _ad: "Summer")
    first = run(approve(propose(agent, target), ben))
    second = approve(make_variant(target), ben)
    meta.control(lose_reply={"path": "ads", "times": 1})
    run(second)
    with later(200):
        second = run(second)
    assert second.state == PushState.DONE
    assert second.creative_id == first.creative_id
    assert second.ad_id != first.ad_id
    third = approve(make_variant(target), ben)
    meta.control(fail={"path": "ads", "status": 500, "code": 1, "times": 1})
    run(third)
    for seconds in (200, 400):
        with later(seconds):
            third = run(third)
    assert third.state == PushState.DONE
    assert [len(ads_of(meta, push)) for push in (first, second, third)] == [1, 1, 1]


@pytest.mark.parametrize(
    ("name", "status"), [("Their own", "ACTIVE"), ("lm-01234567-aaaa", "PAUSED")]
)
def test_ad_that_cannot_be_ours_is_not_adopted(
    meta, approved, unsearchable, monkeypatch, name, status
):
    meta.control(fail={"path": "ads", "status": 500, "code": 1, "times": 1})
    run(approved)
    approved.refresh_from_db()
    theirs = AdState("77", name, AD_SET, ACCOUNT, approved.creative_id, status, status, ())
    monkeypatch.setattr("integrations.meta_ads.ads.list_ads_of", lambda *_: (theirs,))
    for seconds in (200, 400):
        with later(seconds):
            push = run(approved)
    assert push.state == PushState.DONE
    assert push.ad_id != "77"


def test_unanswered_write_is_never_looked_up_before_the_settle_time(meta, approved):
    meta.control(lose_reply={"path": "ads", "times": 1})
    run(approved)
    Push.objects.update(next_attempt_at=None)  # a stray job comes early
    push = run(approved)
    assert push.state == PushState.UNKNOWN
    assert len(ads_of(meta, push)) == 1


def test_write_without_effect_is_sent_again_only_after_two_empty_lookups(meta, approved):
    meta.control(fail={"path": "ads", "status": 500, "code": 1, "times": 1})
    push = run(approved)
    assert push.state == PushState.UNKNOWN
    with later(200):
        push = run(push)
        assert push.state == PushState.UNKNOWN
        assert ads_of(meta, push) == []
    with later(400):
        push = run(push)
    assert push.state == PushState.DONE
    assert len(ads_of(meta, push)) == 1
    states = push.steps.filter(kind="ad").order_by("pk").values_list("state", flat=True)
    assert list(states) == [StepState.ABSENT, StepState.DONE]


def test_two_writes_without_an_answer_go_to_a_person_and_never_a_third(meta, approved):
    meta.control(fail={"path": "ads", "method": "POST", "status": 500, "code": 1, "times": 5})
    push = run(approved)
    for seconds in (200, 400, 600, 800, 1000):
        with later(seconds):
            push = run(push)
    assert push.state == PushState.FAILED
    assert push.problem_code == "ad_not_found"
    assert push.variant.status == VariantStatus.PUSH_FAILED
    assert push.steps.filter(kind="ad").count() == 2


def test_lookup_that_fails_is_not_taken_for_absent(meta, approved):
    meta.control(lose_reply={"path": "ads", "times": 1})
    push = run(approved)
    meta.control(throttle={"account": "1", "code": 80004, "minutes": 60, "times": 50})
    with later(200):
        push = run(push)
    assert push.state == PushState.WAITING
    meta.control(clear_faults=True)
    with later(4000):
        push = run(push)
    assert push.state == PushState.DONE
    assert len(ads_of(meta, push)) == 1


def test_throttle_waits_without_using_up_tries(meta, approved):
    meta.control(throttle={"account": "1", "code": 80004, "minutes": 5, "times": 1})
    push = run(approved)
    assert (push.state, push.attempts) == (PushState.WAITING, 0)
    assert push.next_attempt_at > datetime.now(UTC) + timedelta(minutes=4)
    assert push.variant.status == VariantStatus.APPROVED


def test_refusal_goes_to_a_person_with_words_of_ours(meta, approved, target):
    meta.control(
        fail={"path": "adcreatives", "status": 400, "code": 100, "times": 1, "message": "raw text"}
    )
    push = run(approved)
    assert (push.state, push.variant.status) == (PushState.FAILED, VariantStatus.PUSH_FAILED)
    assert push.problem_code == "refused_by_meta"
    assert "raw text" not in push.problem
    assert ads_of(meta, push) == []


def test_dead_token_holds_the_push_until_reconnected(meta, approved, target):
    meta.control(expire_token={"user": "Ana"})
    push = run(approved)
    assert push.state == PushState.WAITING
    integration = Integration.objects.get()
    assert integration.status == Integration.Status.EXPIRED
    with later(400):
        push = run(push)
    assert (push.state, push.attempts) == (PushState.WAITING, 0)
    token = meta.control(sign_in={"user": "Ana"})["result"]["sign_in"]
    seal_token(integration, AccessToken(token))
    integration.status = Integration.Status.CONNECTED
    integration.save()
    with later(800):
        push = run(push)
    assert push.state == PushState.DONE


def test_worker_that_dies_after_the_write_leaves_one_ad(meta, approved, monkeypatch):
    def die(*_: Any, **__: Any) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(push_steps, "_record", dies_at(2, push_steps._record, die))
        with pytest.raises(KeyboardInterrupt):
            push_variant(push_id=approved.pk)
    approved.refresh_from_db()
    assert approved.state == PushState.RUNNING
    assert len(ads_of(meta, approved)) == 1
    with later(100):
        push = run(approved)
        assert push.state == PushState.UNKNOWN
    with later(200):
        push = run(push)
    assert push.state == PushState.DONE
    assert len(ads_of(meta, push)) == 1


def dies_at(call: int, original: Callable[..., Any], die: Callable[..., Any]) -> Callable[..., Any]:
    """``original`` until the given call, which dies instead."""
    count = 0

    def wrapped(*args: Any, **kwargs: Any) -> Any:
        nonlocal count
        count += 1
        return die() if count == call else original(*args, **kwargs)

    return wrapped


def test_late_worker_whose_push_was_taken_over_changes_nothing(meta, approved):
    claim = push_claims.claim_push(approved.pk)
    with later(100):
        other = push_claims.claim_push(approved.pk)
        assert other.fence == claim.fence + 1
        with pytest.raises(push_claims.LostClaim):
            next(push_steps.creative_step(claim, ""))
    assert PushStep.objects.count() == 0


def test_running_push_cannot_be_claimed_twice(meta, approved):
    assert push_claims.claim_push(approved.pk) is not None
    assert push_claims.claim_push(approved.pk) is None


def test_worker_stopped_between_intent_and_call_does_not_send(meta, approved, monkeypatch):
    original = push_steps._intend

    def slow(claim, kind):
        step = original(claim, kind)
        step.sent_at -= timedelta(seconds=60)
        return step

    monkeypatch.setattr(push_steps, "_intend", slow)
    push_variant(push_id=approved.pk)
    assert meta.read("writes")["writes"] == []


def test_stored_text_that_is_not_the_approved_one_is_not_sent(meta, approved):
    Push.objects.update(payload={**approved.payload, "headline": "Swapped"})
    push = run(approved)
    assert (push.state, push.problem_code) == (PushState.FAILED, "content_differs")
    assert push.fence == 0  # it is not even begun
    assert meta.read("writes")["writes"] == []


@pytest.mark.parametrize("change", ["removed", "demoted"])
def test_approval_counts_only_while_its_giver_may_approve(meta, approved, ben, change):
    membership = Membership.objects.filter(user_id=ben.user_id)
    membership.delete() if change == "removed" else membership.update(role="viewer")
    push = run(approved)
    assert (push.state, push.problem_code) == (PushState.FAILED, "approver_left")
    assert meta.read("writes")["writes"] == []


def test_ad_account_that_was_switched_off_gets_nothing(meta, approved, target):
    target.ad_account.enabled = False
    target.ad_account.save()
    push = run(approved)
    assert (push.state, push.problem_code) == (PushState.FAILED, "ad_account_off")
    assert meta.read("writes")["writes"] == []


def test_voided_push_is_never_sent(meta, approved, rita):
    return_to_review(actor=rita, variant_id=approved.variant_id)
    push = run(approved)
    assert push.state == PushState.VOIDED
    assert meta.read("writes")["writes"] == []


def test_ad_that_is_not_paused_is_paused_and_given_to_a_person(meta, approved, ben, monkeypatch):
    original = push_steps._outcome

    def activated_meanwhile(claim, step, write):
        object_id = yield from original(claim, step, write)
        if step.kind == PushStep.Kind.AD:
            meta.control(set_ad_status={"ad_id": object_id, "status": "ACTIVE"})
        return object_id

    monkeypatch.setattr(push_steps, "_outcome", activated_meanwhile)
    push = run(approved)
    assert (push.state, push.problem_code) == (PushState.FAILED, "was_not_paused")
    last = meta.read("writes")["writes"][-1]
    assert (last["path"], last["params"]) == (push.ad_id, {"status": "PAUSED"})
    pause = push.steps.get(kind=PushStep.Kind.PAUSE)
    assert (pause.state, pause.object_id) == (StepState.DONE, push.ad_id)
    release_push(actor=ben, push_id=push.pk)  # whoever was told has looked
    assert run(push).state == PushState.DONE


@pytest.mark.parametrize(
    ("trouble", "ends_with"),
    [
        ({"code": 2, "times": 2}, "so it was paused. Check it in Ads Manager."),
        ({"code": 2, "times": 9}, "Pause it in Ads Manager now."),
        ({"status": 403, "code": 200, "times": 9}, "Pause it in Ads Manager now."),
    ],
)
def test_alarm_says_whether_a_running_ad_could_be_paused(
    meta, approved, acme, monkeypatch, trouble, ends_with
):
    make_member_of(acme, "Ana", Role.ADMIN)
    original = push_steps._outcome

    def activated_meanwhile(claim, step, write):
        object_id = yield from original(claim, step, write)
        if step.kind == PushStep.Kind.AD:
            meta.control(set_ad_status={"ad_id": object_id, "status": "ACTIVE"})
            meta.control(fail={"path": object_id, "method": "POST", **trouble})
        return object_id

    monkeypatch.setattr(push_steps, "_outcome", activated_meanwhile)
    push = run(approved)
    assert (push.state, push.problem_code) == (PushState.FAILED, "was_not_paused")
    assert push.problem.endswith(ends_with)
    assert Notice.objects.filter(body__startswith=push.problem).exists()


def test_ad_that_meta_stored_differently_is_given_to_a_person(meta, approved, monkeypatch):
    original = push_steps._outcome

    def edited_meanwhile(claim, step, write):
        object_id = yield from original(claim, step, write)
        if step.kind == PushStep.Kind.AD:
            meta.control(edit_live={"ad_id": object_id, "message": "Somebody's own words"})
        return object_id

    monkeypatch.setattr(push_steps, "_outcome", edited_meanwhile)
    push = run(approved)
    assert (push.state, push.problem_code) == (PushState.FAILED, "stored_differently")
    assert "primary text" in push.problem


def test_release_tries_again_and_looks_up_first(meta, approved, ben, vera):
    meta.control(fail={"path": "ads", "status": 400, "code": 368, "times": 1})
    push = run(approved)
    assert (push.state, push.problem_code) == (PushState.FAILED, "needs_someone")
    with pytest.raises(NotAllowed):
        release_push(actor=vera, push_id=push.pk)
    release_push(actor=ben, push_id=push.pk)
    push = run(push)
    assert push.state == PushState.DONE
    assert len(ads_of(meta, push)) == 1
    with pytest.raises(StateConflict):
        release_push(actor=ben, push_id=push.pk)


def test_paused_ad_can_no_longer_be_edited_here(meta, approved, rita):
    push = run(approved)
    fresh = AdVariant.objects.get(pk=push.variant_id)
    with pytest.raises(StateConflict):
        edit_variant(
            actor=rita,
            variant_id=fresh.pk,
            shown_hash=content_hash(fresh.head, fresh.target),
            copy=COPY.__class__("Other", "Other", "", COPY.link, "SHOP_NOW"),
        )


def test_sweep_wakes_what_nobody_woke(meta, approved, django_capture_on_commit_callbacks):
    with django_capture_on_commit_callbacks() as woken:
        assert sweep_pushes() == 1
    assert len(woken) == 1


def test_nothing_but_paused_ever_goes_over_the_wire(meta, approved):
    run(approved)
    statuses = [
        w["params"]["status"] for w in meta.read("writes")["writes"] if "status" in w["params"]
    ]
    assert statuses == ["PAUSED"]


@pytest.mark.django_db(transaction=True)
def test_pushes_of_one_account_wait_for_meta_side_by_side(meta, agent, target, ben):
    pushes = [approve(propose(agent, target), ben) for _ in range(6)]
    meta.control(latency_ms=300)
    began = time.monotonic()
    push_variant(push_id=pushes[0].pk)
    took = time.monotonic() - began
    assert {push.state for push in Push.objects.all()} == {PushState.DONE}
    assert [len(ads_of(meta, push)) for push in pushes] == [1] * 6
    assert took < 5.4  # one after the other, the waiting alone takes that long


@pytest.mark.django_db(transaction=True)
def test_ad_account_gets_each_picture_once(meta, agent, target, ben):
    picture = draw_scene("ridge")
    first, second = (approve(propose(agent, target, image=picture), ben) for _ in range(2))
    run(first)
    third = run(approve(propose(agent, target, image=picture), ben))
    assert Push.objects.filter(state=PushState.DONE).count() == 3
    uploads = [w for w in meta.read("writes")["writes"] if w["path"].endswith("/adimages")]
    assert len(uploads) == 1
    assert first.image_hash == Push.objects.get(pk=second.pk).image_hash == third.image_hash


def test_picture_that_left_the_library_is_uploaded_anew(meta, agent, target, ben):
    picture = draw_scene("ridge")
    run(approve(propose(agent, target, image=picture), ben))
    AccountImage.objects.update(image_hash="0" * 32)
    push = run(approve(propose(agent, target, image=picture), ben))
    assert (push.state, push.problem_code) == (PushState.FAILED, "refused_by_meta")
    release_push(actor=ben, push_id=push.pk)
    assert run(push).state == PushState.DONE


def test_stored_picture_that_was_swapped_is_not_sent(meta, agent, target, ben):
    push = approve(propose(agent, target, image=draw_scene("ridge")), ben)
    with AdImage.objects.get().file.open("wb") as file:
        file.write(draw_scene("lake"))
    push = run(push)
    assert (push.state, push.problem_code) == (PushState.FAILED, "content_differs")
    assert meta.read("writes")["writes"] == []


def test_content_that_is_built_differently_is_not_sent(meta, approved, monkeypatch):
    original = publishing.creative_spec
    monkeypatch.setattr(
        publishing,
        "creative_spec",
        lambda payload, **more: replace(original(payload, **more), headline="Tents from 1.8 kg"),
    )
    push = run(approved)
    assert (push.state, push.problem_code) == (PushState.FAILED, "content_differs")
    assert meta.read("writes")["writes"] == []


@pytest.mark.parametrize(
    "swapped", [{"ad_set_id": AD_SET[:-1] + "2"}, {"ad_account_id": "act_210000000000002"}]
)
def test_ad_that_is_built_for_another_place_is_not_sent(meta, approved, monkeypatch, swapped):
    original = publishing.ad_spec
    monkeypatch.setattr(
        publishing, "ad_spec", lambda payload, **more: {**original(payload, **more), **swapped}
    )
    push = run(approved)
    assert (push.state, push.problem_code) == (PushState.FAILED, "content_differs")
    assert [step.kind for step in push.steps.all()] == ["creative"]


def test_alarm_goes_to_the_admins_once(meta, approved, acme):
    admin = make_member_of(acme, "Ana", Role.ADMIN)
    Push.objects.update(payload={**approved.payload, "headline": "Swapped"})
    push = run(approved)
    notice = Notice.objects.get()
    assert (notice.user_id, notice.tenant) == (admin.user_id, acme)
    assert push.reference in notice.body
