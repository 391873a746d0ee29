"""Editing and approving as one explicit act: first what changes, then exactly that."""

from __future__ import annotations

from dataclasses import replace

import pytest

from approvals.models import AdVariant
from approvals.services.review import edit_variant
from approvals.states import VariantStatus
from tests.approvals.conftest import COPY
from tests.approvals.pages import live_hash, review, told, typed, words
from tests.builders import client_for

MINE = replace(COPY, headline="Tents of 1.9 kg")


@pytest.fixture
def as_ben(ben):
    return client_for(ben)


@pytest.fixture
def trusting(acme):
    acme.author_may_approve = True
    acme.save()


def now(variant) -> tuple[str, str, int]:
    fresh = AdVariant.objects.select_related("head").get(pk=variant.pk)
    return fresh.status, fresh.head.headline, fresh.decisions.count()


def test_what_changes_is_shown_before_it_is_saved_and_approved(trusting, as_ben, variant):
    form = typed(variant, MINE)
    page = as_ben.post(review("edit", variant), {**form, "approve": ""})
    assert "This is what you change and approve" in words(page)
    assert "<ins>" in page.content.decode()
    assert now(variant) == (VariantStatus.PROPOSED, COPY.headline, 0)
    as_ben.post(review("edit", variant), {**form, "approve": page.context["confirm_hash"]})
    assert now(variant) == (VariantStatus.APPROVED, MINE.headline, 1)
    assert variant.decisions.get().content_hash == page.context["confirm_hash"]


def test_words_changed_after_the_difference_are_shown_again(trusting, as_ben, variant):
    page = as_ben.post(review("edit", variant), {**typed(variant, MINE), "approve": ""})
    other = {**typed(variant, replace(MINE, headline="Other words"))}
    again = as_ben.post(review("edit", variant), {**other, "approve": page.context["confirm_hash"]})
    assert "This is what you change and approve" in words(again)
    assert now(variant) == (VariantStatus.PROPOSED, COPY.headline, 0)


def test_where_the_author_may_not_approve_neither_happens(as_ben, variant):
    form = typed(variant, MINE)
    page = as_ben.post(review("edit", variant), {**form, "approve": ""})
    assert "See what changes" not in words(page)
    answer = as_ben.post(review("edit", variant), {**form, "approve": page.context["confirm_hash"]})
    assert answer.status_code == 403
    assert now(variant) == (VariantStatus.PROPOSED, COPY.headline, 0)


def test_a_second_click_says_that_it_counted(trusting, as_ben, variant):
    form = typed(variant, MINE)
    page = as_ben.post(review("edit", variant), {**form, "approve": ""})
    sent = {**form, "approve": page.context["confirm_hash"]}
    as_ben.post(review("edit", variant), sent)
    again = as_ben.post(review("edit", variant), sent)
    assert again.status_code == 302
    assert "it counts once" in told(again)[-1]
    assert now(variant) == (VariantStatus.APPROVED, MINE.headline, 1)


def test_what_was_only_saved_is_not_said_to_be_approved(trusting, as_ben, variant):
    form = typed(variant, MINE)
    page = as_ben.post(review("edit", variant), {**form, "approve": ""})
    as_ben.post(review("edit", variant), form)
    late = as_ben.post(review("edit", variant), {**form, "approve": page.context["confirm_hash"]})
    assert late.status_code == 409
    assert now(variant) == (VariantStatus.PROPOSED, MINE.headline, 0)


def test_somebody_else_was_first(trusting, as_ben, rita, variant):
    form = typed(variant, MINE)
    page = as_ben.post(review("edit", variant), {**form, "approve": ""})
    edit_variant(
        actor=rita,
        variant_id=variant.pk,
        shown_hash=live_hash(variant),
        copy=replace(COPY, headline="Rita was here"),
    )
    answer = as_ben.post(review("edit", variant), {**form, "approve": page.context["confirm_hash"]})
    assert answer.status_code == 409
    assert now(variant) == (VariantStatus.PROPOSED, "Rita was here", 0)


def test_a_mistake_and_no_change_are_told(trusting, as_ben, variant):
    wrong = typed(variant, replace(COPY, headline="x" * 60))
    assert as_ben.post(review("edit", variant), {**wrong, "approve": ""}).status_code == 422
    same = as_ben.post(review("edit", variant), {**typed(variant, COPY), "approve": ""})
    assert "Nothing was changed" in words(same)
