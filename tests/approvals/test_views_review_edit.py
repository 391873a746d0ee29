"""Editing in place, withdrawing, and the pictures."""

from __future__ import annotations

from dataclasses import replace

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse

from approvals.models import AdVariant, VariantRevision
from approvals.services.images import store_image
from approvals.services.review import approve_variant, edit_variant, reject_variant
from approvals.states import PushState, VariantStatus
from leadmetrics.demo_images import draw_scene
from tests.approvals.conftest import COPY, make_target_for, propose
from tests.approvals.pages import (
    HTMX,
    announced,
    live_hash,
    review,
    shown,
    told,
    typed,
    words,
)
from tests.builders import (
    client_for,
    make_variant,
)

OTHER = replace(COPY, headline="Tents for two")


@pytest.fixture
def second(agent, target) -> AdVariant:
    return propose(agent, target, replace(COPY, headline="Second in line"))


@pytest.fixture
def as_rita(rita):
    return client_for(rita)


# --- Editing --------------------------------------------------------------------------------------


def test_edit_form_shows_the_words_with_counters(as_ben, variant):
    page = as_ben.get(review("edit", variant)).content.decode()
    assert COPY.primary_text in page
    for field, limit in (("primary_text", 125), ("headline", 40), ("description", 30)):
        assert f'data-counter-for="id_{field}" data-limit="{limit}"' in page


def test_edit_form_of_a_finished_ad_leads_back_to_it(as_ben, variant):
    AdVariant.objects.update(status=VariantStatus.PAUSED)
    assert as_ben.get(review("edit", variant)).url == review("variant", variant)


@pytest.mark.parametrize("headers", [{}, HTMX], ids=["page", "fragment"])
def test_edit_makes_a_version_and_shows_it(as_ben, variant, headers):
    answer = as_ben.post(review("edit", variant), typed(variant, OTHER), headers=headers)
    assert VariantRevision.objects.get(number=2).headline == OTHER.headline
    if headers:
        assert announced(answer) == "Saved as version 2. It waits for a decision."
        assert answer["HX-Push-Url"] == review("variant", variant)
        assert answer.context["card"]["revision"].headline == OTHER.headline
    else:
        assert answer.url == review("variant", variant)
        assert told(answer) == ["Saved as version 2. It waits for a decision."]


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        ("headline", "x" * 41, "Headline has 41 characters; 40 are allowed."),
        ("headline", "", "Headline is missing."),
        ("primary_text", "", "Primary text is missing."),
        ("link", "ftp://acme.example/", "must start with https://"),
        ("call_to_action", "CLICK", "Select a valid choice."),
        ("primary_text", "zero\u200bwidth", "invisible characters"),
    ],
)
def test_edit_that_breaks_a_rule_says_so_beside_the_field_and_keeps_the_text(
    as_ben, variant, field, value, said
):
    data = typed(variant, OTHER, **{field: value, "description": "typed with care"})
    answer = as_ben.post(review("edit", variant), data)
    assert answer.status_code == 422
    assert said in " ".join(answer.context["form"].errors[field])
    assert "typed with care" in answer.content.decode()
    assert VariantRevision.objects.count() == 1


def test_edit_that_changes_nothing_says_so(as_ben, variant):
    answer = as_ben.post(review("edit", variant), typed(variant, COPY))
    assert answer.status_code == 422
    assert "Nothing was changed, so nothing was saved." in words(answer)


def test_edit_of_a_text_that_moved_keeps_the_typing_and_shows_what_changed(as_ben, variant, rita):
    mine = typed(variant, replace(COPY, headline="My own words"))
    edit_variant(actor=rita, variant_id=variant.pk, shown_hash=mine["content_hash"], copy=OTHER)
    answer = as_ben.post(review("edit", variant), mine)
    assert answer.status_code == 409
    assert "This ad changed while you were writing" in words(answer)
    assert answer.context["form"]["headline"].value() == "My own words"
    assert answer.context["form"]["content_hash"].value() == live_hash(variant)
    assert [change.label for change in answer.context["changes"]] == ["Headline"]


@pytest.mark.parametrize("name", ["", "ridge.png"])
def test_a_second_click_on_save_says_that_it_is_saved(as_ben, variant, name):
    def save():
        file = SimpleUploadedFile(name, draw_scene("ridge"), "image/png") if name else ""
        return as_ben.post(review("edit", variant), {**data, "image": file})

    data = typed(variant, replace(OTHER, description=" Free  returns "))
    save()
    again = save()
    assert again.url == review("variant", variant)
    assert told(again)[-1] == "Saved as version 2. It waits for a decision."
    assert VariantRevision.objects.filter(variant=variant).count() == 2


def test_the_same_words_of_somebody_else_are_no_second_click(as_ben, variant, rita):
    data = typed(variant, OTHER)
    edit_variant(actor=rita, variant_id=variant.pk, shown_hash=data["content_hash"], copy=OTHER)
    assert as_ben.post(review("edit", variant), data).status_code == 409


def test_edit_of_a_decided_ad_keeps_the_typing_and_shows_the_true_state(as_ben, variant, rita):
    mine = typed(variant, replace(COPY, headline="My own words"))
    reject_variant(
        actor=rita,
        variant_id=variant.pk,
        shown_hash=mine["content_hash"],
        reason_code="policy",
    )
    answer = as_ben.post(review("edit", variant), mine)
    assert answer.status_code == 409
    assert "Your text was not saved" in words(answer)
    assert "Rejected by Rita" in words(answer)
    assert answer.context["form"]["headline"].value() == "My own words"


def test_edit_of_an_approved_ad_starts_over(as_ben, as_rita, variant, ben):
    approve_variant(actor=ben, variant_id=variant.pk, shown_hash=live_hash(variant))
    assert as_rita.get(review("edit", variant)).status_code == 200
    as_rita.post(review("edit", variant), typed(variant, OTHER))
    variant.refresh_from_db()
    assert variant.status == VariantStatus.PROPOSED
    assert variant.pushes.get().state == PushState.VOIDED


def test_edit_takes_another_image(as_ben, variant):
    file = SimpleUploadedFile("ridge.png", draw_scene("ridge"), "image/png")
    as_ben.post(review("edit", variant), typed(variant, COPY, image=file))
    assert VariantRevision.objects.get(number=2).image.width == 1200


def test_edit_refuses_what_is_no_image(as_ben, variant):
    file = SimpleUploadedFile("ridge.png", b"<svg onload=alert(1)>", "image/png")
    answer = as_ben.post(review("edit", variant), typed(variant, OTHER, image=file))
    assert answer.status_code == 422
    assert answer.context["form"].errors["image"] == [
        "This file is not a readable PNG or JPEG image."
    ]


# --- Withdrawing, pictures ------------------------------------------------------------------------


def test_withdraw_takes_the_ad_out_of_the_queue(as_ben, variant, second):
    answer = as_ben.post(review("withdraw", variant), shown(variant))
    assert answer.url == review("variant", second)
    variant.refresh_from_db()
    assert variant.status == VariantStatus.WITHDRAWN
    assert "Withdrawn" in words(as_ben.get(review("variant", variant)))


@pytest.mark.parametrize("act", ["withdraw", "defer"])
def test_what_changed_meanwhile_is_neither_withdrawn_nor_put_off(as_ben, variant, rita, act):
    stale = shown(variant)
    edit_variant(actor=rita, variant_id=variant.pk, shown_hash=stale["content_hash"], copy=OTHER)
    before = AdVariant.objects.get(pk=variant.pk)
    for sent in (stale, {}):
        answer = as_ben.post(review(act, variant), sent)
        assert answer.status_code == 409
        assert "This ad changed while you were reading" in words(answer)
    now = AdVariant.objects.get(pk=variant.pk)
    assert (now.status, now.queue_at) == (before.status, before.queue_at)


def test_withdraw_of_a_decided_ad_shows_the_true_state(as_ben, variant, ben):
    approve_variant(actor=ben, variant_id=variant.pk, shown_hash=live_hash(variant))
    answer = as_ben.post(review("withdraw", variant), shown(variant))
    assert answer.status_code == 409
    assert "Approved by Ben" in words(answer)


@pytest.fixture
def picture(acme):
    return store_image(tenant=acme, content=draw_scene("lake"))


def picture_url(picture, tenant="acme-outdoor") -> str:
    return reverse("review:image", args=[tenant, picture.sha256])


def test_image_comes_with_its_type_and_may_be_kept_by_this_browser_only(as_vera, picture):
    answer = as_vera.get(picture_url(picture))
    assert b"".join(answer.streaming_content) == draw_scene("lake")
    assert answer["Content-Type"] == "image/png"
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert "private" in answer["Cache-Control"]
    assert "public" not in answer["Cache-Control"]


def test_image_of_another_tenant_is_not_found(as_olga, picture):
    assert as_olga.get(picture_url(picture)).status_code == 404
    assert as_olga.get(picture_url(picture, "harbour")).status_code == 404


def test_image_sends_a_visitor_to_sign_in(client, picture):
    assert client.get(picture_url(picture)).url.startswith("/sign-in/")


def test_image_takes_no_post(as_ben, picture):
    assert as_ben.post(picture_url(picture)).status_code == 405


def test_image_whose_file_is_gone_is_not_found(as_ben, picture):
    picture.file.storage.delete(picture.file.name)
    assert as_ben.get(picture_url(picture)).status_code == 404


def test_ad_with_an_image_shows_our_copy_of_it(as_ben, agent, target):
    made = propose(agent, target, image=draw_scene("forest"))
    page = as_ben.get(review("variant", made)).content.decode()
    assert f'src="{picture_url(made.head.image)}"' in page


def test_target_of_another_tenant_stays_out_of_the_queue(as_ben, variant, harbour):
    make_variant(make_target_for(harbour), headline="Not for your eyes")
    answer = as_ben.get(review("queue"))
    assert "Not for your eyes" not in answer.content.decode()
    assert "1 waiting." in words(answer)
