"""Approving and rejecting, with and without htmx: what counts, what does not, what comes next."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from django.urls import reverse

from approvals.models import AdImage, AdVariant, Decision
from approvals.services.review import approve_variant, edit_variant, reject_variant
from approvals.states import VariantStatus
from tests.approvals.conftest import COPY, propose
from tests.approvals.pages import (
    HTMX,
    announced,
    live_hash,
    review,
    shown,
    told,
    words,
)
from tests.builders import make_integration, make_page, make_revision

OTHER = replace(COPY, headline="Tents for two")


@pytest.fixture
def second(agent, target) -> AdVariant:
    return propose(agent, target, replace(COPY, headline="Second in line"))


# --- Approving ------------------------------------------------------------------------------------


def test_approve_without_scripts_goes_on_to_the_next_with_a_message(as_ben, variant, second):
    answer = as_ben.post(review("approve", variant), shown(variant))
    assert answer.status_code == 302
    assert answer.url == review("variant", second)
    assert told(answer) == [
        "Approved “Tents from 1.9 kg”. It will appear paused in the ad account."
    ]
    variant.refresh_from_db()
    assert variant.status == VariantStatus.APPROVED


def test_approve_by_htmx_swaps_in_the_next_and_says_so(as_ben, variant, second):
    answer = as_ben.post(review("approve", variant), shown(variant), headers=HTMX)
    assert answer.status_code == 200
    assert answer["HX-Push-Url"] == review("variant", second)
    assert announced(answer).startswith("Approved “Tents from 1.9 kg”.")
    page = answer.content.decode()
    assert "<html" not in page
    assert 'id="desk"' in page
    assert answer.context["card"]["variant"] == second
    assert "1 waiting." in words(answer)


def test_approve_of_the_last_one_ends_with_all_done(as_ben, variant):
    answer = as_ben.post(review("approve", variant), shown(variant), headers=HTMX)
    assert "All done" in words(answer)
    assert answer["HX-Push-Url"] == review("queue")


def test_approve_of_the_last_one_without_scripts_goes_to_the_queue(as_ben, variant):
    answer = as_ben.post(review("approve", variant), shown(variant), follow=True)
    assert "All done" in words(answer)
    assert "Approved “Tents from 1.9 kg”." in words(answer)


def test_after_the_end_of_the_queue_comes_what_was_passed_over(as_ben, variant, second):
    answer = as_ben.post(review("approve", second), shown(second))
    assert answer.url == review("variant", variant)


def test_next_keeps_the_filter(as_ben, agent, target, variant, second):
    third = propose(agent, target, replace(COPY, headline="Tents third"))
    answer = as_ben.post(review("approve", variant) + "?q=tents", shown(variant))
    assert answer.url == f"{review('variant', third)}?q=tents"


def test_second_click_counts_once_and_is_no_error(as_ben, variant, second):
    data = shown(variant)
    as_ben.post(review("approve", variant), data)
    again = as_ben.post(review("approve", variant), data)
    assert again.url == review("variant", second)
    assert "it counts once" in told(again)[-1]
    assert Decision.objects.count() == 1


@pytest.mark.parametrize("headers", [{}, HTMX], ids=["page", "fragment"])
def test_approve_of_a_changed_text_does_not_count_and_shows_what_changed(
    as_ben, variant, rita, headers
):
    stale = shown(variant)
    edit_variant(actor=rita, variant_id=variant.pk, shown_hash=stale["content_hash"], copy=OTHER)
    answer = as_ben.post(review("approve", variant), stale, headers=headers)
    assert answer.status_code == 409
    assert "This ad changed while you were reading" in words(answer)
    assert [change.label for change in answer.context["changes"]] == ["Headline"]
    assert answer.context["card"]["shown"]["content_hash"] == live_hash(variant)
    assert Decision.objects.count() == 0
    if headers:
        assert answer["HX-Push-Url"] == review("variant", variant)


def test_approve_after_the_target_moved_does_not_count_and_shows_what_moved(
    as_ben, acme, variant, target
):
    target.url_tags = "utm_source=meta"
    target.save()
    stale = as_ben.get(review("variant", variant)).context["card"]["shown"]
    target.url_tags, target.page = "utm_source=elsewhere", make_page(target.ad_account.integration)
    target.save()
    target.ad_account.integration = make_integration(acme, meta_user_name="Ben Roth")
    target.ad_account.save()
    image = AdImage.objects.create(tenant=acme, sha256="b" * 64, width=1200, height=628)
    make_revision(variant, headline="Tents for two", image=image)
    answer = as_ben.post(review("approve", variant), stale)
    assert answer.status_code == 409
    assert [change.label for change in answer.context["changes"]] == [
        "Headline",
        "Picture",
        "Connection",
        "Page",
        "URL tags",
    ]
    assert re.search(r"<del>.*?meta.*?</del><ins>.*?elsewhere.*?</ins>", answer.content.decode())
    assert Decision.objects.count() == 0


@pytest.mark.parametrize("note", ["", "forged:note"])
def test_without_its_note_a_stale_form_still_does_not_count(as_ben, variant, target, note):
    stale = {**shown(variant), "goes_to": note}
    target.url_tags = "utm_source=elsewhere"
    target.save()
    answer = as_ben.post(review("approve", variant), stale)
    assert answer.status_code == 409
    assert "It is no longer what you saw. Look again." in words(answer)
    assert Decision.objects.count() == 0


@pytest.mark.parametrize("data", [{}, {"content_hash": "0" * 64, "revision": "1"}])
def test_approve_without_the_right_hash_does_not_count(as_ben, variant, data):
    assert as_ben.post(review("approve", variant), data).status_code == 409
    assert Decision.objects.count() == 0


def test_approve_after_somebody_else_decided_shows_the_true_state(as_ben, variant, rita):
    data = shown(variant)
    reject_variant(
        actor=rita,
        variant_id=variant.pk,
        shown_hash=data["content_hash"],
        reason_code="wrong_offer",
    )
    answer = as_ben.post(review("approve", variant), data)
    assert answer.status_code == 409
    assert "Your decision was not counted" in words(answer)
    assert "Rejected by Rita" in words(answer)
    assert Decision.objects.count() == 1


def test_own_edit_names_who_can_approve(as_ben, ben, rita, variant):
    edit_variant(
        actor=ben,
        variant_id=variant.pk,
        shown_hash=live_hash(variant),
        copy=OTHER,
    )
    answer = as_ben.get(review("variant", variant))
    assert "You wrote this version, so somebody else approves it: Rita" in words(answer)
    assert 'data-key="a"' not in answer.content.decode()
    assert 'data-key="r"' in answer.content.decode()
    assert as_ben.post(review("approve", variant), shown(variant)).status_code == 403


def test_own_edit_with_nobody_else_says_what_an_admin_can_do(as_ben, ben, variant):
    edit_variant(
        actor=ben,
        variant_id=variant.pk,
        shown_hash=live_hash(variant),
        copy=OTHER,
    )
    assert "Nobody else here may" in words(as_ben.get(review("variant", variant)))


def test_own_edit_may_be_approved_where_the_policy_says_so(as_ben, acme, ben, variant):
    acme.author_may_approve = True
    acme.save()
    edit_variant(
        actor=ben,
        variant_id=variant.pk,
        shown_hash=live_hash(variant),
        copy=OTHER,
    )
    assert 'data-key="a"' in as_ben.get(review("variant", variant)).content.decode()
    assert as_ben.post(review("approve", variant), shown(variant)).status_code == 302


# --- Rejecting ------------------------------------------------------------------------------------


def test_reject_menu_has_eight_numbered_reasons(as_ben, variant):
    page = as_ben.get(review("variant", variant)).content.decode()
    for number, (code, label) in enumerate(Decision.Reason.choices, start=1):
        assert f'value="{code}" data-key="{number}"' in page
        assert label.replace("'", "&#x27;") in page


@pytest.mark.parametrize("reason", [code for code in Decision.Reason.values if code != "other"])
def test_reject_takes_each_reason(as_ben, variant, second, reason):
    answer = as_ben.post(review("reject", variant), {**shown(variant), "reason": reason})
    assert answer.url == review("variant", second)
    assert told(answer) == ["Rejected “Tents from 1.9 kg”. Nothing of it is sent to Meta."]
    assert Decision.objects.get().reason_code == reason


def test_reject_keeps_the_comment(as_ben, variant):
    as_ben.post(
        review("reject", variant), {**shown(variant), "reason": "other", "comment": "Too loud."}
    )
    assert Decision.objects.get().comment == "Too loud."


@pytest.mark.parametrize("headers", [{}, HTMX], ids=["page", "fragment"])
@pytest.mark.parametrize(
    ("data", "said"),
    [
        ({"reason": "other", "comment": " "}, "Say in a few words why"),
        ({"comment": "Too loud."}, "Choose one of the reasons."),
        ({"reason": "because", "comment": "Too loud."}, "Choose one of the reasons."),
        ({"reason": "policy", "comment": "x" * 1001}, "Use at most 1,000 characters."),
    ],
)
def test_reject_that_lacks_something_keeps_what_was_typed(as_ben, variant, data, said, headers):
    answer = as_ben.post(review("reject", variant), {**shown(variant), **data}, headers=headers)
    assert answer.status_code == 422
    assert said in words(answer)
    assert data["comment"].strip() in answer.content.decode()
    assert '<details class="menu menu--up" open>' in answer.content.decode()
    assert Decision.objects.count() == 0


def test_reject_of_a_changed_text_does_not_count(as_ben, variant, rita):
    stale = shown(variant)
    edit_variant(actor=rita, variant_id=variant.pk, shown_hash=stale["content_hash"], copy=OTHER)
    said = {"reason": "policy", "comment": "Too loud"}
    answer = as_ben.post(review("reject", variant), {**stale, **said})
    assert answer.status_code == 409
    assert answer.context["rejection"]["comment"].value() == "Too loud"
    assert Decision.objects.count() == 0


def test_rejected_ad_says_by_whom_and_why(as_ben, variant, rita):
    reject_variant(
        actor=rita,
        variant_id=variant.pk,
        shown_hash=live_hash(variant),
        reason_code="wrong_claim",
        comment="No proof.",
    )
    page = words(as_ben.get(review("variant", variant)))
    assert "Rejected by Rita" in page
    assert "Claim is wrong or unproven: No proof." in page
    assert 'data-key="a"' not in as_ben.get(review("variant", variant)).content.decode()


def test_approved_ad_says_where_it_is_and_links_there(as_ben, variant, ben):
    approve_variant(actor=ben, variant_id=variant.pk, shown_hash=live_hash(variant))
    page = as_ben.get(review("variant", variant)).content.decode()
    assert "Now: Approved, waiting to be sent." in page
    assert reverse("ads:detail", args=["acme-outdoor", variant.pk]) in page
