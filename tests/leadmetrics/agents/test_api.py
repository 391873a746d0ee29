"""The JSON API: what agents may do, per-item answers, and what they may not."""

from __future__ import annotations

import base64
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.test import Client
from django.utils import timezone

from approvals.models import AdVariant
from approvals.services.review import request_changes
from approvals.states import VariantStatus
from leadmetrics.agents.services import create_key, revoke_key
from leadmetrics.demo_images import draw_scene
from tests.builders import (
    make_ad_account,
    make_campaign,
    make_insights,
    make_integration,
    make_push_target,
    make_variant,
)

GOOD = {
    "client_ref": "a1",
    "headline": "Tents from 1.9 kg",
    "primary_text": "Pack light. Walk far.",
    "call_to_action": "SHOP_NOW",
    "link": "https://acme.example/tents",
}
LISTS = {"ad-accounts": "ad_accounts", "push-targets": "push_targets", "audiences": "audiences"}


class Agent:
    """An HTTP client with a key."""

    def __init__(self, secret: str) -> None:
        self.headers = {"Authorization": f"Bearer {secret}"}
        self.client = Client()

    def get(self, path: str, **params: str) -> Any:
        return self.client.get(f"/api/v1/{path}", params, headers=self.headers)

    def post(self, path: str, body: Any, **headers: str) -> Any:
        content = body if isinstance(body, str) else json.dumps(body)
        return self.client.post(
            f"/api/v1/{path}",
            content,
            content_type="application/json",
            headers={**self.headers, **headers},
        )


@pytest.fixture
def agent(ana) -> Agent:
    return Agent(create_key(actor=ana, name="Copy agent")[1])


@pytest.fixture
def target(acme):
    return make_push_target(acme)


def test_variants_are_stored_per_item(agent, target):
    good = {**GOOD, "target_id": str(target.pk)}
    answer = agent.post(
        "variants", {"variants": [good, {**good, "client_ref": "a2", "headline": ""}]}
    )
    assert answer.status_code == 201
    stored, refused = answer.json()["results"]
    assert (stored["client_ref"], stored["status"]) == ("a1", "proposed")
    assert (refused["status"], refused["errors"][0]["code"]) == ("refused", "required")
    assert str(AdVariant.objects.get().pk) == stored["id"]


def test_request_in_which_nothing_is_usable_answers_422(agent):
    answer = agent.post("variants", {"variants": [{**GOOD, "target_id": "nonsense"}]})
    assert answer.status_code == 422
    assert answer.json()["results"][0]["errors"][0]["code"] == "unknown_target"


def test_image_comes_along_as_base64(agent, target):
    picture = base64.b64encode(draw_scene("lake")).decode()
    good = {**GOOD, "target_id": str(target.pk), "image_base64": picture}
    assert agent.post("variants", {"variants": [good]}).status_code == 201
    assert AdVariant.objects.get().head.image.width == 1200
    broken = agent.post("variants", {"variants": [{**good, "image_base64": "%%%"}]})
    assert broken.json()["results"][0]["errors"][0]["code"] == "not_an_image"


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ("{not json", 400, "malformed"),
        ({"variants": []}, 422, "invalid"),
        ({"variants": [{"client_ref": 1}]}, 422, "invalid"),
        ({"variants": [{**GOOD, "target_id": "x", "status": "ACTIVE"}]}, 422, "invalid"),
        ({"variants": [{**GOOD, "target_id": "x"}] * 201}, 422, "invalid"),
    ],
)
def test_request_of_the_wrong_shape_is_told_what_is_wrong(agent, body, status, code):
    answer = agent.post("variants", body)
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert answer["Content-Type"] == "application/problem+json"
    assert AdVariant.objects.count() == 0


def test_idempotency_key_replays_and_refuses_other_content(agent, target):
    body = {"variants": [{**GOOD, "target_id": str(target.pk)}]}
    first = agent.post("variants", body, **{"Idempotency-Key": "k1"})
    again = agent.post("variants", body, **{"Idempotency-Key": "k1"})
    other = agent.post("variants", {**body, "brief": "new"}, **{"Idempotency-Key": "k1"})
    assert (first.json()["replayed"], again.json()["replayed"]) == (False, True)
    assert again.json()["results"] == first.json()["results"]
    assert (other.status_code, other.json()["code"]) == (409, "idempotency_conflict")
    assert AdVariant.objects.count() == 1


WARNING = {"code": "link_silent", "field": "link", "message": "No answer.", "severity": "warn"}


def test_feedback_follows_the_cursor(agent, acme):
    variant = make_variant(make_push_target(acme), flags=[{**WARNING, "code": "claim"}])
    AdVariant.objects.filter(pk=variant.pk).update(link_flags=[WARNING])
    with time_machine.travel(timezone.now() + timedelta(seconds=5), tick=True):
        page = agent.get("variants").json()
        assert [variant["status"] for variant in page["variants"]] == ["proposed"]
        warnings = page["variants"][0]["warnings"]
        assert [(one["code"], one["severity"]) for one in warnings] == [
            ("claim", "warn"),
            ("link_silent", "warn"),
        ]
        assert agent.get("variants", cursor=page["next_cursor"]).json()["variants"] == []
    assert agent.get("variants", cursor="nonsense").status_code == 422


def test_withdraw_takes_back_an_undecided_variant_only(agent, acme):
    variant = make_variant(make_push_target(acme))
    answer = agent.post(f"variants/{variant.pk}/withdraw", {})
    assert answer.json()["status"] == VariantStatus.WITHDRAWN
    assert agent.post(f"variants/{variant.pk}/withdraw", {}).status_code == 409


def test_a_revision_answers_asked_changes_and_nothing_else(agent, acme, ben):
    variant = make_variant(make_push_target(acme))
    words = {
        "primary_text": "Pack light. Two tents, 1.9 kg each.",
        "headline": "Tents of 1.9 kg",
        "link": "https://acme.example/tents",
        "call_to_action": "SHOP_NOW",
    }
    assert agent.post(f"variants/{variant.pk}/revise", words).status_code == 409
    request_changes(
        actor=ben,
        variant_id=variant.pk,
        shown_hash=variant.head.content_hash,
        comment="Say the weight.",
    )
    with time_machine.travel(timezone.now() + timedelta(seconds=5), tick=True):
        told = agent.get("variants").json()["variants"]
    assert (told[0]["status"], told[0]["comment"]) == ("changes_requested", "Say the weight.")
    wrong = agent.post(f"variants/{variant.pk}/revise", {**words, "headline": "x" * 60})
    assert wrong.status_code == 422
    answer = agent.post(f"variants/{variant.pk}/revise", words)
    assert answer.json()["status"] == VariantStatus.PROPOSED
    assert answer.json()["headline"] == "Tents of 1.9 kg"
    assert agent.post(f"variants/{variant.pk}/revise", words).status_code == 409


def test_other_tenants_things_do_not_exist(agent, harbour):
    foreign = make_variant(make_push_target(harbour))
    assert agent.post(f"variants/{foreign.pk}/withdraw", {}).status_code == 404
    assert agent.get("push-targets").json()["push_targets"] == []
    assert agent.get("variants").json()["variants"] == []


def test_reading_lists_what_can_be_used(agent, target):
    (listed,) = agent.get("push-targets").json()["push_targets"]
    assert listed["id"] == str(target.pk)
    assert listed["limits"]["headline"] == 40
    assert (listed["ads_left"], listed["state"]) == (None, "Active")
    target.ad_set.ad_count = 50
    target.ad_set.save()
    (full,) = agent.get("push-targets").json()["push_targets"]
    assert (full["ads_left"], full["state"]) == (0, "Full")
    (account,) = agent.get("ad-accounts").json()["ad_accounts"]
    assert account["currency"] == target.ad_account.currency
    assert agent.get("audiences").json()["audiences"] == []


def test_an_ad_account_that_two_connections_reach_is_listed_once(agent, acme, target):
    twin = make_ad_account(
        make_integration(acme, meta_user_id="2002"),
        ad_account_id=target.ad_account.ad_account_id,
        enabled=True,
    )
    for account in (target.ad_account, twin):
        account.audiences.create(audience_id="1", name="Buyers", subtype="CUSTOM")
    assert len(agent.get("ad-accounts").json()["ad_accounts"]) == 1
    assert len(agent.get("audiences").json()["audiences"]) == 1
    target.ad_account.gone_at = timezone.now()  # the other one still reaches it
    target.ad_account.save()
    assert len(agent.get("ad-accounts").json()["ad_accounts"]) == 1


@pytest.mark.parametrize("part", ["ad_account", "ad_set", "page"])
def test_what_was_deleted_at_meta_is_no_target(agent, target, part):
    thing = getattr(target, part)
    thing.gone_at = timezone.now()
    thing.save()

    assert agent.get("push-targets").json()["push_targets"] == []
    assert len(agent.get("ad-accounts").json()["ad_accounts"]) == (part != "ad_account")


def test_audiences_say_whether_ads_can_run_to_them(agent, target):
    for number, (delivery, gone) in enumerate([(200, None), (300, None), (200, timezone.now())]):
        target.ad_account.audiences.create(
            **{"audience_id": str(number), "name": f"Buyers {number}", "subtype": "CUSTOM"},
            **{"delivery_code": delivery, "gone_at": gone},
        )

    states = {
        audience["id"]: audience["state"] for audience in agent.get("audiences").json()["audiences"]
    }

    assert states == {"0": "Ready", "1": "Too small"}


def test_insights_are_read_by_day_and_bad_ranges_are_refused(agent, target):
    make_insights([target.ad_set.campaign], days=2)
    today = timezone.localdate()
    span = {"since": str(today - timedelta(days=5)), "until": str(today)}
    page = agent.get("insights", **span).json()
    assert len(page["insights"]) == 2
    assert page["next_cursor"] == ""
    assert agent.get("insights", since=span["until"], until=span["since"]).status_code == 422
    assert agent.get("insights", since="yesterday", until="today").status_code == 422
    assert agent.get("insights", **span, cursor="1_000").json()["code"] == "bad_cursor"


@time_machine.travel(datetime(2026, 11, 24, 9, tzinfo=UTC))
@pytest.mark.parametrize(("days_later", "is_final"), [(None, False), (27, False), (28, True)])
def test_insights_say_as_of_when_they_are_and_whether_they_can_change(
    agent, target, days_later, is_final
):
    (row,) = make_insights([target.ad_set.campaign], days=1)
    if days_later is not None:
        read_at = datetime(2026, 11, 24, 9, tzinfo=UTC) + timedelta(days=days_later)
        row.ad_account.insight_days.create(level="campaign", day=row.date_start, read_at=read_at)
    day = str(row.date_start)

    (told,) = agent.get("insights", since=day, until=day).json()["insights"]

    assert told["is_final"] is is_final
    assert (told["read_at"] is None) is (days_later is None)
    assert "reach" not in told


def test_an_account_reached_by_two_grants_is_read_once(agent, acme, target):
    make_insights([target.ad_set.campaign], days=1)
    again = make_ad_account(
        make_integration(acme),
        ad_account_id=target.ad_account.ad_account_id,
        name=target.ad_account.name,
    )
    make_insights([make_campaign(again)], days=1)
    today = str(timezone.localdate())

    assert len(agent.get("insights", since=today, until=today).json()["insights"]) == 1


@pytest.mark.parametrize(
    ("since", "until", "words"),
    [
        ("2026-11-02", "2026-11-01", "comes after the last day"),
        ("2026-11-01", "2026-11-26", "is in the future"),
        ("2023-10-23", "2026-11-01", "Meta keeps 37 months"),
    ],
)
def test_days_that_cannot_be_are_refused_in_words(agent, target, since, until, words):
    with time_machine.travel(datetime(2026, 11, 24, 9, tzinfo=UTC)):
        answer = agent.get("insights", since=since, until=until)

    assert answer.status_code == 422
    assert words in answer.json()["detail"]


def test_lists_come_in_parts_that_miss_and_repeat_nothing(agent, acme):
    targets = [make_push_target(acme) for _ in range(5)]
    for target in targets:
        target.ad_account.audiences.create(audience_id="1", name="Buyers", subtype="CUSTOM")

    for path, field in LISTS.items():
        seen, cursors, cursor = [], [], ""
        while not cursors or cursor:
            page = agent.get(path, limit="2", cursor=cursor).json()
            assert len(page[field]) <= 2
            seen += [json.dumps(row) for row in page[field]]
            cursors.append(cursor := page["next_cursor"])
        assert len(seen) == len(set(seen)) == 5
        assert len(cursors) == 3
        assert len(agent.get(path).json()[field]) == 5
        # The last row itself: a part that ends exactly there has nothing after it.
        assert agent.get(path, limit="5").json()["next_cursor"] == ""


@pytest.mark.parametrize("path", ["ad-accounts", "push-targets", "audiences"])
def test_cursors_and_limits_that_cannot_be_are_refused_in_words(agent, target, path):
    answer = agent.get(path, cursor="nonsense")
    assert (answer.status_code, answer.json()["code"]) == (422, "bad_cursor")
    assert "leave it out to begin again" in answer.json()["detail"]
    for limit in ("0", "201", "-1", "many"):
        answer = agent.get(path, limit=limit)
        assert answer.status_code == 422
        assert answer.json()["errors"][0]["field"].endswith("limit")
    for cursor in ("9" * 100, "\0", "x" * 101):
        assert agent.get(path, cursor=cursor).status_code in (200, 422)


def test_revoked_key_is_refused_at_once(ana):
    key, secret = create_key(actor=ana, name="Old agent")
    agent = Agent(secret)
    assert agent.get("push-targets").status_code == 200
    revoke_key(actor=ana, key_id=key.pk)
    answer = agent.get("push-targets")
    assert (answer.status_code, answer.json()["code"]) == (401, "unauthorized")


def test_key_that_asks_too_often_is_slowed_down(agent):
    answers = [agent.get("push-targets").status_code for _ in range(61)]
    assert (answers[59], answers[60]) == (200, 429)


def test_docs_and_openapi_are_readable(client, db):
    assert "POST /variants" in client.get("/api/v1/docs").content.decode().replace("/api/v1", "")


def test_openapi_lists_no_way_to_decide(agent):
    paths = agent.get("openapi.json").json()["paths"]
    words = " ".join(paths)
    assert "variants" in words
    assert not any(word in words for word in ("approve", "reject", "push/", "activate"))
