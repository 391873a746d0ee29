"""The page that spends money: the right, the password, the text at Meta, budget and schedule."""

from __future__ import annotations

import time

import pytest
from django.test import Client

from approvals.models import Activation, LiveAd
from approvals.states import VariantStatus
from leadmetrics.tenancy.models import User
from tests.approvals.conftest import propose
from tests.approvals.live import approve_and_push, let_activate, point_at
from tests.approvals.pages import ads, told, words

PASSWORD = "a few words work well"


@pytest.fixture
def pushed(stand_in, agent, target, ben):
    point_at(stand_in, target)
    return approve_and_push(propose(agent, target), ben)


@pytest.fixture
def as_rita(rita) -> Client:
    let_activate(rita)
    user = User.objects.get(pk=rita.user_id)
    user.set_password(PASSWORD)
    user.save()
    client = Client()
    client.force_login(user)
    return client


@pytest.fixture
def as_ben(ben) -> Client:
    client = Client()
    client.force_login(User.objects.get(pk=ben.user_id))
    return client


def shown_on(response) -> str:
    return response.context["form"].initial["shown"]


def status_of(pushed) -> str:
    pushed.variant.refresh_from_db()
    return pushed.variant.status


def test_budget_schedule_and_the_equal_text_are_in_view(pushed, as_rita):
    said = words(as_rita.get(ads("activate", pushed.variant)))
    assert "€84.00 a day" in said
    assert "of the campaign" in said
    assert "When somebody pauses it" in said
    assert "are what was approved" in said
    assert "Your password" in said


def test_the_password_is_asked_once_more_and_then_it_is_switched_on(pushed, as_rita):
    page = as_rita.get(ads("activate", pushed.variant))
    typed = {"shown": shown_on(page), "password": PASSWORD}
    answer = as_rita.post(ads("activate", pushed.variant), typed)
    assert answer.status_code == 302
    assert "It is being switched on" in told(answer)[0]
    assert Activation.objects.get().person.name == "Rita"
    assert status_of(pushed) == VariantStatus.ACTIVATING


@pytest.mark.parametrize("password", ["", "not mine"])
def test_without_the_password_nothing_happens(pushed, as_rita, password):
    page = as_rita.get(ads("activate", pushed.variant))
    typed = {"shown": shown_on(page), "password": password}
    answer = as_rita.post(ads("activate", pushed.variant), typed)
    assert answer.status_code == 422
    assert "This is not your password" in words(answer)
    assert status_of(pushed) == VariantStatus.PAUSED


def test_guessing_the_password_is_slowed_down(pushed, as_rita):
    page = as_rita.get(ads("activate", pushed.variant))
    typed = {"shown": shown_on(page), "password": "guess"}
    for _ in range(5):
        as_rita.post(ads("activate", pushed.variant), typed)
    answer = as_rita.post(ads("activate", pushed.variant), {**typed, "password": PASSWORD})
    assert "Too many tries" in words(answer)
    assert status_of(pushed) == VariantStatus.PAUSED


@pytest.mark.parametrize(("age", "is_asked"), [(14 * 60, False), (16 * 60, True)])
def test_a_confirmed_password_counts_for_15_minutes(pushed, as_rita, age, is_asked):
    session = as_rita.session
    session["password_confirmed_at"] = time.time() - age
    session.save()
    page = as_rita.get(ads("activate", pushed.variant))
    assert ("password" in page.context["form"].fields) is is_asked
    answer = as_rita.post(ads("activate", pushed.variant), {"shown": shown_on(page)})
    assert (answer.status_code == 422) is is_asked


def test_an_edited_text_is_shown_beside_the_approved_one_without_a_button(
    pushed, as_rita, stand_in
):
    stand_in.control(edit_live={"ad_id": pushed.ad_id, "message": "Pack light. Win a tent!"})
    page = as_rita.get(ads("activate", pushed.variant))
    said = words(page)
    assert "Pack light. Win a tent!" in said
    assert "It cannot be switched on" in said
    assert 'id="activate"' not in page.content.decode()


def test_a_page_made_for_another_ad_or_by_somebody_else_counts_for_nothing(
    pushed, as_rita, agent, target, ben
):
    other = approve_and_push(propose(agent, target), ben)
    shown = shown_on(as_rita.get(ads("activate", other.variant)))
    typed = {"password": PASSWORD}
    assert (
        as_rita.post(ads("activate", pushed.variant), {**typed, "shown": shown}).status_code == 404
    )
    forged = as_rita.post(ads("activate", pushed.variant), {**typed, "shown": f"{shown}x"})
    assert "This page was old" in words(forged)
    assert not Activation.objects.exists()


def test_when_meta_cannot_be_read_there_is_no_button(pushed, as_rita, stand_in):
    stand_in.control(throttle={"code": 80004, "minutes": 4})
    page = as_rita.get(ads("activate", pushed.variant))
    assert page.status_code == 422
    assert "Meta asks us to wait" in words(page)
    assert 'id="activate"' not in page.content.decode()


def test_a_reviewer_without_the_right_gets_no_page_and_no_link(pushed, as_ben):
    answer = as_ben.get(ads("activate", pushed.variant))
    assert answer.status_code == 302
    assert "needs a right of its own" in told(answer)[0]
    assert as_ben.post(ads("activate", pushed.variant), {"shown": "x"}).status_code in (403, 422)
    assert "ad-activate" not in as_ben.get(ads("detail", pushed.variant)).content.decode()


def test_the_ad_page_leads_there_for_people_with_the_right(pushed, as_rita):
    assert (
        ads("activate", pushed.variant)
        in as_rita.get(ads("detail", pushed.variant)).content.decode()
    )


def test_any_reviewer_pauses_with_one_click(pushed, as_ben):
    LiveAd.objects.create(push=pushed, configured_status="ACTIVE")
    assert "ad-pause" in as_ben.get(ads("detail", pushed.variant)).content.decode()
    assert "being paused" in told(as_ben.post(ads("pause", pushed.variant)))[0]
    assert status_of(pushed) == VariantStatus.PAUSING
    assert "paused already" in told(as_ben.post(ads("pause", pushed.variant)))[-1]
