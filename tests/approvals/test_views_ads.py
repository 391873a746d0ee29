"""The ads page: where each approved ad is, its story, and what a person can do about it."""

from __future__ import annotations

from datetime import timedelta
from uuid import uuid4

import pytest
from django.urls import reverse
from django.utils import timezone

from approvals.models import AdVariant, Push
from approvals.states import PushState, StepState, VariantStatus
from tests.approvals.conftest import make_target_for
from tests.approvals.pages import ESCAPED_MARKUP, HTMX, MARKUP, ads, announced, told, words
from tests.builders import make_decision, make_push, make_variant, make_variants

STATE_OF = {
    VariantStatus.APPROVED: PushState.WAITING,
    VariantStatus.PUSHING: PushState.RUNNING,
    VariantStatus.PUSH_UNKNOWN: PushState.UNKNOWN,
    VariantStatus.PUSH_FAILED: PushState.FAILED,
    VariantStatus.PAUSED: PushState.DONE,
}


def make_ad(target, reviewer, status=VariantStatus.PAUSED, proposal=None, **push) -> AdVariant:
    """An approved ad in this status, with its push."""
    headline = push.pop("headline", "Tents from 1.9 kg")
    made = make_variant(target, status=status, proposal=proposal, headline=headline)
    make_push(make_decision(made, reviewer), state=STATE_OF[status], **push)
    return made


@pytest.fixture
def paused(target, ben) -> AdVariant:
    made = make_ad(target, ben)
    push = made.pushes.get()
    now = timezone.now()
    push.read_back = {"configured_status": "PAUSED", "content_hash": push.payload_hash}
    push.finished_at = now + timedelta(seconds=1)
    push.save()
    for kind in ("image", "creative", "ad"):
        push.steps.create(
            kind=kind, state=StepState.DONE, fence=1, sent_at=now, finished_at=now, object_id="77"
        )
    return made


@pytest.fixture
def failed(target, ben) -> AdVariant:
    return make_ad(
        target,
        ben,
        VariantStatus.PUSH_FAILED,
        problem_code="refused_by_meta",
        problem="Meta refused the content or a setting of this ad. It must be changed.",
    )


# --- Who sees what -------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["list", "detail"])
def test_page_sends_a_visitor_to_sign_in(client, paused, name):
    answer = client.get(ads(name, paused if name == "detail" else None))
    assert answer.url.startswith("/sign-in/")


@pytest.mark.parametrize("name", ["list", "detail"])
def test_page_of_another_tenant_is_not_found(as_olga, paused, name):
    assert as_olga.get(ads(name, paused if name == "detail" else None)).status_code == 404


@pytest.mark.parametrize("name", ["detail", "release", "hand_back"])
def test_own_address_with_another_tenants_ad_is_not_found(as_olga, failed, name):
    ask = as_olga.get if name == "detail" else as_olga.post
    assert ask(ads(name, failed, "harbour")).status_code == 404


@pytest.mark.parametrize("name", ["detail", "release", "hand_back"])
def test_unknown_ad_is_not_found(as_ben, acme, name):
    ask = as_ben.get if name == "detail" else as_ben.post
    assert ask(ads(name, AdVariant(pk=uuid4()))).status_code == 404


@pytest.mark.parametrize("name", ["release", "hand_back"])
def test_act_sends_a_visitor_to_sign_in(client, failed, name):
    assert client.post(ads(name, failed)).url.startswith("/sign-in/")
    assert failed.pushes.get().state == PushState.FAILED


@pytest.mark.parametrize("name", ["release", "hand_back"])
def test_viewer_may_not_act_and_sees_no_button(as_vera, failed, name):
    assert as_vera.post(ads(name, failed)).status_code == 403
    assert failed.pushes.get().state == PushState.FAILED
    assert (
        '<form method="post" action="' + ads(name, failed)
        not in as_vera.get(ads("detail", failed)).content.decode()
    )


@pytest.mark.parametrize("name", ["release", "hand_back"])
def test_act_takes_no_get(as_ben, failed, name):
    assert as_ben.get(ads(name, failed)).status_code == 405


@pytest.mark.parametrize("name", ["list", "detail"])
def test_page_takes_no_post(as_ben, paused, name):
    assert as_ben.post(ads(name, paused if name == "detail" else None)).status_code == 405


# --- The list ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "word"),
    [
        (VariantStatus.APPROVED, "Waiting to be sent"),
        (VariantStatus.PUSHING, "Being sent"),
        (VariantStatus.PUSH_UNKNOWN, "Being looked up"),
        (VariantStatus.PUSH_FAILED, "Needs someone"),
        (VariantStatus.PAUSED, "In the ad account: paused"),
    ],
)
def test_list_says_in_one_word_where_an_ad_is(as_vera, target, ben, status, word):
    made = make_ad(target, ben, status)
    answer = as_vera.get(ads("list"))
    row = answer.context["rows"][0]
    assert (row["variant"], row["where"].word) == (made, word)
    assert "Ben" in words(answer)
    assert "Acme EU" in words(answer)
    assert ads("detail", made) in answer.content.decode()


def test_list_shows_the_ad_id(as_ben, paused):
    assert paused.pushes.get().ad_id in words(as_ben.get(ads("list")))


def test_list_without_ads_says_what_will_appear(as_ben, target):
    make_variant(target)
    answer = as_ben.get(ads("list"))
    assert "No approved ads yet" in words(answer)
    assert answer.context["rows"] == []


def test_list_is_filtered_by_state(as_ben, paused, failed):
    answer = as_ben.get(ads("list"), {"status": "push_failed"})
    assert [row["variant"] for row in answer.context["rows"]] == [failed]
    assert [(label, count) for label, _, count, _ in answer.context["filters"]] == [
        ("All", 2),
        ("Needs someone", 1),
        ("In the ad account: paused", 1),
    ]


@pytest.mark.parametrize("status", ["proposed", "nonsense", "rejected"])
def test_list_takes_an_unknown_state_as_all(as_ben, paused, status):
    answer = as_ben.get(ads("list"), {"status": status})
    assert [row["variant"] for row in answer.context["rows"]] == [paused]


def test_list_with_nothing_in_a_state_offers_all(as_ben, paused):
    assert "No ad is there now" in words(as_ben.get(ads("list"), {"status": "pushing"}))


@pytest.fixture
def crowd(target, ben) -> list[AdVariant]:
    made = make_variants(target, [f"Ad {n}" for n in range(200)], status=VariantStatus.PAUSED)
    for one in made:
        make_push(make_decision(one, ben), state=STATE_OF[VariantStatus.PAUSED])
    return made


def test_list_pages_by_key_there_and_back(as_ben, crowd):
    url, pages = ads("list"), []
    while url:
        page = as_ben.get(url).context
        pages.append([row["variant"].pk for row in page["rows"]])
        back, url = page["newer_url"], page["older_url"]
    assert [pk for page in pages for pk in page] == [one.pk for one in reversed(crowd)]
    before_last = as_ben.get(back).context
    assert [row["variant"].pk for row in before_last["rows"]] == pages[-2]


@pytest.mark.parametrize("query", [{}, {"status": "paused"}])
def test_list_needs_few_queries_whatever_the_number(
    as_ben, crowd, django_assert_max_num_queries, query
):
    with django_assert_max_num_queries(11):
        as_ben.get(ads("list"), query)
    with django_assert_max_num_queries(11):
        page = as_ben.get(ads("list"), query).context["older_url"]
    with django_assert_max_num_queries(11):
        as_ben.get(page)


@pytest.mark.parametrize("place", ["before", "after"])
@pytest.mark.parametrize("value", ["x", "2026-01-01_y", "2026-01-01T00:00:00_" + "0" * 32])
def test_list_takes_nonsense_in_the_address_as_nothing(as_ben, paused, place, value):
    assert len(as_ben.get(ads("list"), {place: value}).context["rows"]) == 1


def test_list_asks_again_only_while_something_moves(as_ben, target, ben, paused):
    assert "every 3s" not in as_ben.get(ads("list")).content.decode()
    make_ad(target, ben, VariantStatus.PUSHING)
    page = as_ben.get(ads("list"), headers=HTMX).content.decode()
    assert "every 3s" in page
    assert "<html" not in page


def test_ads_of_another_tenant_stay_out(as_ben, ben, paused, harbour, olga):
    make_ad(make_target_for(harbour), olga, headline="Not for your eyes")
    assert "Not for your eyes" not in as_ben.get(ads("list")).content.decode()


# --- One ad --------------------------------------------------------------------------------------


def test_ad_tells_its_whole_story(as_vera, paused):
    push = paused.pushes.get()
    answer = as_vera.get(ads("detail", paused))
    titles = [event.title for event in answer.context["timeline"]]
    assert titles[0] == "Meta reports PAUSED, text equal to what was approved"
    assert set(titles[1:]) == {
        "Ad created, paused",
        "Ad creative created",
        "Image uploaded",
        "Approved: version 1",
        "Proposed",
    }
    page = words(answer)
    for fact in (push.ad_id, push.creative_id, push.reference, push.payload_hash[:12]):
        assert fact in page


def test_ad_in_trouble_names_one_cause_one_step_one_owner(as_ben, failed):
    page = words(as_ben.get(ads("detail", failed)))
    assert "Meta refused the content or a setting of this ad." in page
    assert "Send it back to review, change what Meta refused, and decide." in page
    assert "A reviewer" in page
    assert "Try again" in page
    assert "Send back to review" in page


def test_ad_that_is_fine_offers_no_repair(as_ben, paused):
    answer = as_ben.get(ads("detail", paused))
    assert not answer.context["may_release"]
    assert not answer.context["may_hand_back"]


@pytest.mark.parametrize(
    "status", [VariantStatus.APPROVED, VariantStatus.PUSHING, VariantStatus.PUSH_UNKNOWN]
)
def test_ad_on_its_way_asks_again_by_itself_and_by_a_link(as_ben, target, ben, status):
    made = make_ad(target, ben, status)
    page = as_ben.get(ads("detail", made)).content.decode()
    assert f'hx-get="{ads("detail", made)}?was={status}" hx-trigger="every 2s"' in page
    assert "Look again" in page


def test_ad_that_arrived_asks_no_more(as_ben, paused):
    assert "every 2s" not in as_ben.get(ads("detail", paused)).content.decode()


def test_fragment_announces_only_a_change(as_ben, paused):
    same = as_ben.get(ads("detail", paused), {"was": "paused"}, headers=HTMX)
    changed = as_ben.get(ads("detail", paused), {"was": "pushing"}, headers=HTMX)
    assert "HX-Trigger" not in same
    assert announced(changed) == "In the ad account: paused."
    assert "<html" not in changed.content.decode()
    assert 'id="ad"' in changed.content.decode()


def test_ad_in_the_sandbox_links_to_the_stand_in(as_ben, paused, settings):
    assert (
        f'href="{settings.SANDBOX_URL}/sandbox/"'
        in as_ben.get(ads("detail", paused)).content.decode()
    )


def test_ad_at_the_real_meta_links_to_ads_manager(as_ben, paused, settings):
    settings.SANDBOX = False
    answer = as_ben.get(ads("detail", paused))
    ad_id = paused.pushes.get().ad_id
    assert answer.context["ads_manager_url"] == (
        f"https://adsmanager.facebook.com/adsmanager/manage/ads?act=3001&selected_ad_ids={ad_id}"
    )


def test_ad_that_does_not_exist_yet_has_no_link_to_ads_manager(as_ben, failed, settings):
    settings.SANDBOX = False
    assert as_ben.get(ads("detail", failed)).context["ads_manager_url"] == ""


def test_ad_that_was_never_approved_says_that_it_is_in_review(as_ben, variant):
    page = words(as_ben.get(ads("detail", variant)))
    assert "It waits for a decision; nothing of it is at Meta." in page
    assert "Review it" in page


def test_markup_in_every_field_stays_text(as_ben, target, ben):
    for part in (target.ad_set, target.page, target.ad_account, target):
        part.name = MARKUP
        part.save()
    made = make_variant(
        target, status=VariantStatus.PUSH_FAILED, headline=MARKUP, primary_text=MARKUP
    )
    make_push(
        make_decision(made, ben, comment=MARKUP),
        state=PushState.FAILED,
        problem=MARKUP,
        creative_id=MARKUP,
    )
    for page in (as_ben.get(ads("list")), as_ben.get(ads("detail", made))):
        assert MARKUP not in page.content.decode()
        assert ESCAPED_MARKUP in page.content.decode()


def test_ad_needs_few_queries_however_long_its_story(
    as_ben, ben, failed, django_assert_max_num_queries
):
    push = failed.pushes.get()
    for _ in range(50):
        push.steps.create(kind="ad", state="refused", fence=1, sent_at=timezone.now())
        make_decision(failed, ben, verdict="rejected")
    for headers in ({}, HTMX):
        with django_assert_max_num_queries(11):
            as_ben.get(ads("detail", failed), headers=headers)


# --- Repairs -------------------------------------------------------------------------------------


def test_try_again_wakes_the_push_once(as_ben, failed):
    answer = as_ben.post(ads("release", failed))
    assert answer.url == ads("detail", failed)
    assert told(answer) == ["It is tried again. What may exist at Meta is looked up first."]
    assert failed.pushes.get().state == PushState.WAITING
    again = as_ben.post(ads("release", failed))
    assert told(again)[-1] == "This ad is not waiting for anyone; look at its current state."
    assert Push.objects.count() == 1


def test_try_again_of_an_ad_without_a_push_is_not_found(as_ben, variant):
    assert as_ben.post(ads("release", variant)).status_code == 404


def test_send_back_opens_it_for_review(as_ben, failed):
    answer = as_ben.post(ads("hand_back", failed))
    assert answer.url == reverse("review:variant", args=["acme-outdoor", failed.pk])
    failed.refresh_from_db()
    assert failed.status == VariantStatus.PROPOSED
    assert told(answer) == ["Back in review. It has to be decided anew."]


def test_send_back_is_refused_while_an_ad_may_exist(as_ben, failed):
    push = failed.pushes.get()
    push.steps.create(kind="ad", state=StepState.UNKNOWN, fence=1, sent_at=timezone.now())
    assert not as_ben.get(ads("detail", failed)).context["may_hand_back"]
    answer = as_ben.post(ads("hand_back", failed))
    assert answer.url == ads("detail", failed)
    assert "its text can no longer change here" in told(answer)[0]
    failed.refresh_from_db()
    assert failed.status == VariantStatus.PUSH_FAILED


def test_send_back_of_a_finished_ad_is_refused(as_ben, paused):
    answer = as_ben.post(ads("hand_back", paused))
    assert "It cannot go back to review." in told(answer)[0]


def test_waiting_ad_says_when_it_is_tried_next(as_ben, target, ben):
    made = make_ad(
        target,
        ben,
        VariantStatus.APPROVED,
        problem_code="needs_reconnect",
        problem="Facebook no longer accepts this connection. An admin must reconnect it.",
        next_attempt_at=timezone.now() + timedelta(minutes=5),
    )
    page = words(as_ben.get(ads("detail", made)))
    assert "Next try" in page
    assert "An admin" in page
