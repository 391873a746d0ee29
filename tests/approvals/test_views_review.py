"""The review page: who sees it, the queue, and one ad with its facts."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import timedelta
from uuid import uuid4

import pytest
from django.utils import timezone

from approvals import desk
from approvals.models import AdVariant, Decision, VariantRevision
from approvals.selectors import queue as waiting
from approvals.services.propose import withdraw_variant
from approvals.services.review import (
    approve_variant,
    edit_variant,
    reject_variant,
    return_to_review,
)
from approvals.services.undo import push_now
from approvals.services.waiting import defer_variant, expire_undecided, reopen_variant
from approvals.states import VariantStatus
from leadmetrics.templatetags import ui
from leadmetrics.tenancy.models import Tenant
from tests.approvals.conftest import COPY, propose
from tests.approvals.pages import (
    ESCAPED_MARKUP,
    HTMX,
    MARKUP,
    ads,
    live_hash,
    review,
    typed,
    words,
)
from tests.builders import (
    make_ad_account,
    make_ad_set,
    make_campaign,
    make_integration,
    make_push_target,
    make_revision,
    make_variants,
)

OTHER = replace(COPY, headline="Tents for two")


@pytest.fixture
def second(agent, target) -> AdVariant:
    return propose(agent, target, replace(COPY, headline="Second in line"))


# --- Who sees what --------------------------------------------------------------------------------

PAGES = ["variant", "edit"]
ACTS = ["approve", "reject", "edit", "withdraw"]


@pytest.mark.parametrize("name", ["queue", *PAGES])
def test_page_sends_a_visitor_to_sign_in(client, variant, name):
    answer = client.get(review(name, None if name == "queue" else variant))
    assert answer.status_code == 302
    assert answer.url.startswith("/sign-in/")


@pytest.mark.parametrize("name", ACTS)
def test_act_sends_a_visitor_to_sign_in_and_changes_nothing(client, variant, name):
    answer = client.post(review(name, variant), typed(variant, OTHER, reason="policy"))
    assert answer.url.startswith("/sign-in/")
    variant.refresh_from_db()
    assert variant.status == VariantStatus.PROPOSED
    assert VariantRevision.objects.count() == 1


@pytest.mark.parametrize("name", ["queue", *PAGES])
def test_page_of_another_tenant_is_not_found(as_olga, variant, name):
    assert as_olga.get(review(name, None if name == "queue" else variant)).status_code == 404


@pytest.mark.parametrize("name", ACTS)
def test_act_in_another_tenant_is_not_found(as_olga, variant, name):
    assert (
        as_olga.post(review(name, variant), typed(variant, OTHER, reason="policy")).status_code
        == 404
    )


@pytest.mark.parametrize("name", [*PAGES, *ACTS])
def test_own_address_with_another_tenants_variant_is_not_found(as_olga, variant, name):
    ask = as_olga.post if name in ACTS else as_olga.get
    assert (
        ask(review(name, variant, "harbour"), typed(variant, OTHER, reason="policy")).status_code
        == 404
    )


@pytest.mark.parametrize("name", ["variant", *ACTS])
def test_unknown_variant_is_not_found(as_ben, acme, variant, name):
    nobody = AdVariant(pk=uuid4())
    ask = as_ben.post if name in ACTS else as_ben.get
    assert ask(review(name, nobody), typed(variant, OTHER, reason="policy")).status_code == 404


@pytest.mark.parametrize("name", ACTS)
def test_viewer_may_not_act(as_vera, variant, name):
    answer = as_vera.post(review(name, variant), typed(variant, OTHER, reason="policy"))
    assert answer.status_code == 403
    assert Decision.objects.count() == 0
    assert VariantRevision.objects.count() == 1


def test_viewer_may_not_open_the_edit_form(as_vera, variant):
    assert as_vera.get(review("edit", variant)).status_code == 403


@pytest.mark.parametrize("name", ["queue", "variant"])
def test_viewer_reads_why_there_are_no_buttons(as_vera, variant, name):
    answer = as_vera.get(review(name, None if name == "queue" else variant))
    assert "your role here is viewer" in words(answer)
    assert "Approve" not in words(answer)
    assert 'data-key="e"' not in answer.content.decode()


@pytest.mark.parametrize("name", ["queue", "variant"])
def test_page_takes_no_post(as_ben, variant, name):
    assert as_ben.post(review(name, None if name == "queue" else variant)).status_code == 405


@pytest.mark.parametrize("name", ["approve", "reject", "withdraw"])
def test_act_takes_no_get(as_ben, variant, name):
    assert as_ben.get(review(name, variant)).status_code == 405


def test_edit_takes_no_delete(as_ben, variant):
    assert as_ben.delete(review("edit", variant)).status_code == 405


# --- The queue ------------------------------------------------------------------------------------


def test_queue_opens_the_oldest_ad(as_ben, variant, second):
    answer = as_ben.get(review("queue"))
    assert answer.context["card"]["variant"] == variant
    assert [row for row, *_ in answer.context["rows"]] == [variant, second]
    assert "2 waiting." in words(answer)
    assert "1 of 2" in words(answer)


def test_queue_without_ads_says_what_will_appear(as_ben, acme):
    answer = as_ben.get(review("queue"))
    assert "All done" in words(answer)
    assert "Nothing waits for a decision." in words(answer)
    assert answer.context["card"] is None


def test_queue_shows_only_what_waits(as_ben, ben, variant, second):
    approve_variant(actor=ben, variant_id=variant.pk, shown_hash=live_hash(variant))
    answer = as_ben.get(review("queue"))
    assert [row for row, *_ in answer.context["rows"]] == [second]


def test_queue_is_narrowed_by_words_and_keeps_them_in_every_address(as_ben, variant, second):
    answer = as_ben.get(review("queue"), {"q": "second"})
    assert [row for row, *_ in answer.context["rows"]] == [second]
    assert "1 of 2 waiting fit the filter." in words(answer)
    card = answer.context["card"]
    for name in ("approve_url", "reject_url", "edit_url", "withdraw_url", "url"):
        assert card[name].endswith("?q=second")


def test_queue_is_narrowed_by_ad_account(as_ben, acme, agent, variant):
    target = make_target_for_second_account(acme)
    other = propose(agent, target)
    answer = as_ben.get(review("queue"), {"account": target.ad_account_id})
    assert [row for row, *_ in answer.context["rows"]] == [other]


def make_target_for_second_account(acme: Tenant):
    account = make_ad_account(make_integration(acme), name="Acme US")
    return make_push_target(acme, ad_set=make_ad_set(make_campaign(account)))


def test_queue_that_fits_nothing_offers_all(as_ben, variant):
    answer = as_ben.get(review("queue"), {"q": "zebra"})
    assert "Nothing here fits the filter" in words(answer)
    assert answer.context["all_url"] == review("queue")


@pytest.mark.parametrize(
    "nonsense",
    [
        {"account": "x", "view": "y", "start": "z"},
        {"account": "9" * 40},
        {"start": "2026-01-01_x"},
        {"start": f"2026-01-01T00:00:00_{uuid4()}"},
        {"q": "\x00"},
    ],
)
def test_queue_takes_nonsense_in_the_address_as_nothing(as_ben, variant, nonsense):
    answer = as_ben.get(review("queue"), nonsense)
    assert answer.status_code == 200
    assert answer.context["card"]["variant"] == variant


def test_ad_knows_its_neighbours(as_ben, variant, second):
    first, last = as_ben.get(review("variant", variant)), as_ben.get(review("variant", second))
    assert first.context["next_url"] == review("variant", second)
    assert first.context["previous_url"] == ""
    assert last.context["previous_url"] == review("variant", variant)
    assert last.context["next_url"] == ""
    assert "2 of 2" in words(last)


@pytest.fixture
def crowd(target) -> list[AdVariant]:
    """200 waiting ads, each with two versions."""
    return make_variants(target, [f"Ad {n} again" for n in range(200)], versions=2)


def test_queue_pages_by_key_to_the_end(as_ben, crowd):
    url, seen = review("queue"), []
    while url:
        page = as_ben.get(url).context
        seen += [row for row, *_ in page["rows"]]
        url = page["later_url"]
    assert [row.pk for row in seen] == [one.pk for one in crowd]


def test_ad_in_the_middle_is_in_view_with_what_is_around_it(as_ben, crowd):
    page = as_ben.get(review("variant", crowd[120])).context
    assert [row.pk for row, *_ in page["rows"]] == [one.pk for one in crowd[115:165]]
    assert [row.pk for row, _, here, *_ in page["rows"] if here] == [crowd[120].pk]
    assert page["place"] == 121
    assert page["first_url"] == review("queue")


@pytest.fixture
def undo_on(acme, crowd, ben) -> None:
    """As a new workspace is: with undo, of which there is something to offer."""
    acme.undo_minutes = 10
    acme.save()
    done = crowd[60]
    approve_variant(actor=ben, variant_id=done.pk, shown_hash=live_hash(done))


@pytest.fixture(params=[ui.COUNTED_TO, 20], ids=["short queue", "long queue"])
def counted_to(request, monkeypatch) -> int:
    for module in (ui, waiting, desk):
        monkeypatch.setattr(module, "COUNTED_TO", request.param)
    return request.param


@pytest.mark.usefixtures("undo_on", "counted_to")
@pytest.mark.parametrize(("place", "headers"), [(0, {}), (120, HTMX), (199, {})])
def test_review_page_needs_few_queries_whatever_the_number(
    as_ben, crowd, django_assert_max_num_queries, settings, headers, place
):
    settings.LINK_CHECKS = True
    narrowed = {"q": "again", "account": str(crowd[0].target.ad_account_id)}
    for query in ({}, narrowed):
        with django_assert_max_num_queries(11):
            page = as_ben.get(review("variant", crowd[place]), query, headers=headers)
        assert page.context["undo_url"]
        for more in ({}, {"filter": "1"}):
            with django_assert_max_num_queries(11):
                as_ben.get(review("queue"), {**query, **more}, headers=headers)


@pytest.mark.usefixtures("undo_on", "counted_to")
def test_own_edit_and_edit_form_need_few_queries(
    as_ben, ben, crowd, settings, django_assert_max_num_queries
):
    settings.LINK_CHECKS = True
    one = crowd[100]
    make_revision(one, author_id=ben.user_id, author_kind="human")
    with django_assert_max_num_queries(11):
        assert "somebody else approves it" in words(as_ben.get(review("variant", one)))
    with django_assert_max_num_queries(11):
        as_ben.get(review("edit", one))


@pytest.mark.usefixtures("undo_on")
def test_decided_ad_needs_few_queries(as_ben, crowd, django_assert_max_num_queries):
    with django_assert_max_num_queries(11):
        page = as_ben.get(review("variant", crowd[60]))
    assert page.context["undo_url"] == review("undo", crowd[60])


# --- One ad ---------------------------------------------------------------------------------------


def test_ad_shows_where_it_goes_what_was_checked_and_why(as_ben, variant, target):
    target.url_tags = "utm_source=meta"
    target.save()
    AdVariant.objects.update(rationale="Weight is the first question.")
    page = words(as_ben.get(review("variant", variant)))
    for fact in ("25+", "Spring", "Acme Outdoor", "act_3001", "acme.example", "utm_source=meta"):
        assert fact in page
    assert "Headline: 17 of 40 characters" in page
    assert "Weight is the first question." in page
    assert "Copy agent" in page
    assert "No image in this variant" in page


def test_ad_carries_the_live_hash(as_ben, variant, target):
    target.url_tags = "utm_source=meta"
    target.save()
    page = as_ben.get(review("variant", variant)).content.decode()
    now = live_hash(variant)
    assert now != VariantRevision.objects.get().content_hash
    assert f'name="content_hash" value="{now}"' in page


def test_ad_shows_its_versions_with_what_changed(as_ben, variant, rita):
    edit_variant(
        actor=rita,
        variant_id=variant.pk,
        shown_hash=live_hash(variant),
        copy=replace(COPY, headline="Tents from 2.1 kg"),
    )
    page = as_ben.get(review("variant", variant)).content.decode()
    assert re.search(r"<del>.*?1\.9.*?</del>", page)
    assert re.search(r"<ins>.*?2\.1.*?</ins>", page)
    assert page.count("<del>") == 1
    assert "Changed in version 2" in words(as_ben.get(review("variant", variant)))


def test_ad_and_its_page_tell_all_that_was_done_in_one_history(as_ben, ben, rita, variant):
    """Also what is neither a version nor a verdict, with who did it."""

    def was(status: str, **changes: object) -> None:
        AdVariant.objects.update(status=status, **changes)

    defer_variant(actor=ben, variant_id=variant.pk, shown_hash=live_hash(variant))
    was(VariantStatus.PROPOSED, updated_at=timezone.now() - timedelta(days=99))
    expire_undecided()
    reopen_variant(actor=rita, variant_id=variant.pk)
    was(VariantStatus.APPROVED)
    return_to_review(actor=ben, variant_id=variant.pk)
    edit_variant(actor=rita, variant_id=variant.pk, shown_hash=live_hash(variant), copy=OTHER)
    withdraw_variant(actor=rita, variant_id=variant.pk, shown_hash=live_hash(variant))
    told = [
        ("Withdrawn", "Rita"),
        ("Edited: version 2", "Rita"),
        ("Returned to review", "Ben"),
        ("Put back into the queue", "Rita"),
        ("Expired, not decided", "Leadmetrics"),
        ("Put off", "Ben"),
        ("Proposed", "Copy agent"),
    ]
    card, page = as_ben.get(review("variant", variant)), as_ben.get(ads("detail", variant))
    for lines in (card.context["card"]["history"], page.context["timeline"]):
        assert [(line.title, line.who) for line in lines] == told
        assert lines[-2].detail.startswith("Until ")
        assert [change.label for change in lines[1].changes] == ["Headline"]
    for answer in (card, page):
        assert "Expired, not decided" in words(answer)
        assert "<ins>" in answer.content.decode()


def test_history_says_who_had_it_sent_at_once(as_ben, acme, ben, variant):
    acme.undo_minutes = 10
    acme.save()
    approve_variant(actor=ben, variant_id=variant.pk, shown_hash=live_hash(variant))
    push_now(actor=ben, variant_id=variant.pk)
    newest = as_ben.get(review("variant", variant)).context["card"]["history"][0]
    assert (newest.title, newest.who) == ("Sent without waiting for the time to undo", "Ben")


def test_ad_that_runs_on_instagram_can_be_seen_there(as_ben, variant, target):
    assert "Instagram" not in as_ben.get(review("variant", variant)).content.decode()
    target.page.instagram_account_id = "178"
    target.page.save()
    target.use_instagram = True
    target.save()
    answer = as_ben.get(review("variant", variant), {"view": "instagram"})
    assert "Instagram feed" in answer.content.decode()
    assert answer.context["card"]["approve_url"].endswith("?view=instagram")


def test_ad_longer_than_the_feed_shows_its_whole_text(as_ben, acme, agent, target):
    acme.copy_limits = Tenant.CopyLimits.ADVISORY
    acme.save()
    long = replace(COPY, primary_text="word " * 60, headline="Tents " * 9 + "end")
    answer = as_ben.get(review("variant", propose(agent, target, long)))
    assert "Whole text" in words(answer)
    assert "Tents end" in words(answer)
    assert "Headline has 57 characters; feeds cut it after 40." in words(answer)


def test_markup_in_every_field_stays_text(as_ben, acme, agent, target, rita):
    acme.copy_limits = Tenant.CopyLimits.ADVISORY
    acme.save()
    target.name = target.url_tags = MARKUP
    target.save()
    for part in (target.ad_set, target.ad_set.campaign, target.page, target.ad_account):
        part.name = MARKUP
        part.save()
    nasty = replace(COPY, primary_text=MARKUP, headline=MARKUP, description=MARKUP)
    made = propose(agent, target, nasty)
    AdVariant.objects.update(rationale=MARKUP)
    made.proposal.__class__.objects.update(
        brief=MARKUP, model=MARKUP, run_id=MARKUP, submitted_by=MARKUP
    )
    pages = [as_ben.get(review("variant", made)), as_ben.get(review("edit", made))]
    reject_variant(
        actor=rita,
        variant_id=made.pk,
        shown_hash=live_hash(made),
        reason_code="policy",
        comment=MARKUP,
    )
    pages.append(as_ben.get(review("variant", made)))
    for page in pages:
        assert MARKUP not in page.content.decode()
        assert ESCAPED_MARKUP in page.content.decode()


def test_searched_markup_stays_text(as_ben, variant):
    assert MARKUP not in as_ben.get(review("queue"), {"q": MARKUP}).content.decode()


def test_long_queue_is_counted_up_to_a_bound(as_ben, agent, target, monkeypatch):
    for module in (waiting, desk, ui):
        monkeypatch.setattr(module, "COUNTED_TO", 2)
    ads = [propose(agent, target, replace(COPY, headline=f"Tent {number}")) for number in range(4)]
    answer = as_ben.get(review("queue"))
    assert "2+ waiting." in words(answer)
    narrowed = as_ben.get(review("queue"), {"q": "Tent 3"})
    assert "1 of 2+ waiting fit the filter." in words(narrowed)
    assert "Version 1 · 2 of 2+" in words(as_ben.get(review("variant", ads[1])))
    assert "of 2+" not in words(as_ben.get(review("variant", ads[3])))
