"""Switching on is a person's second act, on the text that Meta holds; pausing always wins."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from itertools import pairwise
from uuid import uuid4

import pytest
from django.utils import timezone

from approvals.explain import where_of
from approvals.models import (
    Activation,
    ActivationResult,
    AdVariant,
    LiveAd,
    Push,
    WriteStop,
)
from approvals.services import activate as service
from approvals.services.activate import (
    activate_ad,
    look_before_activation,
    request_activation,
)
from approvals.services.pausing import pause_ad, request_pause, wake_acts
from approvals.services.stops import WritesStopped
from approvals.states import VariantStatus
from integrations.services import activating
from leadmetrics.audit.models import AuditEntry
from leadmetrics.errors import NotAllowed, StateConflict
from leadmetrics.tenancy.models import Membership, Role
from tests.approvals.conftest import propose
from tests.approvals.live import (
    approve_and_push,
    in_seconds,
    let_activate,
    point_at,
    status_at_meta,
)

pytestmark = pytest.mark.activates


@pytest.fixture
def pushed(stand_in, agent, target, ben):
    point_at(stand_in, target)
    return approve_and_push(propose(agent, target), ben)


@pytest.fixture
def rita(rita):
    return let_activate(rita)


def ask(push, actor) -> Activation:
    variant, live = look_before_activation(actor=actor, variant_id=push.variant_id)
    return request_activation(
        actor=actor,
        variant_id=variant.pk,
        shown_hash=push.payload_hash,
        shown_plan=live.plan,
    )


def status_of(push) -> str:
    push.variant.refresh_from_db()
    return push.variant.status


def result_of(activation) -> ActivationResult:
    return ActivationResult.objects.get(activation=activation)


def test_the_ad_runs_with_the_approved_text_and_both_acts_are_on_record(pushed, rita):
    activation = ask(pushed, rita)
    assert status_of(pushed) == VariantStatus.ACTIVATING
    assert status_at_meta(pushed) == "PAUSED"
    activate_ad(activation_id=activation.pk)
    assert status_of(pushed) == VariantStatus.ACTIVE
    assert status_at_meta(pushed) == "ACTIVE"
    result = result_of(activation)
    assert result.result == "active"
    assert result.live_hash == activation.content_hash == pushed.payload_hash
    assert activation.plan["budget"] == "€84.00 a day"
    assert list(
        AuditEntry.objects.filter(action__startswith="ad.").values_list("action", flat=True)
    ) == ["ad.activation_asked", "ad.activated"]


def test_it_is_looked_at_again_after_one_hour_and_after_a_day(pushed, rita):
    activate_ad(activation_id=ask(pushed, rita).pk)
    live = LiveAd.objects.select_related("push").get(push=pushed)
    looks = []
    now = live.activated_at
    for _ in range(8):
        now = service.next_look(live, now)
        looks.append(round((now - live.activated_at).total_seconds() / 60))
    assert 60 in looks
    assert 24 * 60 in looks
    assert max(b - a for a, b in pairwise(looks)) <= 24 * 60


def test_a_job_without_an_act_of_a_person_asks_nothing_of_meta(pushed, stand_in):
    activate_ad(activation_id=uuid4())
    wake_acts()
    assert stand_in.ads_asked_to_run() == []


def test_running_the_job_again_asks_nothing_more(pushed, rita, stand_in):
    activation = ask(pushed, rita)
    activate_ad(activation_id=activation.pk)
    activate_ad(activation_id=activation.pk)
    assert len(stand_in.ads_asked_to_run()) == 1


def test_a_reviewer_without_the_right_may_not(pushed, ben, vera, agent):
    for actor in (ben, vera):
        with pytest.raises(NotAllowed):
            look_before_activation(actor=actor, variant_id=pushed.variant_id)
    assert not Activation.objects.exists()


def test_the_right_alone_without_the_role_is_not_enough(pushed, vera):
    let_activate(vera)
    with pytest.raises(NotAllowed):
        look_before_activation(actor=vera, variant_id=pushed.variant_id)


def test_text_edited_at_meta_in_between_is_not_switched_on(pushed, rita, stand_in):
    activation = ask(pushed, rita)
    stand_in.control(edit_live={"ad_id": pushed.ad_id, "message": "Pack light. Win a tent!"})
    activate_ad(activation_id=activation.pk)
    assert status_of(pushed) == VariantStatus.PAUSED
    assert result_of(activation).code == "differs"
    assert "primary text" in result_of(activation).words
    assert stand_in.ads_asked_to_run() == []


def test_a_budget_changed_after_the_page_was_shown_stops_it(pushed, rita, stand_in):
    variant, live = look_before_activation(actor=rita, variant_id=pushed.variant_id)
    activation = request_activation(
        actor=rita,
        variant_id=variant.pk,
        shown_hash=pushed.payload_hash,
        shown_plan=replace(live.plan, budget="€3.20 a day"),
    )
    activate_ad(activation_id=activation.pk)
    assert result_of(activation).code == "plan_changed"
    assert stand_in.ads_asked_to_run() == []


@pytest.mark.parametrize("loses", ["the right", "the role", "the membership"])
def test_who_lost_the_right_in_between_switches_nothing_on(pushed, rita, stand_in, loses):
    activation = ask(pushed, rita)
    member = Membership.objects.filter(user_id=rita.user_id)
    if loses == "the right":
        member.update(can_activate=False)
    elif loses == "the role":
        member.update(role=Role.VIEWER)
    else:
        member.delete()
    activate_ad(activation_id=activation.pk)
    assert result_of(activation).code == "activator_left"
    assert stand_in.ads_asked_to_run() == []


def test_another_content_than_the_approved_one_cannot_be_asked_for(pushed, rita):
    variant, live = look_before_activation(actor=rita, variant_id=pushed.variant_id)
    with pytest.raises(StateConflict):
        request_activation(
            actor=rita, variant_id=variant.pk, shown_hash="0" * 64, shown_plan=live.plan
        )
    assert status_of(pushed) == VariantStatus.PAUSED


def test_an_ad_that_meta_refused_is_not_switched_on(pushed, rita, stand_in):
    activation = ask(pushed, rita)
    stand_in.control(disapprove={"ad_id": pushed.ad_id})
    activate_ad(activation_id=activation.pk)
    assert result_of(activation).code == "refused_in_review"
    assert stand_in.ads_asked_to_run() == []


def test_a_lost_answer_is_read_before_anything_is_repeated(pushed, rita, stand_in):
    activation = ask(pushed, rita)
    stand_in.control(lose_reply={"path": pushed.ad_id, "times": 1})
    activate_ad(activation_id=activation.pk)
    assert status_of(pushed) == VariantStatus.ACTIVATING
    with in_seconds(60):
        assert wake_acts() == 1
        activate_ad(activation_id=activation.pk)
    assert status_of(pushed) == VariantStatus.ACTIVE
    assert len(stand_in.ads_asked_to_run()) == 1


def test_a_throttled_activation_waits_as_long_as_meta_asks(pushed, rita, stand_in):
    activation = ask(pushed, rita)
    stand_in.control(throttle={"code": 80004, "minutes": 4, "times": 9})
    activate_ad(activation_id=activation.pk)
    live = LiveAd.objects.get(push=pushed)
    assert live.act_problem_code == "meta_throttled"
    assert (live.act_due_at - timezone.now()).total_seconds() > 60
    assert status_of(pushed) == VariantStatus.ACTIVATING


def test_pausing_stops_an_activation_that_has_not_begun(pushed, rita, ben, stand_in):
    activation = ask(pushed, rita)
    request_pause(actor=ben, variant_id=pushed.variant_id)
    activate_ad(activation_id=activation.pk)
    pause_ad(push_id=pushed.pk)
    assert stand_in.ads_asked_to_run() == []
    assert result_of(activation).result == "stopped"
    assert status_of(pushed) == VariantStatus.PAUSED


@pytest.mark.parametrize("clock_ahead", [timedelta(0), timedelta(days=30)])
def test_pausing_wins_over_an_activation_whose_call_is_under_way(
    pushed, rita, ben, stand_in, monkeypatch, clock_ahead
):
    activation = ask(pushed, rita)
    send = activating.activate_ad

    def send_slowly(**kwargs):
        """The pause is asked for and carried out while the call for ACTIVE is on the wire."""
        request_pause(actor=ben, variant_id=pushed.variant_id)
        pause_ad(push_id=pushed.pk)
        send(**kwargs)

    monkeypatch.setattr(activating, "activate_ad", send_slowly)
    with in_seconds(clock_ahead.total_seconds()):
        activate_ad(activation_id=activation.pk)
    assert status_at_meta(pushed) == "ACTIVE"
    assert status_of(pushed) == VariantStatus.PAUSING
    for seconds in (300, 600):
        with in_seconds(seconds):
            wake_acts()
            pause_ad(push_id=pushed.pk)
    assert status_at_meta(pushed) == "PAUSED"
    assert status_of(pushed) == VariantStatus.PAUSED
    assert result_of(activation).result == "stopped"


def test_a_worker_that_was_stopped_before_the_call_does_not_send_any_more(
    pushed, rita, stand_in, monkeypatch
):
    activation = ask(pushed, rita)
    moments = iter([0, 60])
    real = timezone.now

    class Clock:
        @staticmethod
        def now():
            return real() + timedelta(seconds=next(moments))

    act = service._begin(activation.pk)[1]
    monkeypatch.setattr(service, "timezone", Clock)
    assert service._send(act) is False
    assert stand_in.ads_asked_to_run() == []


def test_one_click_pauses_a_running_ad(pushed, rita, ben):
    activate_ad(activation_id=ask(pushed, rita).pk)
    request_pause(actor=ben, variant_id=pushed.variant_id)
    assert status_of(pushed) == VariantStatus.PAUSING
    pause_ad(push_id=pushed.pk)
    assert status_at_meta(pushed) == "PAUSED"
    with in_seconds(300):
        pause_ad(push_id=pushed.pk)
    assert status_of(pushed) == VariantStatus.PAUSED


def test_an_unanswered_activation_that_is_given_up_ends_in_a_pause(pushed, rita, stand_in):
    activation = ask(pushed, rita)
    stand_in.control(lose_reply={"path": pushed.ad_id, "times": 1})
    activate_ad(activation_id=activation.pk)
    stand_in.control(edit_live={"ad_id": pushed.ad_id, "message": "Something else"})
    with in_seconds(60):
        activate_ad(activation_id=activation.pk)
    assert result_of(activation).code == "differs"
    assert status_of(pushed) == VariantStatus.PAUSING
    with in_seconds(300):
        pause_ad(push_id=pushed.pk)
    assert status_at_meta(pushed) == "PAUSED"


def test_pausing_an_ad_that_stands_still_does_nothing(pushed, ben, vera):
    with pytest.raises(StateConflict):
        request_pause(actor=ben, variant_id=pushed.variant_id)
    with pytest.raises(NotAllowed):
        request_pause(actor=vera, variant_id=pushed.variant_id)


def test_a_person_who_lost_the_right_cannot_ask(pushed, rita):
    Membership.objects.filter(user_id=rita.user_id).update(can_activate=False)
    with pytest.raises(NotAllowed):
        ask(pushed, rita)


def test_the_stop_switch_holds_an_activation_but_never_a_pause(pushed, rita, ben, stand_in, acme):
    activation = ask(pushed, rita)
    WriteStop.objects.create(tenant=acme, reason="Look first.", stopped_by="Ana")
    activate_ad(activation_id=activation.pk)
    assert stand_in.ads_asked_to_run() == []
    assert LiveAd.objects.get(push=pushed).act_problem_code == "writes_stopped"
    request_pause(actor=ben, variant_id=pushed.variant_id)
    pause_ad(push_id=pushed.pk)
    assert status_of(pushed) == VariantStatus.PAUSED
    with pytest.raises(WritesStopped):
        ask(pushed, rita)


def test_an_ad_that_meta_still_reviews_is_not_called_live(pushed, rita):
    activate_ad(activation_id=ask(pushed, rita).pk)
    variant = AdVariant.objects.select_related("tenant", "target__ad_account").get(
        pk=pushed.variant_id
    )
    assert where_of(variant, Push.objects.select_related("live").get()).code == "meta_reviews"
