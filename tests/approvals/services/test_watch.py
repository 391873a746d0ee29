"""Looking again: Meta's review, the live text against the approved one, and who changed it."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from itertools import pairwise

import pytest
from django.utils import timezone

from approvals.content import content_hash
from approvals.models import AdVariant, LiveAd, Push
from approvals.services.pausing import pause_ad
from approvals.services.review import edit_variant
from approvals.services.watch import due_looks, look_at_ad, sweep_looks
from approvals.states import PushState, VariantStatus
from leadmetrics.audit.models import AuditEntry
from leadmetrics.notices.models import Notice
from tests.approvals.conftest import COPY, propose
from tests.approvals.live import (
    approve_and_push,
    in_seconds,
    look,
    point_at,
    status_at_meta,
)


@pytest.fixture
def pushed(stand_in, agent, target, ben):
    point_at(stand_in, target)
    return approve_and_push(propose(agent, target), ben)


def status_of(push) -> str:
    push.variant.refresh_from_db()
    return push.variant.status


def audit(action: str) -> list[AuditEntry]:
    return list(AuditEntry.objects.filter(action=action))


def test_looks_come_after_5_minutes_an_hour_a_day_and_then_daily(pushed):
    sweep_looks()
    begun = pushed.finished_at
    seen = []
    for _ in range(6):
        live = LiveAd.objects.get(push=pushed)
        seen.append(round((live.next_check_at - begun) / timedelta(minutes=1)))
        with in_seconds((live.next_check_at - timezone.now()).total_seconds() + 1):
            assert due_looks().count() == 1
            look_at_ad(push_id=pushed.pk)
    assert seen[:3] == [5, 60, 1440]
    assert [b - a for a, b in pairwise(seen[2:])] == [1440] * 3


@pytest.mark.parametrize("ahead", [timedelta(hours=1), timedelta(days=30)])
def test_clock_that_was_ahead_puts_no_look_off_for_longer_than_two_days(pushed, stand_in, ahead):
    with in_seconds(ahead.total_seconds()):
        look(pushed)
    stand_in.control(edit_live={"ad_id": pushed.ad_id, "message": "Other words"})
    with in_seconds(86400 if ahead > timedelta(days=2) else 2 * 86400):
        assert due_looks().count() == 1
        look_at_ad(push_id=pushed.pk)
        live = LiveAd.objects.get(push=pushed)
        assert live.checked_at <= timezone.now()
        assert live.next_check_at <= timezone.now() + timedelta(days=1)
    assert live.differences
    assert live.changes


def test_a_look_that_is_not_due_reads_nothing(pushed):
    sweep_looks()
    look_at_ad(push_id=pushed.pk)
    assert LiveAd.objects.get(push=pushed).checked_at is None


def test_an_equal_ad_raises_nothing(pushed):
    live = look(pushed)
    assert (live.differences, live.configured_status) == ([], "PAUSED")
    assert live.live_hash == pushed.payload_hash
    assert not Notice.objects.exists()


@pytest.mark.parametrize(
    "message",
    [
        "Pack light.\u00a0Walk far.",
        "Pack light.  Walk far. ",
        "Pack light.\r\nWalk far.",
        "Pack light.\u200b Walk far.",
    ],
)
def test_white_space_written_another_way_is_no_change(pushed, stand_in, message):
    stand_in.control(edit_live={"ad_id": pushed.ad_id, "message": message})
    assert look(pushed).differences == []
    assert not Notice.objects.exists()


def test_emoji_written_another_way_are_no_change(stand_in, agent, target, ben):
    point_at(stand_in, target)
    copy = replace(COPY, primary_text="Pack light \u2764 Café far.")
    pushed = approve_and_push(propose(agent, target, copy), ben)
    stand_in.control(
        edit_live={"ad_id": pushed.ad_id, "message": "Pack light \u2764\ufe0f Cafe\u0301 far."}
    )
    assert look(pushed).differences == []


def test_a_changed_word_raises_one_alert_with_both_texts_and_who_did_it(pushed, stand_in):
    stand_in.control(edit_live={"ad_id": pushed.ad_id, "message": "Pack light. Walk farther."})
    live = look(pushed)
    assert [part["field"] for part in live.differences] == ["primary_text"]
    notice = Notice.objects.get(user__name="Ben")
    assert "Pack light. Walk far.\n" in notice.body
    assert "Pack light. Walk farther." in notice.body
    assert "Jo Brandt (agency)" in notice.body
    look(pushed)
    assert Notice.objects.filter(user__name="Ben").count() == 1
    assert [entry.data["differences"] for entry in audit("ad.differs")] == ["the primary text"]


def test_a_change_that_is_taken_back_is_noted(pushed, stand_in):
    stand_in.control(edit_live={"ad_id": pushed.ad_id, "message": "Something else"})
    look(pushed)
    stand_in.control(edit_live={"ad_id": pushed.ad_id, "message": COPY.primary_text})
    assert look(pushed).differences == []
    assert len(audit("ad.equal_again")) == 1


def test_an_enhancement_switched_on_at_meta_is_a_difference(pushed, stand_in):
    stand_in.control(edit_live={"ad_id": pushed.ad_id, "opt_in": "text_optimizations"})
    (part,) = look(pushed).differences
    assert part["field"] == "enhancements"
    assert part["live"] == "text_optimizations"


def test_a_refusal_in_metas_review_goes_back_to_the_reviewer(pushed, stand_in, ben):
    stand_in.control(
        disapprove={"ad_id": pushed.ad_id, "policy": "Personal attributes", "text": "You know it."}
    )
    live = look(pushed)
    assert status_of(pushed) == VariantStatus.META_REFUSED
    assert live.feedback == [{"policy": "Personal attributes", "text": "You know it."}]
    notice = Notice.objects.get(user__name="Ben")
    assert "reader as a person" in notice.body
    assert "You know it." in notice.body

    fresh = AdVariant.objects.get(pk=pushed.variant_id)
    edit_variant(
        actor=ben,
        variant_id=fresh.pk,
        shown_hash=content_hash(fresh.head, fresh.target),
        copy=replace(COPY, primary_text="Tents for long walks."),
    )
    assert status_of(pushed) == VariantStatus.PROPOSED
    pushed.refresh_from_db()
    assert pushed.state == PushState.REPLACED


def test_the_new_version_of_a_refused_ad_becomes_an_ad_of_its_own(pushed, stand_in, ben, rita):
    stand_in.control(disapprove={"ad_id": pushed.ad_id})
    look(pushed)
    fresh = AdVariant.objects.get(pk=pushed.variant_id)
    edit_variant(
        actor=ben,
        variant_id=fresh.pk,
        shown_hash=content_hash(fresh.head, fresh.target),
        copy=replace(COPY, primary_text="Tents for long walks."),
    )
    second = approve_and_push(fresh, rita)
    assert second.ad_id not in (None, pushed.ad_id)
    assert Push.objects.filter(variant=fresh).count() == 2
    LiveAd.objects.filter(push=pushed).update(next_check_at=timezone.now())
    look_at_ad(push_id=pushed.pk)
    assert LiveAd.objects.get(push=pushed).next_check_at is None


def test_a_refusal_that_meta_lifts_leaves_the_ad_paused(pushed, stand_in):
    stand_in.control(disapprove={"ad_id": pushed.ad_id})
    look(pushed)
    stand_in.control(approve={"ad_id": pushed.ad_id})
    look(pushed)
    assert status_of(pushed) == VariantStatus.PAUSED
    assert len(audit("ad.refusal_lifted")) == 1


def test_a_running_ad_that_meta_refuses_is_paused_too(pushed, stand_in):
    stand_in.control(set_ad_status={"ad_id": pushed.ad_id, "status": "ACTIVE"})
    stand_in.control(disapprove={"ad_id": pushed.ad_id})
    look(pushed)
    assert status_of(pushed) == VariantStatus.META_REFUSED
    pause_ad(push_id=pushed.pk)
    assert status_at_meta(pushed) == "PAUSED"
    assert status_of(pushed) == VariantStatus.META_REFUSED


def test_an_ad_switched_on_in_ads_manager_is_told_once(pushed, stand_in):
    stand_in.control(set_ad_status={"ad_id": pushed.ad_id, "status": "ACTIVE"})
    look(pushed)
    look(pushed)
    assert "Jo Brandt (agency) switched this ad on" in Notice.objects.get(user__name="Ben").body
    assert len(audit("ad.on_outside")) == 1
    assert status_of(pushed) == VariantStatus.PAUSED


def test_an_ad_of_ours_paused_in_ads_manager_is_told_and_stands_paused(pushed):
    AdVariant.objects.filter(pk=pushed.variant_id).update(status=VariantStatus.ACTIVE)
    live = look(pushed)
    assert status_of(pushed) == VariantStatus.PAUSED
    assert live.act_problem_code == "paused_outside"
    assert len(audit("ad.paused_outside")) == 1


def test_what_an_act_overtook_decides_nothing(pushed):
    """A look that began while an act was under way may have read the state before it."""
    look(pushed)
    AdVariant.objects.filter(pk=pushed.variant_id).update(status=VariantStatus.ACTIVE)
    LiveAd.objects.filter(push=pushed).update(act_due_at=timezone.now())
    live = look(pushed)
    assert status_of(pushed) == VariantStatus.ACTIVE
    assert live.next_check_at < timezone.now() + timedelta(minutes=2)


def test_a_text_that_changed_while_an_act_was_under_way_is_told_by_the_next_look(pushed, stand_in):
    look(pushed)
    stand_in.control(edit_live={"ad_id": pushed.ad_id, "message": "Somebody's own words"})
    LiveAd.objects.filter(push=pushed).update(act_due_at=timezone.now())
    look(pushed)
    assert audit("ad.differs") == []
    LiveAd.objects.filter(push=pushed).update(act_due_at=None)
    look(pushed)
    assert len(audit("ad.differs")) == 1
    look(pushed)
    assert len(audit("ad.differs")) == 1


def test_a_button_that_leads_elsewhere_is_a_difference(pushed, stand_in):
    elsewhere = "https://elsewhere.example/"
    stand_in.control(edit_live={"ad_id": pushed.ad_id, "button_link": elsewhere})
    (part,) = look(pushed).differences
    assert part["field"] == "link"
    assert part["live"] == f"{part['approved']} (button: {elsewhere})"


def test_switches_that_are_gone_leave_the_text_to_meta(pushed, stand_in):
    stand_in.control(edit_live={"ad_id": pushed.ad_id, "no_switches": True})
    (part,) = look(pushed).differences
    assert (part["field"], part["live"]) == ("enhancements", "what Meta does by default")


def test_a_look_that_fails_is_tried_again_ever_more_slowly(pushed, stand_in):
    stand_in.control(throttle={"code": 80004, "minutes": 60})
    waits = []
    for _ in range(3):
        live = look(pushed)
        waits.append(round((live.next_check_at - timezone.now()) / timedelta(minutes=1)))
    assert waits == [5, 10, 20]
    assert (live.failed_checks, live.failed_code) == (3, "meta_throttled")
    assert live.checked_at is None
