"""The words of the ads page: where an ad is, and each line of its story."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from approvals.explain import WORDS, where_is
from approvals.models import Push
from approvals.states import PushState, StepState, VariantStatus
from approvals.timeline import timeline
from tests.builders import make_decision, make_push, make_revision

PROBLEMS = [
    ("content_differs", "a reviewer"),
    ("approver_left", "a reviewer"),
    ("ad_account_off", "an admin"),
    ("too_many_attempts", "an admin"),
    ("ad_not_found", "a reviewer"),
    ("several_ads", "a reviewer"),
    ("was_not_paused", "a reviewer"),
    ("stored_differently", "a reviewer"),
    ("permission_missing", "an admin"),
    ("refused_by_meta", "a reviewer"),
    ("needs_someone", "a reviewer"),
    ("app_misconfigured", "whoever runs this installation"),
    ("api_version_expired", "whoever runs this installation"),
    ("something_new", "a reviewer"),
]


def story(variant, *pushes: Push):
    return timeline(
        variant, variant.revisions.all(), variant.decisions.select_related("reviewer"), pushes
    )


@pytest.fixture
def push(variant, ben) -> Push:
    return make_push(make_decision(variant, ben))


@pytest.mark.parametrize(("code", "owner"), PROBLEMS)
def test_failed_push_has_one_cause_one_step_one_owner(code, owner):
    push = Push(state=PushState.FAILED, problem_code=code, problem="What happened.")
    where = where_is(VariantStatus.PUSH_FAILED, push)
    assert (where.word, where.tone) == ("Needs someone", "bad")
    assert (where.cause, where.owner) == ("What happened.", owner)
    assert where.next_step


@pytest.mark.parametrize("code", ["needs_reconnect", "not_connected"])
def test_push_that_waits_for_a_reconnect_names_the_admin(code):
    push = Push(state=PushState.WAITING, problem_code=code, problem="Reconnect it.")
    where = where_is(VariantStatus.APPROVED, push)
    assert (where.tone, where.cause, where.owner) == ("warn", "Reconnect it.", "an admin")


def test_push_that_waits_for_meta_needs_nobody():
    push = Push(state=PushState.WAITING, problem_code="meta_throttled", problem="Meta asks to wait")
    where = where_is(VariantStatus.APPROVED, push)
    assert (where.next_step, where.owner) == ("Nothing to do: it goes on by itself.", "")


def test_unanswered_push_needs_nobody_and_says_that_it_is_looked_up():
    where = where_is(VariantStatus.PUSH_UNKNOWN, Push(state=PushState.UNKNOWN))
    assert "looked up before anything is sent again" in where.cause
    assert (where.next_step, where.owner) == ("Nothing to do: it goes on by itself.", "")


@pytest.mark.parametrize("status", VariantStatus.values)
def test_every_status_has_a_word_and_a_cause(status):
    where = where_is(status, None)
    assert where.word == WORDS[VariantStatus(status)][0]
    assert where.cause or status == VariantStatus.PUSH_FAILED


def test_story_of_versions_and_verdicts(variant, ben, rita):
    make_revision(variant, author_label="Rita", author_kind="human", author_id=rita.user_id)
    make_decision(variant, ben, verdict="rejected", comment="Not like this.")
    titles = [(event.title, event.who) for event in story(variant)]
    assert titles == [
        ("Rejected: version 2", "Ben"),
        ("Edited: version 2", "Rita"),
        ("Proposed", "Copy agent"),
    ]
    assert story(variant)[0].detail == "Not our voice · Not like this."


def test_story_tells_when_an_author_approved(variant, ben):
    decision = make_decision(variant, ben, reviewer_was_author=True, comment="Mine.")
    detail = story(variant)[0].detail
    assert detail.startswith("Mine. · Own version: this workspace allows that.")
    assert decision.content_hash[:12] in detail


@pytest.mark.parametrize(
    ("kind", "state", "title"),
    [
        ("image", StepState.DONE, "Image uploaded"),
        ("creative", StepState.DONE, "Ad creative created"),
        ("ad", StepState.DONE, "Ad created, paused"),
        ("pause", StepState.DONE, "Ad ran unasked, paused"),
        ("ad", StepState.SENT, "Ad: sent, no answer yet"),
        ("ad", StepState.UNKNOWN, "Ad: sent, Meta gave no answer"),
        ("ad", StepState.REFUSED, "Ad: refused by Meta"),
        ("ad", StepState.ABSENT, "Ad: sent, proved not to have arrived"),
    ],
)
def test_story_of_an_outward_step(variant, push, kind, state, title):
    push.steps.create(kind=kind, state=state, fence=1, sent_at=timezone.now() + timedelta(1))
    assert story(variant, push)[0].title == title


def test_story_of_a_refusal_says_why_in_words(variant, push):
    push.steps.create(
        kind="ad",
        state=StepState.REFUSED,
        error_code="permission_missing",
        fence=1,
        sent_at=timezone.now() + timedelta(1),
    )
    assert story(variant, push)[0].detail == "The connected person may not do this."


@pytest.mark.parametrize(("times", "words"), [(1, "once"), (2, "2 times")])
def test_story_counts_the_look_ups(variant, push, times, words):
    push.steps.create(
        kind="ad",
        state=StepState.UNKNOWN,
        fence=1,
        sent_at=timezone.now(),
        empty_lookups=times,
        looked_up_at=timezone.now() + timedelta(1),
    )
    assert story(variant, push)[0].title == f"Looked up at Meta {words}: not there"


@pytest.mark.parametrize("is_spelt_alike", [True, False])
def test_story_ends_with_the_proof(variant, push, is_spelt_alike):
    push.state, push.finished_at = PushState.DONE, timezone.now() + timedelta(1)
    found = push.payload_hash if is_spelt_alike else "f" * 64
    push.read_back = {"configured_status": "PAUSED", "content_hash": found}
    last = story(variant, push)[0]
    assert last.title == "Meta reports PAUSED, text equal to what was approved"
    assert last.tone == "good"
    assert push.payload_hash[:12] in last.detail
    assert found[:12] in last.detail
    assert ("white space or emoji" in last.detail) is not is_spelt_alike


def test_story_of_an_approval_that_was_taken_back(variant, push):
    push.state, push.finished_at = PushState.VOIDED, timezone.now() + timedelta(1)
    assert story(variant, push)[0].title == "Approval taken back, nothing was sent"
