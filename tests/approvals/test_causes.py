"""Every cause for an ad that is not live, each reached from stored rows alone.

The names below are the list: a cause without a line here, or a line without a cause, fails.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.utils import timezone

from approvals.causes import CAUSES, OF_PROBLEM
from approvals.explain import STALE, where_of
from approvals.models import AdVariant, LiveAd, Push, WriteMark
from approvals.services.marks import why_not_to_write
from approvals.services.stops import stop_all_writes, stop_writes, tell_pages
from approvals.states import PushState, VariantStatus
from integrations.models import AdAccount
from leadmetrics.tenancy.models import Role
from tests.approvals.conftest import make_member_of
from tests.approvals.pages import ads, words
from tests.builders import client_for, make_decision, make_push, make_variant

V = VariantStatus
NOW = timezone.now
DIFFERENCE = [{"field": "headline", "label": "headline", "approved": "a", "live": "b"}]
JO = [{"event": "update_ad_creative", "who": "Jo Brandt", "at": "2026-11-24T10:00:00+00:00"}]


def hours(number: float) -> Any:
    return timezone.now() - timedelta(hours=number)


def proposed(**_: Any) -> dict[str, Any]:
    return {"status": V.PROPOSED}


def approved(**push: Any) -> dict[str, Any]:
    return {"status": V.APPROVED, "push": {"state": PushState.WAITING, **push}}


def failed(code: str) -> dict[str, Any]:
    push = {"state": PushState.FAILED, "problem_code": code, "problem": "What happened."}
    return {"status": V.PUSH_FAILED, "push": push}


def at_meta(status: str, **live: Any) -> dict[str, Any]:
    seen = {
        "configured_status": "ACTIVE" if status == V.ACTIVE else "PAUSED",
        "effective_status": "ACTIVE" if status == V.ACTIVE else "PAUSED",
        "checked_at": hours(1),
    }
    return {"status": status, "push": {"state": PushState.DONE}, "live": {**seen, **live}}


REACHED: dict[str, Callable[[], dict[str, Any]]] = {
    "in_review": proposed,
    "rejected": lambda: {"status": V.REJECTED},
    "changes_asked_for": lambda: {"status": V.CHANGES_REQUESTED},
    "expired": lambda: {"status": V.EXPIRED},
    "can_be_undone": lambda: approved(not_before=NOW() + timedelta(minutes=9)),
    "withdrawn": lambda: {"status": V.WITHDRAWN},
    "waiting_for_worker": approved,
    "not_due_yet": lambda: approved(next_attempt_at=NOW() + timedelta(minutes=9)),
    "worker_silent": lambda: approved(next_attempt_at=hours(1)),
    "being_sent": lambda: {"status": V.PUSHING, "push": {"state": PushState.RUNNING}},
    "meta_asks_to_wait": lambda: approved(problem_code="meta_throttled", problem="Wait."),
    "meta_away": lambda: approved(problem_code="meta_unavailable", problem="Away."),
    "writes_stopped": lambda: approved(problem_code="writes_stopped", problem="Stopped."),
    "writes_stopped_everywhere": lambda: {**approved(), "stopped": True},
    "restored": lambda: {**approved(), "restored": True},
    "held": lambda: approved(problem_code="something_new", problem="It waits."),
    "being_looked_up": lambda: {"status": V.PUSH_UNKNOWN, "push": {"state": PushState.UNKNOWN}},
    "no_connection": lambda: approved(problem_code="needs_reconnect", problem="Reconnect."),
    "installation": lambda: failed("cannot_decrypt"),
    "account_switched_off": lambda: failed("ad_account_off"),
    "content_differs": lambda: failed("content_differs"),
    "approver_left": lambda: failed("approver_left"),
    "refused_at_creation": lambda: failed("refused_by_meta"),
    "no_permission": lambda: failed("permission_missing"),
    "ad_not_found": lambda: failed("ad_not_found"),
    "several_ads": lambda: failed("several_ads"),
    "was_not_paused": lambda: failed("was_not_paused"),
    "stored_differently": lambda: failed("stored_differently"),
    "gave_up": lambda: failed("too_many_attempts"),
    "place_does_not_fit": lambda: failed("ad_set_full"),
    "needs_a_look": lambda: failed("something_new"),
    "meta_reviews": lambda: at_meta(V.PAUSED, effective_status="PENDING_REVIEW"),
    "refused_in_review": lambda: at_meta(V.META_REFUSED, effective_status="DISAPPROVED"),
    "not_switched_on": lambda: at_meta(V.PAUSED),
    "switching_on": lambda: at_meta(V.ACTIVATING),
    "switching_on_waits": lambda: at_meta(
        V.ACTIVATING, act_problem_code="meta_throttled", act_problem="Wait."
    ),
    "switching_on_refused": lambda: at_meta(
        V.PAUSED, act_problem_code="plan_changed", act_problem="The budget changed."
    ),
    "being_paused": lambda: at_meta(V.PAUSING),
    "paused_outside": lambda: at_meta(V.PAUSED, act_problem_code="paused_outside", changes=JO),
    "gone_at_meta": lambda: at_meta(V.PAUSED, configured_status="DELETED"),
    "changed_at_meta": lambda: at_meta(V.ACTIVE, differences=DIFFERENCE, changes=JO),
    "account_stopped": lambda: {**at_meta(V.ACTIVE), "account_status": 3},
    "unpaid": lambda: at_meta(V.ACTIVE, effective_status="PENDING_BILLING_INFO"),
    "issues": lambda: at_meta(
        V.ACTIVE, effective_status="WITH_ISSUES", issues=[{"summary": "No payer", "message": ""}]
    ),
    "campaign_off": lambda: at_meta(V.ACTIVE, effective_status="CAMPAIGN_PAUSED"),
    "ad_set_off": lambda: at_meta(V.ACTIVE, effective_status="ADSET_PAUSED"),
    "not_started": lambda: at_meta(
        V.ACTIVE, plan={"starts_at": (NOW() + timedelta(days=2)).isoformat(), "ends_at": ""}
    ),
    "over": lambda: at_meta(V.ACTIVE, plan={"starts_at": "", "ends_at": hours(30).isoformat()}),
    "unknown": lambda: at_meta(V.ACTIVE, checked_at=NOW() - STALE - timedelta(minutes=1)),
    "on_outside": lambda: at_meta(V.PAUSED, configured_status="ACTIVE", changes=JO),
    "live": lambda: at_meta(V.ACTIVE),
}


@pytest.fixture
def make(target, ben) -> Callable[[dict[str, Any]], AdVariant]:
    """A variant with the rows that a cause needs."""

    def build(rows: dict[str, Any]) -> AdVariant:
        variant = make_variant(target, status=rows["status"])
        if "push" in rows:
            push = make_push(make_decision(variant, ben), **rows["push"])
            if "live" in rows:
                LiveAd.objects.create(push=push, **rows["live"])
        if "stopped" in rows:
            stop_all_writes(person="Sam", reason="Meta has an incident")
        if "restored" in rows:
            assert why_not_to_write() == ""
            WriteMark.objects.update(environment=uuid4())
        tell_pages()
        if "account_status" in rows:
            AdAccount.objects.update(account_status=rows["account_status"])
        return AdVariant.objects.select_related("target__ad_account", "tenant").get(pk=variant.pk)

    return build


def where(variant: AdVariant):
    push = Push.objects.select_related("live").filter(variant=variant).first()
    return where_of(variant, push)


def test_every_cause_is_listed_here_and_there_are_at_least_25():
    assert set(REACHED) == set(CAUSES)
    assert len(CAUSES) >= 25
    assert set(OF_PROBLEM.values()) <= set(CAUSES)


@pytest.mark.parametrize("code", REACHED)
def test_the_cause_is_reached_from_rows(make, code):
    found = where(make(REACHED[code]()))
    assert found.code == code
    assert found.word
    assert found.cause
    assert "{" not in found.cause
    assert bool(found.next_step) is (code not in ("withdrawn", "live"))


@pytest.mark.parametrize("code", REACHED)
def test_the_page_of_the_ad_ends_in_the_cause_the_next_step_and_the_owner(make, ben, code):
    variant = make(REACHED[code]())
    said = words(client_for(ben).get(ads("detail", variant)))
    found = where(variant)
    owner = found.owner or ("nobody" if found.next_step else "")
    for part in (found.word, found.cause, found.next_step, owner[1:]):
        assert part.replace("'", "&#x27;") in said


def test_not_knowing_names_the_time_of_the_last_look_in_the_workspaces_own_time(make):
    variant = make(at_meta(V.ACTIVE, checked_at=NOW() - timedelta(days=3)))
    variant.tenant.timezone = "Asia/Tokyo"
    seen = timezone.localtime(LiveAd.objects.get().checked_at, timezone.get_fixed_timezone(540))
    assert where(variant).cause.endswith(f"last checked {seen.day} {seen:%b, %H:%M}.")


def test_an_unheard_of_status_is_not_taken_for_live(make):
    assert where(make(at_meta(V.ACTIVE, effective_status="SOMETHING_NEW"))).code == "unknown"


def test_failing_looks_end_in_not_knowing_and_a_lost_grant_says_so(make):
    rows = at_meta(V.ACTIVE, checked_at=hours(40), failed_checks=3, failed_code="meta_unavailable")
    assert where(make(rows)).code == "unknown"
    rows["live"]["failed_code"] = "needs_reconnect"
    assert where(make(rows)).owner == "an admin"


def test_a_dead_worker_in_the_middle_of_a_push_is_seen(make):
    push = {"state": PushState.RUNNING, "lease_until": hours(1)}
    assert where(make({"status": V.PUSHING, "push": push})).code == "worker_silent"


def test_who_stopped_sending_is_the_cause_although_no_worker_came_for_long(make, ben, acme):
    variant = make(approved(next_attempt_at=hours(1)))
    stop_writes(actor=make_member_of(acme, "Ana", Role.ADMIN), reason="Wrong price on the site")
    tell_pages()
    assert where(variant).code == "writes_stopped"
    assert where(variant).cause == "Ana stopped sending: “Wrong price on the site”"
