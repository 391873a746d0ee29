"""Deciding several ads at once: only what this person had on the screen, the rest with why."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import timedelta

import pytest
from django.utils import timezone

from approvals.models import AdVariant, Decision, Seen
from approvals.services.propose import ProposalInput, VariantInput, propose_variants
from approvals.services.review import approve_variant, edit_variant, reject_variant
from approvals.states import VariantStatus
from tests.approvals.conftest import COPY, propose
from tests.approvals.pages import HTMX, live_hash, review, shown, typed, words
from tests.builders import client_for


@pytest.fixture
def as_ben(ben):
    return client_for(ben)


@pytest.fixture
def ads(agent, target):
    names = ("One", "Two", "Three", "Four", "Five")
    return [propose(agent, target, replace(COPY, headline=name)) for name in names]


def picked(*variants) -> dict[str, list[str]]:
    return {"ad": [f"{one.pk}:{live_hash(one)}" for one in variants]}


def status(variant) -> str:
    return AdVariant.objects.get(pk=variant.pk).status


def test_a_card_is_noted_when_it_is_drawn_and_not_when_it_is_fetched_ahead(as_ben, ben, ads):
    as_ben.get(review("variant", ads[0]), headers={**HTMX, "X-Prefetch": "1"})
    as_ben.get(review("queue"))
    assert not Seen.objects.exists()
    as_ben.get(review("variant", ads[0]), headers=HTMX)
    as_ben.get(review("variant", ads[0]))
    row = Seen.objects.get()
    assert (row.variant_id, row.user_id, row.content_hash) == (
        ads[0].pk,
        ben.user_id,
        live_hash(ads[0]),
    )


def test_only_what_was_on_the_screen_is_approved(as_ben, ben, rita, ads):
    one, two, three, four, five = ads
    for variant in (one, two, three, four):
        as_ben.get(review("variant", variant))
    edit_variant(
        actor=rita,
        variant_id=two.pk,
        shown_hash=live_hash(two),
        copy=replace(COPY, headline="Two, edited"),
    )
    page = as_ben.get(review("bulk"))
    assert "the remaining 3 I have seen" in words(page)
    assert "It changed since you had it on your screen" in words(page)
    assert "You have not had it on your screen" in words(page)
    asked = picked(one, two, three, four, five)  # more than the page offers
    reject_variant(
        actor=rita,
        variant_id=four.pk,
        shown_hash=live_hash(four),
        reason_code=Decision.Reason.DUPLICATE,
    )
    answer = words(as_ben.post(review("bulk"), asked))
    assert "Approved: 2" in answer
    assert "Left out: 3" in answer
    assert answer.count("You have not had exactly this text on your screen.") == 2
    assert [status(one) for one in ads] == [
        VariantStatus.APPROVED,
        VariantStatus.PROPOSED,
        VariantStatus.APPROVED,
        VariantStatus.REJECTED,
        VariantStatus.PROPOSED,
    ]
    assert four.decisions.get().reviewer_id == rita.user_id


def test_what_changes_after_the_page_was_drawn_is_left_out(as_ben, rita, ads):
    as_ben.get(review("variant", ads[0]))
    asked = picked(ads[0])
    edit_variant(
        actor=rita,
        variant_id=ads[0].pk,
        shown_hash=live_hash(ads[0]),
        copy=replace(COPY, headline="New"),
    )
    assert "Left out: 1" in words(as_ben.post(review("bulk"), asked))
    assert status(ads[0]) == VariantStatus.PROPOSED


def test_somebody_elses_screen_does_not_count(as_ben, rita, ads):
    client_for(rita).get(review("variant", ads[0]))
    assert "Left out: 1" in words(as_ben.post(review("bulk"), picked(ads[0])))
    assert status(ads[0]) == VariantStatus.PROPOSED


def test_marked_ones_are_offered_first_and_rejected_together(as_ben, ads):
    for variant in ads[:3]:
        as_ben.get(review("variant", variant))
    for variant in ads[:2]:
        as_ben.post(review("select", variant), shown(variant))
    page = as_ben.get(review("bulk"))
    assert [row.pk for row, *_ in page.context["ready"]] == [ads[0].pk, ads[1].pk]
    assert "Three Not marked." in words(page)
    assert words(page).count("You have not had it on your screen.") == 2
    as_ben.post(review("bulk"), {**picked(*ads[:2]), "reason": "off_brand", "comment": "No."})
    assert [status(one) for one in ads[:3]] == ["rejected", "rejected", "proposed"]


def test_what_was_seen_beyond_the_most_at_once_is_not_called_unseen(as_ben, ads, monkeypatch):
    monkeypatch.setattr("approvals.views_bulk.MOST", 2)
    for variant in ads[:4]:
        as_ben.get(review("variant", variant))
    page = as_ben.get(review("bulk"))
    assert [row.pk for row, *_ in page.context["ready"]] == [ads[0].pk, ads[1].pk]
    assert "2 more you have seen; decide these first." in words(page)
    assert "Five You have not had it on your screen." in words(page)
    assert words(page).count("You have not had it on your screen.") == 1


def test_a_mark_can_be_taken_away_and_needs_the_present_text(as_ben, rita, ads):
    as_ben.get(review("variant", ads[0]))
    before = shown(ads[0])
    for expected in (True, False):
        as_ben.post(review("select", ads[0]), before)
        assert Seen.objects.get().is_selected is expected
    edit_variant(
        actor=rita,
        variant_id=ads[0].pk,
        shown_hash=live_hash(ads[0]),
        copy=replace(COPY, headline="New"),
    )
    assert as_ben.post(review("select", ads[0]), before).status_code == 409


def test_nonsense_counts_as_nothing(as_ben, ads):
    answer = as_ben.post(review("bulk"), {"ad": ["", "x:y", f"{ads[0].pk}", "\x00:1"]})
    assert answer.status_code == 200
    assert [status(one) for one in ads] == [VariantStatus.PROPOSED] * 5


def test_an_earlier_decision_is_never_overwritten(as_ben, ben, rita, ads):
    as_ben.get(review("variant", ads[0]))
    approve_variant(actor=rita, variant_id=ads[0].pk, shown_hash=live_hash(ads[0]))
    as_ben.post(review("bulk"), {**picked(ads[0]), "reason": "off_brand"})
    assert ads[0].decisions.get().verdict == Decision.Verdict.APPROVED


def test_the_page_needs_few_queries(as_ben, agent, target, ads, django_assert_max_num_queries):
    for variant in ads:
        as_ben.get(review("variant", variant))
    with django_assert_max_num_queries(11):
        as_ben.get(review("bulk"))


@pytest.fixture
def family(agent, target):
    """Three of one proposal that differ in a word, and one that says something else."""
    texts = ("two kilos", "three kilos", "four kilos")
    copies = [replace(COPY, primary_text=f"Pack light. A tent of {text}.") for text in texts]
    other = replace(COPY, primary_text="Free returns for thirty days.", headline="Returns")
    items = [VariantInput(str(target.pk), copy) for copy in (*copies, other)]
    result = propose_variants(actor=agent, proposal=ProposalInput(items=items))
    return [AdVariant.objects.get(pk=item["id"]) for item in result.items]


def test_the_list_groups_what_is_alike_within_one_proposal_and_target(
    as_ben, family, agent, target
):
    propose(agent, target, replace(COPY, primary_text="Pack light. A tent of five kilos."))
    page = as_ben.get(review("queue"))
    rows = page.context["rows"]
    assert [(row.alike, row.is_led) for row in rows] == [
        (2, False),
        (2, True),
        (2, True),
        (0, False),
        (0, False),
    ]
    assert "2 alike below" in words(page)


def test_a_row_that_stands_apart_says_what_it_is_like(as_ben, family):
    moved = family[3]
    AdVariant.objects.filter(pk=moved.pk).update(queue_at=family[1].queue_at)
    later = timezone.now() + timedelta(minutes=1)
    AdVariant.objects.filter(pk=family[2].pk).update(queue_at=later)
    AdVariant.objects.filter(pk=family[1].pk).update(queue_at=later + timedelta(minutes=1))
    page = as_ben.get(review("queue"))
    assert [(row.variant.pk, row.alike, row.like) for row in page.context["rows"]] == [
        (family[0].pk, 0, None),
        (moved.pk, 0, None),
        (family[2].pk, 1, family[0]),
        (family[1].pk, 1, None),
    ]
    assert words(page).count("like “ Tents from 1.9 kg ” above") == 1


def test_alike_ones_are_named_with_the_differing_words(as_ben, family, ads):
    page = as_ben.get(review("alike", family[0]), headers=HTMX)
    found = [one.variant.pk for one, _ in page.context["siblings"]]
    assert sorted(found) == sorted(one.pk for one in family[1:3])
    assert "<ins>" in page.content.decode()


def test_the_first_decision_is_offered_to_the_alike(as_ben, family):
    as_ben.get(review("variant", family[0]))
    answer = as_ben.post(review("approve", family[0]), shown(family[0]), headers=HTMX)
    assert "The same for 2 alike?" in words(answer)
    page = as_ben.get(review("bulk"), {"alike": str(family[0].pk)})
    assert {row.pk for row, *_ in page.context["ready"]} == {family[1].pk, family[2].pk}
    as_ben.post(review("bulk"), picked(*family[1:3]))
    assert [status(one) for one in family] == ["approved"] * 3 + ["proposed"]


@pytest.mark.parametrize("verb", ["approve", "reject"])
def test_what_was_just_decided_comes_first_for_the_alike(as_ben, family, verb):
    as_ben.get(review("variant", family[0]))
    asked = {**shown(family[0]), "reason": "other", "comment": "Not in kilos."}
    as_ben.post(review(verb, family[0]), asked)
    page = as_ben.get(review("bulk"), {"alike": str(family[0].pk)}).content.decode()
    buttons = re.findall(r'<button class="button[^>]*data-key="(.)">.*?> ([^<]*) <kbd>', page)
    if verb == "approve":
        assert buttons == [("a", "Approve these 2")]
        return
    other = Decision.Reason.OTHER
    assert buttons == [
        ("r", f"Reject these 2: {other.label}"),
        ("a", "Approve these 2 instead"),
    ]
    assert f'name="reason" value="{other}" data-key="r"' in page
    kept = re.search(r'<textarea id="reject-comment".*?>(.*?)</textarea>', page)[1]
    as_ben.post(review("bulk"), {**picked(*family[1:3]), "reason": other, "comment": kept})
    assert [status(one) for one in family] == ["rejected"] * 3 + ["proposed"]


def test_an_edit_that_was_approved_is_offered_to_the_alike_too(as_ben, acme, family):
    acme.author_may_approve = True
    acme.save()
    as_ben.get(review("variant", family[0]))
    better = replace(COPY, primary_text="Pack light. A tent of 2 kilos.")
    step = as_ben.post(review("edit", family[0]), typed(family[0], better, approve=""))
    asked = typed(family[0], better, approve=step.context["confirm_hash"])
    answer = as_ben.post(review("edit", family[0]), asked, headers=HTMX)
    assert "Edited and approved" in words(answer)
    assert "The same for 2 alike?" in words(answer)


def test_a_text_close_to_a_rejected_one_says_so(as_ben, rita, ads, agent, target):
    reject_variant(
        actor=rita,
        variant_id=ads[0].pk,
        shown_hash=live_hash(ads[0]),
        reason_code=Decision.Reason.WRONG_CLAIM,
        comment="Not weighed.",
    )
    again = propose(agent, target, replace(COPY, headline="Once"))
    found = words(as_ben.get(review("alike", again)))
    assert "Rejected before" in found
    assert "Claim is wrong or unproven" in found
    assert "Not weighed." in found
    assert "Rita" in found
    # Also where no script asks for it, in the queue's filter, and for the agent.
    card = words(as_ben.get(review("variant", again)))
    assert "Nearly this text was rejected on" in card
    assert "(“One”): Claim is wrong or unproven: Not weighed." in card
    assert [flag["code"] for flag in again.head.flags] == ["rejected_before"]
    assert again.has_warnings


def test_alike_of_another_workspace_is_not_found(as_ben, ads):
    answer = as_ben.get(review("bulk"), {"alike": "11111111-1111-4111-8111-111111111111"})
    assert answer.status_code == 404
    assert as_ben.get(review("bulk"), {"alike": "nonsense"}).status_code == 200
