"""Taking in proposals: per-item results, idempotency, nothing half-stored."""

from __future__ import annotations

from dataclasses import replace

import pytest

from approvals.limits import AdCopy
from approvals.models import AdImage, AdVariant, Proposal, VariantRevision
from approvals.services.propose import (
    IdempotencyConflict,
    ProposalInput,
    VariantInput,
    propose_variants,
    withdraw_variant,
)
from leadmetrics.audit.models import AuditEntry
from leadmetrics.demo_images import draw_scene
from leadmetrics.errors import InvalidInput, NotFound, StateConflict
from leadmetrics.tenancy.models import Tenant
from tests.approvals.conftest import COPY, make_target_for, propose


def item(target, ref="a1", **changes) -> VariantInput:
    copy = replace(COPY, **{key: value for key, value in changes.items() if key != "image"})
    return VariantInput(str(target.pk), copy, ref, image=changes.get("image", b""))


def test_propose_stores_a_variant_with_its_first_revision(agent, target):
    variant = propose(agent, target)
    assert variant.status == AdVariant.Status.PROPOSED
    assert variant.head.number == 1
    assert (variant.head.primary_text, variant.head.author_kind) == (COPY.primary_text, "agent")
    assert variant.proposal.submitted_by == "Copy agent"


def test_propose_answers_each_item_on_its_own(agent, target):
    result = propose_variants(
        actor=agent,
        proposal=ProposalInput(
            items=[item(target, "good"), item(target, "long", headline="x" * 41)]
        ),
    )
    good, long = result.items
    assert (good["client_ref"], good["status"], good["errors"]) == ("good", "proposed", [])
    assert (long["client_ref"], long["status"], long["id"]) == ("long", "refused", None)
    assert long["errors"] == [
        {
            "code": "too_long",
            "field": "headline",
            "message": "Headline has 41 characters; 40 are allowed.",
            "severity": "block",
            "start": 40,
            "end": 41,
            "words": "x",
            "limit": 40,
            "found": 41,
        }
    ]
    assert AdVariant.objects.count() == 1


def test_propose_fills_in_the_targets_default_link(agent, target):
    variant = propose(agent, target, replace(COPY, link=""))
    assert variant.head.link == "https://acme.example/"


def test_propose_keeps_the_warnings_of_an_advisory_tenant(agent, target, acme):
    acme.copy_limits = Tenant.CopyLimits.ADVISORY
    acme.save()
    variant = propose(agent, target, replace(COPY, primary_text="x" * 130))
    assert [flag["code"] for flag in variant.head.flags] == ["longer_than_recommended"]


def test_propose_refuses_another_tenants_target_like_an_unknown_one(agent, target):
    other = make_target_for(Tenant.objects.create(slug="harbour", name="Harbour Books"))
    archived = propose_variants(
        actor=agent,
        proposal=ProposalInput(
            items=[
                VariantInput(str(other.pk), COPY, "foreign"),
                VariantInput("nonsense", COPY, "unknown"),
            ]
        ),
    )
    assert [error["code"] for result in archived.items for error in result["errors"]] == [
        "unknown_target",
        "unknown_target",
    ]


def test_propose_stores_the_image_once_per_content(agent, target):
    picture = draw_scene("lake")
    first = propose(agent, target, image=picture)
    second = propose(agent, target, replace(COPY, headline="Other"), image=picture)
    assert first.head.image == second.head.image
    assert (first.head.image.width, first.head.image.height) == (1200, 628)
    assert AdImage.objects.count() == 1
    with first.head.image.file.open("rb") as file:
        assert file.read() == picture


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"?", "not_an_image"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "not_an_image"),
        (draw_scene("lake")[:500], "not_an_image"),
        (b"\x89PNG" + b"0" * (8 * 1024 * 1024), "image_too_large"),
    ],
)
def test_propose_refuses_an_image_that_is_none(agent, target, content, code):
    result = propose_variants(
        actor=agent, proposal=ProposalInput(items=[item(target, image=content)])
    )
    assert [error["code"] for error in result.items[0]["errors"]] == [code]
    assert AdVariant.objects.count() == 0


@pytest.mark.parametrize("count", [0, 201])
def test_propose_refuses_too_few_and_too_many_items(agent, target, count):
    with pytest.raises(InvalidInput):
        propose_variants(actor=agent, proposal=ProposalInput(items=[item(target)] * count))
    assert Proposal.objects.count() == 0


def test_repeated_idempotency_key_gives_the_first_answer_and_stores_nothing(agent, target):
    request = ProposalInput(items=[item(target)], idempotency_key="k1", request_hash="h1")
    first = propose_variants(actor=agent, proposal=request)
    again = propose_variants(actor=agent, proposal=request)
    assert (first.replayed, again.replayed) == (False, True)
    assert again.items == first.items
    assert AdVariant.objects.count() == 1


def test_idempotency_key_with_other_content_is_a_conflict(agent, target):
    request = ProposalInput(items=[item(target)], idempotency_key="k1", request_hash="h1")
    propose_variants(actor=agent, proposal=request)
    with pytest.raises(IdempotencyConflict):
        propose_variants(actor=agent, proposal=replace(request, request_hash="h2"))


def test_idempotency_keys_of_two_agents_do_not_meet(agent, target):
    request = ProposalInput(items=[item(target)], idempotency_key="k1", request_hash="h1")
    propose_variants(actor=agent, proposal=request)
    other = propose_variants(actor=replace(agent, key_id=2), proposal=request)
    assert other.replayed is False


def test_propose_leaves_an_audit_line_that_names_the_variants(agent, target):
    variant = propose(agent, target)
    entry = AuditEntry.objects.get(action="proposal.received")
    assert (entry.actor_kind, entry.key_id) == ("agent", 1)
    assert entry.data == {"proposed": 1, "refused": 0, "variants": [str(variant.pk)]}


def test_withdraw_takes_back_only_what_nobody_decided(agent, variant):
    withdraw_variant(actor=agent, variant_id=variant.pk)
    variant.refresh_from_db()
    assert variant.status == AdVariant.Status.WITHDRAWN
    with pytest.raises(StateConflict):
        withdraw_variant(actor=agent, variant_id=variant.pk)


def test_withdraw_does_not_find_another_tenants_variant(agent, variant):
    stranger = Tenant.objects.create(slug="harbour", name="Harbour Books")
    with pytest.raises(NotFound):
        withdraw_variant(actor=replace(agent, tenant_id=stranger.pk), variant_id=variant.pk)


def test_nul_characters_beside_the_copy_are_dropped(agent, target):
    odd = VariantInput(str(target.pk), COPY, "a\0", rationale="why\0 not")
    result = propose_variants(
        actor=agent, proposal=ProposalInput(items=[odd], run_id="r\0", brief="b\0")
    )
    variant = AdVariant.objects.get()
    assert (variant.client_ref, variant.rationale, variant.proposal.brief) == ("a", "why not", "b")
    assert result.items[0]["client_ref"] == "a"


def test_markup_is_stored_as_the_text_it_is(agent, target):
    hostile = AdCopy("<b>x</b> 7*7", "<script>", "", COPY.link, "SHOP_NOW")
    propose(agent, target, hostile)
    assert VariantRevision.objects.get().primary_text == "<b>x</b> 7*7"
