"""Decisions bind to the exact content, the right, and the state of the variant."""

from __future__ import annotations

from dataclasses import replace
from uuid import uuid4

import pytest
from django.db import DatabaseError, transaction

from approvals.content import build_payload, content_hash, digest
from approvals.models import AdVariant, Decision, Push, VariantRevision
from approvals.services.review import (
    approve_variant,
    edit_variant,
    reject_variant,
    return_to_review,
)
from approvals.services.shown import ContentChanged
from approvals.states import PushState, VariantStatus
from leadmetrics.audit.models import AuditEntry
from leadmetrics.errors import InvalidInput, NotAllowed, NotFound, StateConflict
from leadmetrics.tenancy.models import Membership, Role, Tenant, User
from tests.approvals.conftest import COPY, make_member_of, propose

OTHER = replace(COPY, headline="Tents for two")


def shown(variant: AdVariant) -> str:
    fresh = AdVariant.objects.get(pk=variant.pk)
    return content_hash(fresh.head, fresh.target)


def test_approve_freezes_the_shown_content_into_a_push(variant, ben):
    shown_hash = shown(variant)
    approve_variant(actor=ben, variant_id=variant.pk, shown_hash=shown_hash, comment=" good ")
    variant.refresh_from_db()
    push = Push.objects.get()
    decision = Decision.objects.get()
    assert variant.status == VariantStatus.APPROVED
    assert (push.state, push.ad_id) == (PushState.WAITING, None)
    assert push.payload == build_payload(variant.head, variant.target)
    assert push.payload_hash == decision.content_hash == digest(push.payload) == shown_hash
    assert (decision.verdict, decision.comment, decision.reviewer_id) == (
        "approved",
        "good",
        ben.user_id,
    )


def test_approve_leaves_exactly_one_audit_line(variant, ben):
    approve_variant(actor=ben, variant_id=variant.pk, shown_hash=shown(variant))
    entry = AuditEntry.objects.get(action="variant.approved")
    assert (entry.user_id, entry.object_id) == (ben.user_id, str(variant.pk))
    assert entry.data["content_hash"] == Push.objects.get().payload_hash


def test_approve_does_not_count_when_the_text_moved(variant, ben, rita):
    stale = shown(variant)
    edit_variant(actor=rita, variant_id=variant.pk, shown_hash=stale, copy=OTHER)
    with pytest.raises(ContentChanged):
        approve_variant(actor=ben, variant_id=variant.pk, shown_hash=stale)
    assert Decision.objects.count() == 0
    assert Push.objects.count() == 0


def test_approve_does_not_count_when_the_target_moved(variant, ben, target):
    stale = shown(variant)
    target.url_tags = "utm_source=meta"
    target.save()
    with pytest.raises(ContentChanged):
        approve_variant(actor=ben, variant_id=variant.pk, shown_hash=stale)


def test_second_decision_finds_the_variant_decided(variant, ben, rita):
    shown_hash = shown(variant)
    approve_variant(actor=ben, variant_id=variant.pk, shown_hash=shown_hash)
    with pytest.raises(StateConflict):
        reject_variant(
            actor=rita, variant_id=variant.pk, shown_hash=shown_hash, reason_code="off_brand"
        )
    with pytest.raises(StateConflict):
        approve_variant(actor=ben, variant_id=variant.pk, shown_hash=shown_hash)
    assert Decision.objects.count() == 1


def test_viewer_cannot_decide_or_edit(variant, vera):
    shown_hash = shown(variant)
    with pytest.raises(NotAllowed):
        approve_variant(actor=vera, variant_id=variant.pk, shown_hash=shown_hash)
    with pytest.raises(NotAllowed):
        reject_variant(
            actor=vera, variant_id=variant.pk, shown_hash=shown_hash, reason_code="off_brand"
        )
    with pytest.raises(NotAllowed):
        edit_variant(actor=vera, variant_id=variant.pk, shown_hash=shown_hash, copy=OTHER)


def test_agent_cannot_decide_on_any_path(variant, agent):
    shown_hash = shown(variant)
    for act in (
        lambda: approve_variant(actor=agent, variant_id=variant.pk, shown_hash=shown_hash),
        lambda: edit_variant(actor=agent, variant_id=variant.pk, shown_hash=shown_hash, copy=OTHER),
        lambda: return_to_review(actor=agent, variant_id=variant.pk),
    ):
        with pytest.raises(NotFound):
            act()


def test_other_tenants_reviewer_finds_nothing(variant):
    stranger = make_member_of(
        Tenant.objects.create(slug="harbour", name="Harbour"), "Olga", Role.ADMIN
    )
    with pytest.raises(NotFound):
        approve_variant(actor=stranger, variant_id=variant.pk, shown_hash=shown(variant))


@pytest.mark.parametrize("gone", ["removed", "deactivated"])
def test_former_member_cannot_decide(variant, ben, gone):
    if gone == "removed":
        Membership.objects.filter(user_id=ben.user_id).delete()
    else:
        User.objects.filter(pk=ben.user_id).update(is_active=False)
    with pytest.raises(NotFound):
        approve_variant(actor=ben, variant_id=variant.pk, shown_hash=shown(variant))


def test_unknown_variant_is_not_found(acme, ben):
    with pytest.raises(NotFound):
        approve_variant(actor=ben, variant_id=uuid4(), shown_hash="x")


def test_own_edit_needs_somebody_else(variant, ben, rita):
    edit_variant(actor=ben, variant_id=variant.pk, shown_hash=shown(variant), copy=OTHER)
    with pytest.raises(NotAllowed):
        approve_variant(actor=ben, variant_id=variant.pk, shown_hash=shown(variant))
    approve_variant(actor=rita, variant_id=variant.pk, shown_hash=shown(variant))
    assert Decision.objects.get().reviewer_was_author is False


def test_own_edit_may_be_approved_where_the_policy_says_so_and_the_receipt_says_it(
    variant, ben, acme
):
    acme.author_may_approve = True
    acme.save()
    edit_variant(actor=ben, variant_id=variant.pk, shown_hash=shown(variant), copy=OTHER)
    approve_variant(actor=ben, variant_id=variant.pk, shown_hash=shown(variant))
    assert Decision.objects.get().reviewer_was_author is True
    assert AuditEntry.objects.get(action="variant.approved").data["reviewer_was_author"] is True


def test_reject_keeps_reason_and_comment_and_pushes_nothing(variant, ben):
    reject_variant(
        actor=ben,
        variant_id=variant.pk,
        shown_hash=shown(variant),
        reason_code="wrong_claim",
        comment="No proof for 1.9 kg",
    )
    variant.refresh_from_db()
    decision = Decision.objects.get()
    assert variant.status == VariantStatus.REJECTED
    assert (decision.reason_code, decision.comment) == ("wrong_claim", "No proof for 1.9 kg")
    assert Push.objects.count() == 0


@pytest.mark.parametrize(("reason", "comment"), [("", ""), ("nonsense", "x"), ("other", "  ")])
def test_reject_without_a_usable_reason_is_refused(variant, ben, reason, comment):
    with pytest.raises(InvalidInput):
        reject_variant(
            actor=ben,
            variant_id=variant.pk,
            shown_hash=shown(variant),
            reason_code=reason,
            comment=comment,
        )
    variant.refresh_from_db()
    assert variant.status == VariantStatus.PROPOSED


def test_edit_makes_a_new_revision_by_its_author(variant, ben):
    edit_variant(actor=ben, variant_id=variant.pk, shown_hash=shown(variant), copy=OTHER)
    first, second = VariantRevision.objects.order_by("number")
    assert (first.headline, second.headline) == (COPY.headline, OTHER.headline)
    assert (second.number, second.author_kind, second.author_id) == (2, "human", ben.user_id)
    assert AdVariant.objects.get().head == second


def test_edit_is_checked_like_a_proposal_and_keeps_nothing_when_refused(variant, ben):
    with pytest.raises(InvalidInput) as refused:
        edit_variant(
            actor=ben,
            variant_id=variant.pk,
            shown_hash=shown(variant),
            copy=replace(COPY, headline="x" * 41),
        )
    assert [problem["code"] for problem in refused.value.problems] == ["too_long"]
    assert VariantRevision.objects.count() == 1


def test_edit_that_changes_nothing_is_refused(variant, ben):
    with pytest.raises(InvalidInput):
        edit_variant(
            actor=ben,
            variant_id=variant.pk,
            shown_hash=shown(variant),
            copy=replace(COPY, headline=f"  {COPY.headline} "),
        )


def test_edit_after_approval_voids_it(variant, ben, rita):
    approve_variant(actor=ben, variant_id=variant.pk, shown_hash=shown(variant))
    edit_variant(actor=rita, variant_id=variant.pk, shown_hash=shown(variant), copy=OTHER)
    variant.refresh_from_db()
    assert variant.status == VariantStatus.PROPOSED
    assert Push.objects.get().state == PushState.VOIDED
    approve_variant(actor=ben, variant_id=variant.pk, shown_hash=shown(variant))
    assert sorted(Push.objects.values_list("state", flat=True)) == ["voided", "waiting"]


@pytest.mark.parametrize("state", [PushState.RUNNING, PushState.UNKNOWN])
def test_edit_is_refused_while_the_ad_may_be_on_its_way(variant, ben, rita, state):
    approve_variant(actor=ben, variant_id=variant.pk, shown_hash=shown(variant))
    Push.objects.update(state=state)
    with pytest.raises(StateConflict):
        edit_variant(actor=rita, variant_id=variant.pk, shown_hash=shown(variant), copy=OTHER)
    assert Push.objects.get().state == state


def test_return_to_review_voids_an_unsent_push(variant, ben, rita):
    approve_variant(actor=ben, variant_id=variant.pk, shown_hash=shown(variant))
    return_to_review(actor=rita, variant_id=variant.pk)
    variant.refresh_from_db()
    assert variant.status == VariantStatus.PROPOSED
    assert Push.objects.get().state == PushState.VOIDED


def test_return_to_review_is_refused_for_a_waiting_variant(variant, ben):
    with pytest.raises(StateConflict):
        return_to_review(actor=ben, variant_id=variant.pk)


def test_database_refuses_a_second_live_push(variant, ben):
    approve_variant(actor=ben, variant_id=variant.pk, shown_hash=shown(variant))
    push = Push.objects.get()
    decision = Decision.objects.get()
    copy = Decision.objects.create(
        variant=variant,
        revision=decision.revision,
        content_hash=decision.content_hash,
        reviewer_id=ben.user_id,
        verdict="approved",
    )
    with pytest.raises(DatabaseError), transaction.atomic():
        Push.objects.create(
            variant=variant, decision=copy, payload=push.payload, payload_hash=push.payload_hash
        )


@pytest.mark.parametrize("model", [VariantRevision, Decision])
def test_database_refuses_to_change_what_was_decided_on(variant, ben, model):
    approve_variant(actor=ben, variant_id=variant.pk, shown_hash=shown(variant))
    row = model.objects.get()
    with pytest.raises(DatabaseError), transaction.atomic():
        model.objects.filter(pk=row.pk).update(content_hash="f" * 64)
    with pytest.raises(DatabaseError), transaction.atomic():
        model.objects.filter(pk=row.pk)._raw_delete("default")
    row.refresh_from_db()
    assert row.content_hash != "f" * 64


def test_propose_again_does_not_touch_a_decided_variant(variant, ben, agent, target):
    approve_variant(actor=ben, variant_id=variant.pk, shown_hash=shown(variant))
    propose(agent, target)
    variant.refresh_from_db()
    assert variant.status == VariantStatus.APPROVED
