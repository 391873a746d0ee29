"""Pastes of a megabyte, markup in every field, stale tabs, people who were removed meanwhile."""

from __future__ import annotations

from dataclasses import asdict, replace

import pytest

from approvals.models import AdVariant, Comment, Decision, Push, VariantRevision
from approvals.services.review import edit_variant
from approvals.states import VariantStatus
from leadmetrics.audit.models import AuditEntry
from leadmetrics.tenancy.models import Membership
from tests.approvals.conftest import COPY, propose
from tests.approvals.pages import (
    ESCAPED_MARKUP,
    HTMX,
    MARKUP,
    live_hash,
    review,
    shown,
    typed,
    words,
)
from tests.builders import client_for, make_revision

MEGABYTE = "x" * 1_000_000
TEXTS = ["primary_text", "headline", "description", "link", "call_to_action"]


@pytest.fixture
def as_ben(ben):
    return client_for(ben)


def trace() -> tuple[object, ...]:
    """Everything that an act on an ad could leave behind."""
    models = (VariantRevision, Decision, Comment, Push, AuditEntry)
    states = list(AdVariant.objects.order_by("pk").values_list("status", "head", "queue_at"))
    return (*(model.objects.count() for model in models), states)


# --- Too much ---------------------------------------------------------------------------------


@pytest.mark.parametrize("field", TEXTS)
def test_a_megabyte_in_a_field_of_the_edit_form(as_ben, variant, field):
    before = trace()
    answer = as_ben.post(
        review("edit", variant), typed(variant, replace(COPY, **{field: MEGABYTE}))
    )
    assert answer.status_code == 422
    assert answer.context["form"].errors[field]
    assert answer.context["form"]["headline"].value()
    assert (MEGABYTE in answer.content.decode()) is (field != "call_to_action")
    assert trace() == before


@pytest.mark.parametrize("act", ["reject", "changes"])
@pytest.mark.parametrize("headers", [{}, HTMX], ids=["page", "fragment"])
def test_a_megabyte_in_a_comment_of_a_decision(as_ben, variant, act, headers):
    before = trace()
    data = {**shown(variant), "reason": "other", "comment": MEGABYTE}
    answer = as_ben.post(review(act, variant), data, headers=headers)
    assert answer.status_code == 422
    assert "Use at most 1,000 characters." in words(answer)
    assert MEGABYTE in answer.content.decode()
    assert trace() == before


def test_a_megabyte_in_the_comment_of_a_bulk_rejection(as_ben, variant):
    as_ben.get(review("variant", variant))
    before = trace()
    data = {"ad": f"{variant.pk}:{live_hash(variant)}", "reason": "other", "comment": MEGABYTE}
    answer = as_ben.post(review("bulk"), data)
    assert answer.status_code == 422
    assert "Use at most 1,000 characters." in words(answer)
    assert MEGABYTE in answer.content.decode()
    assert trace() == before


def test_a_refused_bulk_rejection_keeps_what_was_unticked(as_ben, agent, target, variant):
    other = propose(agent, target, replace(COPY, headline="Another"))
    for one in (variant, other):
        as_ben.get(review("variant", one))
    data = {"ad": f"{other.pk}:{live_hash(other)}", "reason": "nonsense", "comment": "So loud"}
    answer = as_ben.post(review("bulk"), data)
    assert answer.status_code == 422
    assert "Choose one of the reasons." in words(answer)
    assert "So loud" in answer.content.decode()
    ticks = {row.headline: is_ticked for row, is_ticked in heads(answer)}
    assert ticks == {COPY.headline: False, "Another": True}


def heads(answer):
    return [(row.head, is_ticked) for row, _, _, is_ticked in answer.context["ready"]]


@pytest.mark.parametrize("name", ["content_hash", "reason", "ad", "approve"])
def test_a_megabyte_where_nobody_types_counts_as_nothing(as_ben, variant, name):
    as_ben.get(review("variant", variant))
    before = trace()
    data = {**typed(variant, COPY), "reason": "policy", name: MEGABYTE}
    for act in ("approve", "reject", "edit", "changes", "comment", "select"):
        if name in ("reason", "ad", "approve") and act in ("approve", "reject", "select"):
            continue  # a field that this act does not read, or whose refusal is tested above
        answer = as_ben.post(review(act, variant), data)
        assert answer.status_code in (409, 422)
    assert as_ben.post(review("bulk"), {"ad": MEGABYTE}).status_code == 200
    assert trace() == before


@pytest.mark.parametrize("name", ["q", "agent", "start", "sort", "due", "view", "words"])
def test_a_long_address_is_answered(as_ben, variant, name):
    for page in (review("queue"), review("comment", variant), review("bulk")):
        assert as_ben.get(page, {name: "ä" * 4000 + MARKUP}).status_code == 200


# --- Markup ----------------------------------------------------------------------------------


def test_markup_in_every_field_is_shown_as_text_and_nothing_else(as_ben, variant):
    hostile = {name: f"{MARKUP} {name}" for name in TEXTS}
    refused = as_ben.post(review("edit", variant), {**shown(variant), **hostile})
    assert refused.status_code == 422
    assert MARKUP not in refused.content.decode()
    make_revision(variant, **dict.fromkeys(("primary_text", "headline", "description"), MARKUP))
    for act, data in (
        ("reject", {"comment": MARKUP, "reason": MARKUP}),
        ("changes", {"comment": MARKUP + "x" * 1000}),
        ("comment", {"text": MARKUP, "words": "not there " + MARKUP}),
        ("edit", {"primary_text": MARKUP, "headline": MARKUP, "link": MARKUP}),
    ):
        answer = as_ben.post(review(act, variant), {**shown(variant), **data}, headers=HTMX)
        assert answer.status_code == 422, act
        assert MARKUP not in answer.content.decode(), act
        assert ESCAPED_MARKUP in answer.content.decode(), act
    as_ben.get(review("variant", variant))
    bulk = as_ben.post(
        review("bulk"),
        {"ad": f"{variant.pk}:{live_hash(variant)}", "reason": "other", "comment": MARKUP},
    )
    assert MARKUP not in bulk.content.decode()
    for page in (review("variant", variant), review("queue")):
        content = as_ben.get(page, {"q": MARKUP}).content.decode()
        assert MARKUP not in content
    decided = as_ben.get(review("variant", variant)).content.decode()
    assert MARKUP not in decided
    assert ESCAPED_MARKUP in decided


# --- The true state ---------------------------------------------------------------------------

GONE = [
    VariantStatus.WITHDRAWN,
    VariantStatus.EXPIRED,
    VariantStatus.PUSHING,
    VariantStatus.PAUSED,
    VariantStatus.ACTIVE,
]


@pytest.mark.parametrize("status", GONE)
@pytest.mark.parametrize("act", ["approve", "reject", "changes", "edit", "defer", "withdraw"])
@pytest.mark.parametrize("headers", [{}, HTMX], ids=["page", "fragment"])
def test_an_act_on_an_ad_that_is_somewhere_else_says_where(as_ben, variant, status, act, headers):
    AdVariant.objects.filter(pk=variant.pk).update(status=status)
    data = typed(variant, replace(COPY, headline="Typed in a stale tab"))
    data |= {"reason": "policy", "comment": "Typed in a stale tab"}
    before = trace()
    answer = as_ben.post(review(act, variant), data, headers=headers)
    assert answer.status_code == 409
    assert VariantStatus(status).label.lower() in words(answer).lower()
    if act == "edit":
        assert "Typed in a stale tab" in answer.content.decode()
    assert trace() == before


@pytest.mark.parametrize("act", ["approve", "reject", "changes", "select"])
def test_a_stale_tab_decides_nothing_and_sees_what_changed(as_ben, rita, variant, act):
    old = {**shown(variant), "reason": "policy", "comment": "Typed in a stale tab"}
    edit_variant(
        actor=rita,
        variant_id=variant.pk,
        shown_hash=live_hash(variant),
        copy=replace(COPY, headline="Tents from 2.1 kg"),
    )
    before = trace()
    answer = as_ben.post(review(act, variant), old)
    assert answer.status_code == 409
    assert "2.1" in words(answer)
    assert trace() == before


@pytest.mark.parametrize("status", GONE)
def test_bulk_leaves_an_ad_that_is_somewhere_else_and_names_it(as_ben, variant, status):
    as_ben.get(review("variant", variant))
    AdVariant.objects.filter(pk=variant.pk).update(status=status)
    before = trace()
    answer = as_ben.post(review("bulk"), {"ad": f"{variant.pk}:{live_hash(variant)}"})
    assert VariantStatus(status).label.lower() in words(answer).lower()
    assert trace() == before


@pytest.mark.parametrize(
    "act", ["approve", "reject", "edit", "changes", "comment", "select", "defer", "undo", "bulk"]
)
def test_a_member_removed_meanwhile_changes_nothing(as_ben, ben, variant, act):
    as_ben.get(review("variant", variant))
    data = {**typed(variant, replace(COPY, headline="New")), "reason": "policy", "comment": "So"}
    data |= {"text": "So", "ad": f"{variant.pk}:{live_hash(variant)}"}
    Membership.objects.filter(user_id=ben.user_id).delete()
    before = trace()
    answer = as_ben.post(review(act, None if act == "bulk" else variant), data)
    assert answer.status_code == 404
    assert "removed" in words(answer)
    assert trace() == before


def test_a_reviewer_who_became_a_viewer_meanwhile_is_told_so(as_ben, ben, variant):
    as_ben.get(review("variant", variant))
    Membership.objects.filter(user_id=ben.user_id).update(role="viewer")
    before = trace()
    answer = as_ben.post(review("approve", variant), shown(variant))
    assert answer.status_code == 403
    assert "Your role in this workspace does not cover it." in words(answer)
    assert trace() == before


def test_the_form_that_was_refused_can_be_sent_again(as_ben, variant):
    too_long = typed(variant, replace(COPY, headline="Far too long " * 10))
    refused = as_ben.post(review("edit", variant), too_long)
    form = refused.context["form"]
    again = {name: form[name].value() for name in (*asdict(COPY), "content_hash", "revision")}
    again["headline"] = "Short enough"
    assert as_ben.post(review("edit", variant), again).status_code == 302
    assert AdVariant.objects.get().head.headline == "Short enough"
