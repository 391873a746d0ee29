"""Comments on the review card: the form, the marked words, the thread."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
import time_machine
from django.urls import reverse
from django.utils import timezone

from approvals.models import Comment
from leadmetrics.tenancy.models import Membership
from tests.approvals.pages import (
    ESCAPED_MARKUP,
    HTMX,
    MARKUP,
    announced,
    review,
    shown,
    told,
    words,
)
from tests.builders import client_for, make_agent_key, make_revision


def said(variant, **more) -> dict[str, object]:
    return {**shown(variant), "text": "Is that so?", **more}


def ad_page(variant) -> str:
    return reverse("ads:detail", args=["acme-outdoor", variant.pk])


def page_of(client, variant) -> str:
    return client.get(review("variant", variant)).content.decode()


def test_without_scripts_typed_words_are_found_marked_and_quoted(as_ben, variant):
    form = as_ben.get(review("comment", variant)).content.decode()
    assert 'name="words"' in form
    answer = as_ben.post(review("comment", variant), said(variant, words="1.9 kg"))
    assert answer.url == review("variant", variant)
    assert told(answer) == ["Comment 1 added."]
    page = page_of(as_ben, variant)
    assert re.search(r'<mark class="remark">1\.9 kg</mark><sup[^>]*><a href="#comment-1"', page)
    assert re.search(r"<blockquote[^>]*>1\.9 kg", page)
    assert "Comment 1: version 1" in page
    assert "Is that so?" in words(as_ben.get(ad_page(variant)))


def test_words_that_are_not_there_are_an_error_that_keeps_the_text(as_ben, variant):
    answer = as_ben.post(review("comment", variant), said(variant, words="2.1 kg"), headers=HTMX)
    assert answer.status_code == 422
    assert "These words are not in the ad." in words(answer)
    page = answer.content.decode()
    assert "Is that so?" in page
    assert 'value="2.1 kg"' in page
    assert not Comment.objects.exists()


def test_marked_words_come_with_the_address_and_a_member_is_told(as_ben, rita, variant):
    marked = {"words": "Walk far", "field": "primary_text", "near": "12"}
    form = as_ben.get(review("comment", variant), marked, headers=HTMX).content.decode()
    for value in marked.values():
        assert f'value="{value}"' in form
    answer = as_ben.post(
        review("comment", variant), said(variant, **marked, tell=[rita.user_id]), headers=HTMX
    )
    assert announced(answer) == "Comment 1 added. Rita will be told by mail."
    assert "told Rita" in words(answer)


def test_a_comment_on_an_older_version_stays_with_it(as_ben, variant):
    seen = said(variant, words="1.9 kg")
    make_revision(variant, headline="Tents from 2.1 kg")
    as_ben.post(review("comment", variant), seen)
    page = page_of(as_ben, variant)
    assert '<mark class="remark">' not in page
    assert "version 1" in page
    assert "1.9 kg" in page


def test_overlapping_marks_all_show(as_ben, variant):
    for quote in ("Tents from", "from 1.9 kg"):
        as_ben.post(review("comment", variant), said(variant, words=quote))
    marked = re.findall(r'<mark class="remark">([^<]+)</mark>', page_of(as_ben, variant))
    assert marked == ["Tents ", "from", " 1.9 kg"]


def test_markup_is_shown_as_text_everywhere(as_ben, variant):
    make_revision(variant, headline=MARKUP)
    as_ben.post(review("comment", variant), said(variant, text=MARKUP, words=MARKUP))
    assert Comment.objects.count() == 1
    for page in (
        review("variant", variant),
        ad_page(variant),
    ):
        content = as_ben.get(page).content.decode()
        assert MARKUP not in content
        assert ESCAPED_MARKUP in content
    refused = as_ben.post(review("comment", variant), said(variant, text="", words=MARKUP))
    assert MARKUP not in refused.content.decode()


@pytest.mark.parametrize("field", ["text", "words"])
def test_a_paste_of_a_megabyte_is_refused_and_kept_in_the_field(as_ben, variant, field):
    answer = as_ben.post(review("comment", variant), said(variant, **{field: "x" * 1_000_000}))
    assert answer.status_code == 422
    assert "at most" in words(answer)
    assert "x" * 1_000_000 in answer.content.decode()
    assert not Comment.objects.exists()


def test_a_removed_member_cannot_be_ticked(as_ben, rita, variant):
    Membership.objects.filter(user_id=rita.user_id).delete()
    answer = as_ben.post(review("comment", variant), said(variant, tell=[rita.user_id]))
    assert answer.status_code == 422
    assert "no longer a member" in words(answer)


def test_card_with_comments_and_the_form_need_few_queries(
    as_ben, acme, variant, settings, django_assert_max_num_queries
):
    settings.LINK_CHECKS = True
    acme.undo_minutes = 10
    acme.save()
    for _ in range(30):
        as_ben.post(review("comment", variant), said(variant, words="Tents"))
    for name in ("variant", "comment"):
        make_revision(variant, headline=f"Tents {name}")  # seen for the first time
        with django_assert_max_num_queries(11):
            as_ben.get(review(name, variant))


def test_agents_read_the_comments(as_ben, acme, ben, variant, client):
    as_ben.post(review("comment", variant), said(variant, words="1.9 kg"))
    _, secret = make_agent_key(acme, ben)
    with time_machine.travel(timezone.now() + timedelta(seconds=5), tick=True):
        answer = client.get(
            "/api/v1/variants", headers={"Authorization": f"Bearer {secret}"}
        ).json()
    (comment,) = answer["variants"][0]["comments"]
    assert (comment["author"], comment["text"], comment["words"], comment["field"]) == (
        "Ben",
        "Is that so?",
        "1.9 kg",
        "headline",
    )


def test_a_viewer_may_comment_but_not_decide(vera, variant):
    as_vera = client_for(vera)
    assert as_vera.post(review("comment", variant), said(variant)).status_code == 302
    assert as_vera.post(review("approve", variant), shown(variant)).status_code == 403
